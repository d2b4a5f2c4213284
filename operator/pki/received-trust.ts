import { ControlPlaneError } from '../../proxy-image/contract/control-plane-errors.ts';
import type { CodedError } from '../../proxy-image/contract/errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { HeldAuthority } from '../status/authority.ts';
import { notAfterMsOf } from './authority.ts';
import { toPem } from './certificate.ts';
import { Custody, type Kept, type Look } from './custody.ts';
import {
  type ControlCredentials,
  generationOf,
  type KnownTrust,
  type MeshTrust,
  sameTerms,
  type TrustSettings,
} from './mesh-trust.ts';
import { type PublishedTrust, readControl, readPublished, signerOf } from './published.ts';
import { warningMs } from './renewal.ts';
import {
  CONTROL_SECRET,
  ISSUER_SECRET,
  PUBLISHED_SECRET,
  type SecretStore,
  WEBHOOK_AUTHORITY_SECRET,
} from './secrets.ts';

/** What a process with some of the roles may read beside what is published. */
export interface Received {
  /** The issuer, with its key. */
  signer: boolean;
  /** The CA of what the API server calls, with its key. */
  webhookAuthority: boolean;
  /** What the operator proves itself with to proxies. */
  control: boolean;
}

/** The trust as a leader in another process publishes it. Nothing is made or written here; what is bad or gone leaves in force what was read before. */
export class ReceivedTrust implements MeshTrust {
  readonly #store: SecretStore;
  readonly #clock: Clock;
  readonly #received: Received;
  readonly #custody: Custody;
  readonly #listeners = new Set<() => void>();
  #published: PublishedTrust | null = null;
  #issuer: Kept | null = null;
  #webhook: Kept | null = null;
  #reading: Promise<void> = Promise.resolve();
  current: KnownTrust | null = null;
  control: ControlCredentials = new Map();
  problems: readonly CodedError[] = [];
  held: readonly HeldAuthority[] = [];
  readonly rotation = null;

  constructor(store: SecretStore, clock: Clock, received: Received) {
    this.#store = store;
    this.#clock = clock;
    this.#received = received;
    this.#custody = new Custody(store);
  }

  get generation(): string {
    return this.#published === null || this.current === null ? '' : generationOf(this.#published.issuer, this.current);
  }

  get webhookAuthority() {
    return this.#webhook?.authority ?? null;
  }

  get caBundlePem(): string {
    return this.#webhook === null ? '' : toPem(this.#webhook.authority.anchors);
  }

  get isComplete(): boolean {
    const { signer, webhookAuthority, control } = this.#received;
    if (this.current === null || (webhookAuthority && this.#webhook === null)) return false;
    return signer ? this.current.issuer !== null : !control || this.control.size > 0;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  refresh(settings: TrustSettings): Promise<void> {
    const run = this.#reading.then(() => this.#read(settings));
    this.#reading = run.catch(() => {});
    return run;
  }

  async #read({ issuer }: TrustSettings): Promise<void> {
    const { signer, webhookAuthority, control } = this.#received;
    const look: Look = { mayWrite: false, nowMs: this.#clock.wallMs(), problems: [] };
    const before = this.#fingerprint();
    // The leader writes the authorities first: what is read after this is as new, or newer.
    await this.#readPublished(look);
    if (signer) {
      const name = issuer.type === 'Managed' ? ISSUER_SECRET : issuer.name;
      this.#issuer = await this.#custody.obtain(look, name, this.#issuer, null);
    }
    if (webhookAuthority)
      this.#webhook = await this.#custody.obtain(look, WEBHOOK_AUTHORITY_SECRET, this.#webhook, null);
    if (control) await this.#readControl(look);
    this.current = this.#published && this.#knownOf(this.#published);
    this.held = this.#heldOf();
    this.problems = look.problems;
    if (this.#fingerprint() !== before) for (const listener of this.#listeners) listener();
  }

  async #readPublished({ problems }: Look): Promise<void> {
    const stored = await this.#store.get(PUBLISHED_SECRET);
    if (stored === null) return void problems.push(new ControlPlaneError('WEFT_PKI_ABSENT', PUBLISHED_SECRET));
    try {
      this.#published = readPublished(stored);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      problems.push(new ControlPlaneError('WEFT_PKI_SECRET', `${PUBLISHED_SECRET} ${detail}`));
    }
  }

  async #readControl({ problems }: Look): Promise<void> {
    const stored = await this.#store.get(CONTROL_SECRET);
    const found = stored === null ? null : readControl(stored);
    if (found !== null && found.size > 0) this.control = found;
    else problems.push(new ControlPlaneError('WEFT_PKI_ABSENT', CONTROL_SECRET));
  }

  /** A signer of before goes on until the one that is published has been read. */
  #knownOf(published: PublishedTrust): KnownTrust {
    const { anchors, issuerNotAfterMs, isCrossing, leafTerms } = published;
    return {
      issuer: signerOf(published, this.#issuer?.authority ?? null) ?? this.current?.issuer ?? null,
      anchorsPem: toPem(anchors),
      anchorNotAfterMs: Math.max(...anchors.map(notAfterMsOf)),
      issuerNotAfterMs,
      trustedAnchors: anchors.length,
      isCrossing,
      leafTerms: sameTerms(leafTerms, this.current?.leafTerms ?? null),
    };
  }

  #heldOf(): HeldAuthority[] {
    const seen = (
      name: HeldAuthority['name'],
      secret: string,
      certificate: PublishedTrust['issuer'],
    ): HeldAuthority => {
      const warnAtMs = warningMs(certificate, true);
      return { name, secret, notAfterMs: notAfterMsOf(certificate), renewAtMs: null, warnAtMs };
    };
    const { anchors = [], issuer = null } = this.#published ?? {};
    const last = anchors.reduce<PublishedTrust['issuer'] | null>(
      (a, b) => (a === null || notAfterMsOf(a) < notAfterMsOf(b) ? b : a),
      null,
    );
    const webhook = this.#webhook?.authority.certificate ?? null;
    return [
      ...(last === null ? [] : [seen('anchor', PUBLISHED_SECRET, last)]),
      ...(issuer === null ? [] : [seen('issuer', PUBLISHED_SECRET, issuer)]),
      ...(webhook === null ? [] : [seen('webhook-ca', WEBHOOK_AUTHORITY_SECRET, webhook)]),
    ];
  }

  #fingerprint(): string {
    const control = [...this.control].map(([name, { certPem }]) => `${name} ${certPem}`);
    const signer = this.current?.issuer?.certificate.fingerprint256 ?? '';
    return [this.generation, signer, this.caBundlePem, ...control].join('\n');
  }
}
