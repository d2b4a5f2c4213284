import { randomBytes, type X509Certificate } from 'node:crypto';
import { ControlPlaneError } from '../../proxy-image/contract/control-plane-errors.ts';
import type { CodedError } from '../../proxy-image/contract/errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { AuthorityName, HeldAuthority } from '../status/authority.ts';
import { type Authority, createAnchor, createIssuer, createSuccessor, expiryOf, notAfterMsOf } from './authority.ts';
import { toPem } from './certificate.ts';
import { Custody, type Kept, type Look, type RenewalReport } from './custody.ts';
import { issuerRenewalMs, type Lifetimes, rootRenewalMs, warningMs } from './renewal.ts';
import {
  ANCHOR_SECRET,
  distinct,
  ISSUER_SECRET,
  isSignedBy,
  type SecretStore,
  WEBHOOK_AUTHORITY_SECRET,
} from './secrets.ts';

/** The part of the Mesh that decides where certificates come from. */
export interface TrustSettings extends Lifetimes {
  suffix: string;
  issuer: { type: 'Managed' } | { type: 'Secret'; name: string };
}

/** One immutable view of the certificates in force. */
export interface TrustState {
  issuer: Authority;
  anchorsPem: string;
  anchorNotAfterMs: number;
  issuerNotAfterMs: number;
  /** How many anchors are trusted: two while one takes the place of the other. */
  trustedAnchors: number;
  /** The newest anchor is trusted already, but nothing is signed below it yet. */
  isCrossing: boolean;
}

/** One `refresh`. */
interface Pass extends Look {
  settings: TrustSettings;
  held: HeldAuthority[];
}

/** The webhooks' own CA outlives what it serves: nothing but the API server trusts it, and only for two names. */
const WEBHOOK_AUTHORITY_LIFETIME_MS = 10 * 365 * 86_400_000;
const WEBHOOK_AUTHORITY = 'webhooks.weft.dev';

/**
 * Anchor, issuer and webhook CA as the Secrets say. `refresh` reads them again: at start, on a timer, on a change of the Mesh
 * or of a Secret; on the leader it makes what is missing and replaces what is due. What is bad or gone leaves the last good state in force
 * and becomes a problem. What is due follows from the Secrets and the time alone, and each step is one write of one Secret: whoever leads
 * next goes on from there.
 */
export class Trust {
  private readonly custody: Custody;
  private readonly clock: Clock;
  private readonly listeners = new Set<() => void>();
  private anchor: Kept | null = null;
  private state: TrustState | null = null;
  private webhook: Kept | null = null;
  private refreshing: Promise<void> = Promise.resolve();
  /** What the last `refresh` found wrong, one sentence each; for the conditions of the Mesh. */
  problems: readonly CodedError[] = [];
  /** What the last `refresh` found; empty before the first. */
  held: readonly HeldAuthority[] = [];

  constructor(store: SecretStore, clock: Clock) {
    this.custody = new Custody(store);
    this.clock = clock;
  }

  /** `null` until an issuer was read or created. */
  get current(): TrustState | null {
    return this.state;
  }

  /** Signs the webhooks' serving certificates on every replica. */
  get webhookAuthority(): Authority | null {
    return this.webhook?.authority ?? null;
  }

  /** For `clientConfig.caBundle`, PEM: two CAs while the older one still lives. Empty until the CA was read or created. */
  get caBundlePem(): string {
    return this.webhook === null ? '' : toPem(this.webhook.authority.anchors);
  }

  /** Called after `current`, `webhookAuthority` or `caBundlePem` changed. Returns how to unsubscribe. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Called for every replacement that this replica made or tried, within `refresh`. Returns how to unsubscribe. */
  onRenewal(listener: (report: RenewalReport) => void): () => void {
    return this.custody.onRenewal(listener);
  }

  /**
   * @param mayWrite only the leader does; other replicas report what is absent and wait
   * @throws what the store throws on reading and creating; nothing has changed then
   */
  refresh(settings: TrustSettings, mayWrite: boolean): Promise<void> {
    const run = this.refreshing.then(() =>
      this.readAll({ settings, mayWrite, nowMs: this.clock.wallMs(), problems: [], held: [] }),
    );
    // One at a time: two that create would each hold a CA of their own until the next read.
    this.refreshing = run.catch(() => {});
    return run;
  }

  private async readAll(pass: Pass): Promise<void> {
    const before = this.fingerprint();
    this.webhook = await this.webhookOf(pass);
    const issuer = await this.issuerOf(pass);
    const isManaged = pass.settings.issuer.type === 'Managed';
    if (issuer !== null) this.state = stateOf(issuer, isManaged ? (this.anchor?.authority ?? null) : null);
    this.problems = pass.problems;
    this.held = pass.held;
    if (this.fingerprint() !== before) for (const listener of this.listeners) listener();
  }

  private fingerprint(): string {
    return [this.state?.issuer.certificate, this.state?.anchorsPem, this.webhook?.authority.certificate]
      .concat(this.caBundlePem)
      .map(String)
      .join();
  }

