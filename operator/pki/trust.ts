import type { X509Certificate } from 'node:crypto';
import { WeftError } from '../../proxy-image/contract/errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { type Authority, createAnchor, createIssuer, expiryOf, notAfterMsOf } from './authority.ts';
import { toPem } from './certificate.ts';
import {
  ANCHOR_SECRET,
  distinct,
  ISSUER_SECRET,
  isSignedBy,
  readAuthority,
  type SecretStore,
  toSecret,
  WEBHOOK_AUTHORITY_SECRET,
} from './secrets.ts';

/** The part of the Mesh that decides where certificates come from. */
export interface TrustSettings {
  suffix: string;
  issuer: { type: 'Managed' } | { type: 'Secret'; name: string };
  anchorLifetimeMs: number;
  issuerLifetimeMs: number;
}

/** One immutable view of the certificates in force. */
export interface TrustState {
  issuer: Authority;
  anchorsPem: string;
  anchorNotAfterMs: number;
  issuerNotAfterMs: number;
}

/** The webhooks' own CA outlives what it serves: nothing but the API server trusts it, and only for two names. */
const WEBHOOK_AUTHORITY_LIFETIME_MS = 10 * 365 * 86_400_000;

/**
 * Anchor, issuer and webhook CA as the Secrets say. `refresh` reads them again: at start, on a timer, on a change of the Mesh
 * or of a Secret. What is bad or gone leaves the last good state in force and becomes a problem.
 */
export class Trust {
  private readonly store: SecretStore;
  private readonly clock: Clock;
  private readonly listeners = new Set<() => void>();
  private anchor: Authority | null = null;
  private state: TrustState | null = null;
  private webhook: Authority | null = null;
  private refreshing: Promise<void> = Promise.resolve();
  /** What the last `refresh` found wrong, one sentence each; for the conditions of the Mesh. */
  problems: readonly WeftError[] = [];

  constructor(store: SecretStore, clock: Clock) {
    this.store = store;
    this.clock = clock;
  }

  /** `null` until an issuer was read or created. */
  get current(): TrustState | null {
    return this.state;
  }

  /** Signs the webhooks' serving certificates on every replica. */
  get webhookAuthority(): Authority | null {
    return this.webhook;
  }

  /** For `clientConfig.caBundle`, PEM; empty until the CA was read or created. */
  get caBundlePem(): string {
    return this.webhook === null ? '' : toPem(this.webhook.anchors);
  }

  /** Called after `current` or `webhookAuthority` changed. Returns how to unsubscribe. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * @param mayCreate only the leader writes; other replicas report what is absent and wait
   * @throws what the store throws; nothing has changed then
   */
  refresh(settings: TrustSettings, mayCreate: boolean): Promise<void> {
    const run = this.refreshing.then(() => this.readAll(settings, mayCreate));
    // One at a time: two that create would each hold a CA of their own until the next read.
    this.refreshing = run.catch(() => {});
    return run;
  }

  private async readAll(settings: TrustSettings, mayCreate: boolean): Promise<void> {
    const problems: WeftError[] = [];
    const before = [this.state?.issuer.certificate, this.state?.anchorsPem, this.webhook?.certificate].map(String);
    this.webhook = await this.obtain(WEBHOOK_AUTHORITY_SECRET, this.webhook, mayCreate, problems, () =>
      createAnchor('webhooks.weft.dev', WEBHOOK_AUTHORITY_LIFETIME_MS, this.clock.wallMs()),
    );
    const issuer =
      settings.issuer.type === 'Managed'
        ? await this.managedIssuer(settings, mayCreate, problems)
        : await this.obtain(settings.issuer.name, null, false, problems, null);
    if (issuer !== null) this.state = stateOf(issuer, settings.issuer.type === 'Managed' ? this.anchor : null);
    this.problems = problems;
    const after = [this.state?.issuer.certificate, this.state?.anchorsPem, this.webhook?.certificate].map(String);
    if (after.some((text, i) => text !== before[i])) for (const listener of this.listeners) listener();
  }

  private async managedIssuer(settings: TrustSettings, mayCreate: boolean, problems: WeftError[]) {
    const nowMs = this.clock.wallMs();
    this.anchor = await this.obtain(ANCHOR_SECRET, this.anchor, mayCreate, problems, () =>
      createAnchor(`root.${settings.suffix}`, settings.anchorLifetimeMs, nowMs),
    );
    const { anchor } = this;
    if (anchor === null) return null;
    const issuer = await this.obtain(ISSUER_SECRET, null, mayCreate, problems, () =>
      createIssuer(anchor, `identity.${settings.suffix}`, settings.issuerLifetimeMs, nowMs),
    );
    if (issuer === null || anchor.anchors.some((root) => isSignedBy(issuer.certificate, root))) return issuer;
    problems.push(new WeftError('WEFT_PKI_SECRET', `${ISSUER_SECRET} was not signed by ${ANCHOR_SECRET}`));
    return null;
  }

  /**
   * The authority in Secret `name`. Absent: `held` is put back (it is what certificates out there chain to), else a new one is
   * made. Bad: `held` stays.
   */
  private async obtain(
    name: string,
    held: Authority | null,
    mayCreate: boolean,
    problems: WeftError[],
    make: (() => Authority) | null,
  ): Promise<Authority | null> {
    let content = await this.store.get(name);
    if (content === null && mayCreate && make !== null) {
      const authority = held ?? make();
      if (await this.store.create(name, toSecret(authority))) return authority;
      content = await this.store.get(name);
    }
    if (content === null) {
      problems.push(new WeftError('WEFT_PKI_ABSENT', name));
      return held;
    }
    const read = readAuthority(content, this.clock.wallMs());
    if (read.ok) return read.authority;
    problems.push(new WeftError('WEFT_PKI_SECRET', `${name} ${read.problem}`));
    return held;
  }
}

function stateOf(issuer: Authority, anchor: Authority | null): TrustState {
  const anchors: X509Certificate[] = distinct([...issuer.anchors, ...(anchor?.anchors ?? [])]);
  return {
    issuer: { ...issuer, anchors },
    anchorsPem: toPem(anchors),
    anchorNotAfterMs: Math.max(...anchors.map(notAfterMsOf)),
    issuerNotAfterMs: expiryOf(issuer),
  };
}