  private async webhookOf(pass: Pass): Promise<Kept | null> {
    const make = () => createAnchor(WEBHOOK_AUTHORITY, WEBHOOK_AUTHORITY_LIFETIME_MS, pass.nowMs);
    const read = await this.custody.obtain(pass, WEBHOOK_AUTHORITY_SECRET, this.webhook, make);
    return this.renewRoot(pass, 'webhook-ca', read, WEBHOOK_AUTHORITY, WEBHOOK_AUTHORITY_LIFETIME_MS);
  }

  private async issuerOf(pass: Pass): Promise<Authority | null> {
    const { settings } = pass;
    if (settings.issuer.type === 'Managed') return this.managedIssuer(pass);
    const { name } = settings.issuer;
    const kept = await this.custody.obtain(pass, name, null, null);
    if (kept === null) return null;
    const { authority } = kept;
    const last = authority.anchors.reduce((a, b) => (notAfterMsOf(a) < notAfterMsOf(b) ? b : a));
    pass.held.push(heldOf('anchor', name, last, null), heldOf('issuer', name, authority.certificate, null));
    return authority;
  }

  private async managedIssuer(pass: Pass): Promise<Authority | null> {
    const { settings, nowMs, problems } = pass;
    const root = `root.${settings.suffix}`;
    const read = await this.custody.obtain(pass, ANCHOR_SECRET, this.anchor, () =>
      createAnchor(root, settings.anchorLifetimeMs, nowMs),
    );
    this.anchor = await this.renewRoot(pass, 'anchor', read, root, settings.anchorLifetimeMs);
    if (this.anchor === null) return null;
    const { authority: anchor, isOurs } = this.anchor;
    const make = () => createIssuer(anchor, `identity.${settings.suffix}`, settings.issuerLifetimeMs, nowMs);
    const kept = await this.custody.obtain(pass, ISSUER_SECRET, null, make);
    if (kept === null) return null;
    const chained = anchor.anchors.some((one) => isSignedBy(kept.authority.certificate, one));
    // Two of our own that do not belong together: the anchor's Secret was lost while no operator ran, and made anew. The issuer brings the
    // old anchor along, and follows as it would follow a successor.
    const isDead = expiryOf(kept.authority) <= nowMs;
    if (chained || (kept.isOurs && (isOurs || isDead))) return this.renewIssuer(pass, kept, anchor, make);
    problems.push(new ControlPlaneError('WEFT_PKI_SECRET', `${ISSUER_SECRET} was not signed by ${ANCHOR_SECRET}`));
    return null;
  }

  /** A root of our own that is due, or has ended, gets a successor beside it. */
  private async renewRoot(
    pass: Pass,
    name: AuthorityName,
    read: Kept | null,
    title: string,
    lifetimeMs: number,
  ): Promise<Kept | null> {
    if (read === null) return null;
    const secret = name === 'anchor' ? ANCHOR_SECRET : WEBHOOK_AUTHORITY_SECRET;
    const due = read.isOurs && rootRenewalMs(read.authority) <= pass.nowMs;
    // Two roots of one name could be taken for each other by whoever looks for names only.
    const make = () =>
      createSuccessor(read.authority, `${randomBytes(4).toString('hex')}.${title}`, lifetimeMs, pass.nowMs);
    const kept = due ? await this.custody.replace(pass, name, secret, read, make) : read;
    const { authority, isOurs } = kept;
    pass.held.push(heldOf(name, secret, authority.certificate, isOurs ? rootRenewalMs(authority) : null));
    return kept;
  }

  private async renewIssuer(pass: Pass, read: Kept, anchor: Authority, create: () => Authority): Promise<Authority> {
    const due = read.isOurs && issuerRenewalMs(read.authority, anchor, pass.settings) <= pass.nowMs;
    // No anchor leaves the bundle before its end, whatever the anchor's own Secret still says of it.
    const living = read.authority.anchors.filter((one) => notAfterMsOf(one) > pass.nowMs);
    const make = () => {
      const issuer = create();
      return { ...issuer, anchors: distinct([...issuer.anchors, ...living]) };
    };
    const { authority, isOurs } = due ? await this.custody.replace(pass, 'issuer', ISSUER_SECRET, read, make) : read;
    const renewAtMs = issuerRenewalMs(authority, anchor, pass.settings);
    const willRenew = isOurs && Number.isFinite(renewAtMs);
    pass.held.push(heldOf('issuer', ISSUER_SECRET, authority.certificate, willRenew ? renewAtMs : null));
    return authority;
  }
}

function heldOf(
  name: AuthorityName,
  secret: string,
  certificate: X509Certificate,
  renewAtMs: number | null,
): HeldAuthority {
  const warnAtMs = warningMs(certificate, renewAtMs !== null);
  return { name, secret, notAfterMs: notAfterMsOf(certificate), renewAtMs, warnAtMs };
}

function stateOf(issuer: Authority, anchor: Authority | null): TrustState {
  // The anchor's Secret first: it tells of a new root before the issuer's does, and the order is the same on every replica.
  const anchors: X509Certificate[] = distinct([...(anchor?.anchors ?? []), ...issuer.anchors]);
  const authority = { ...issuer, anchors };
  return {
    issuer: authority,
    anchorsPem: toPem(anchors),
    anchorNotAfterMs: Math.max(...anchors.map(notAfterMsOf)),
    issuerNotAfterMs: expiryOf(authority),
    trustedAnchors: anchors.length,
    isCrossing: anchor !== null && !issuer.certificate.checkIssued(anchor.certificate),
  };
}
