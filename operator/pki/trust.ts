import { randomBytes, type X509Certificate } from 'node:crypto';
import { ControlPlaneError } from '../../proxy-image/contract/control-plane-errors.ts';
import type { CodedError } from '../../proxy-image/contract/errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { failureOf } from '../runtime/errors.ts';
import type { AuthorityName, HeldAuthority } from '../status/authority.ts';
import type { LeafTerms } from '../status/leaf-terms.ts';
import type { RotationState } from '../status/rotation.ts';
import { type ConfigMapStore, withAnchors } from './anchors.ts';
import {
  type Authority,
  BACKDATE_MS,
  createAnchor,
  createIssuer,
  createSuccessor,
  expiryOf,
  notAfterMsOf,
} from './authority.ts';
import { toPem } from './certificate.ts';
import { Custody, type Kept, type Look, type RenewalReport } from './custody.ts';
import {
  type ControlCredentials,
  generationOf,
  type MeshTrust,
  sameTerms,
  type TrustSettings,
  type TrustState,
} from './mesh-trust.ts';
import { issuerRenewalMs, rootRenewalMs, warningMs } from './renewal.ts';
import { mustIssue, nextStep, type ProxiesHold, staleAnchors } from './rotation.ts';
import { RotationKeeper } from './rotation-keeper.ts';
import {
  doneValues,
  isUnderWay,
  leafOnly,
  ROTATION_PARTS,
  type RotationRecord,
  type RotationValues,
} from './rotation-record.ts';
import {
  ANCHOR_SECRET,
  distinct,
  ISSUER_SECRET,
  isSignedBy,
  type SecretStore,
  WEBHOOK_AUTHORITY_SECRET,
} from './secrets.ts';

const NO_CONTROL: ControlCredentials = new Map();

export type { TrustSettings, TrustState } from './mesh-trust.ts';

/** One `refresh`. */
interface Pass extends Look {
  settings: TrustSettings;
  held: HeldAuthority[];
}

/** What was found in the Secrets, and what has been made of it where it was due. */
interface Found {
  /** `null` where somebody else keeps it. */
  anchor: Kept | null;
  issuer: Kept;
  record: RotationRecord;
}

export interface TrustOptions {
  /**
   * What proxies of all replicas have of the trust that is published, which `generation` names; `null`: it is not known of all. Asked on the leader while a
   * rotation is under way.
   */
  proxies?: (generation: string) => Promise<ProxiesHold | null>;
  /** Not given: there are none. */
  configMaps?: ConfigMapStore;
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
export class Trust implements MeshTrust {
  readonly control = NO_CONTROL;
  private readonly custody: Custody;
  private readonly clock: Clock;
  private readonly rotations: RotationKeeper;
  private readonly proxies: NonNullable<TrustOptions['proxies']>;
  private readonly configMaps: ConfigMapStore;
  private readonly listeners = new Set<() => void>();
  private readonly rotated = new Set<(values: readonly string[]) => void>();
  private anchor: Kept | null = null;
  private state: TrustState | null = null;
  private webhook: Kept | null = null;
  private refreshing: Promise<void> = Promise.resolve();
  /** What the last `refresh` found wrong, one sentence each; for the conditions of the Mesh. */
  problems: readonly CodedError[] = [];
  /** What the last `refresh` found; empty before the first. */
  held: readonly HeldAuthority[] = [];
  /** What the last `refresh` found; `null` before the first that found an issuer. */
  rotation: RotationState | null = null;

  constructor(store: SecretStore, clock: Clock, options: TrustOptions = {}) {
    this.custody = new Custody(store);
    this.rotations = new RotationKeeper(store);
    this.proxies = options.proxies ?? (async () => null);
    this.configMaps = options.configMaps ?? { get: async () => null };
    this.clock = clock;
  }

  /** Names what is published: bundle, issuer, and what certificates have to be. Empty: nothing is. */
  get generation(): string {
    return this.state === null ? '' : generationOf(this.state.issuer.certificate, this.state);
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

  get isComplete(): boolean {
    return this.state !== null && this.webhook !== null;
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

  /** Called with what a rotation was that is done, on the replica that brought it to its end. Returns how to unsubscribe. */
  onRotation(listener: (values: readonly string[]) => void): () => void {
    this.rotated.add(listener);
    return () => this.rotated.delete(listener);
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
    const found = await this.issuerOf(pass);
    if (found !== null) {
      await this.rotate(pass, found);
      this.state = stateOf(found, this.state);
    }
    this.problems = pass.problems;
    this.held = pass.held;
    if (this.fingerprint() !== before) for (const listener of this.listeners) listener();
  }

  private fingerprint(): string {
    return [this.generation, this.webhook?.authority.certificate].concat(this.caBundlePem).map(String).join();
  }

  private async webhookOf(pass: Pass): Promise<Kept | null> {
    const make = () => createAnchor(WEBHOOK_AUTHORITY, WEBHOOK_AUTHORITY_LIFETIME_MS, pass.nowMs);
    const read = await this.custody.obtain(pass, WEBHOOK_AUTHORITY_SECRET, this.webhook, make);
    return this.renewRoot(pass, 'webhook-ca', read);
  }

  private async issuerOf(pass: Pass): Promise<Found | null> {
    const { settings } = pass;
    if (settings.issuer.type === 'Managed') return this.managedIssuer(pass);
    const { name } = settings.issuer;
    const kept = await this.custody.obtain(pass, name, null, null);
    const authority = kept === null ? null : await this.anchored(pass, kept.authority);
    if (kept === null || authority === null) return null;
    const record = await this.rotations.look(pass, settings.rotation, false, kept.serverMs);
    const last = authority.anchors.reduce((a, b) => (notAfterMsOf(a) < notAfterMsOf(b) ? b : a));
    const source = settings.trustAnchors;
    const anchor = heldOf('anchor', source?.name ?? name, last, null);
    pass.held.push(source === null ? anchor : { ...anchor, kind: 'ConfigMap' });
    pass.held.push(heldOf('issuer', name, authority.certificate, null));
    return { anchor: null, issuer: { ...kept, authority, isOurs: false }, record: leafOnly(record) };
  }

  /** With the anchors of the ConfigMap, where the Mesh names one. `null`: it cannot be used, and what is in force stays so. */
  private async anchored({ settings, nowMs, problems }: Pass, issuer: Authority): Promise<Authority | null> {
    const source = settings.trustAnchors;
    if (source === null) return issuer;
    const authority = await this.configMaps.get(source.name).then(
      (data) => withAnchors(issuer, source, data, nowMs),
      (error) => {
        if (failureOf(error) !== 'Forbidden') throw error;
        return error instanceof Error ? error.message : String(error);
      },
    );
    if (typeof authority !== 'string') return authority;
    problems.push(new ControlPlaneError('WEFT_PKI_ANCHORS', `${source.name} ${authority}`));
    return null;
  }

  private async managedIssuer(pass: Pass): Promise<Found | null> {
    const { settings, nowMs, problems } = pass;
    const { title, lifetimeMs } = rootOf('anchor', settings);
    const read = await this.custody.obtain(pass, ANCHOR_SECRET, this.anchor, () =>
      createAnchor(title, lifetimeMs, nowMs),
    );
    this.anchor = await this.renewRoot(pass, 'anchor', read);
    if (this.anchor === null) return null;
    const { authority: anchor, isOurs } = this.anchor;
    const kept = await this.custody.obtain(pass, ISSUER_SECRET, null, () => issuerBelow(anchor, pass));
    if (kept === null) return null;
    const chained = anchor.anchors.some((one) => isSignedBy(kept.authority.certificate, one));
    // Two of our own that do not belong together: the anchor's Secret was lost while no operator ran, and made anew. The issuer brings the
    // old anchor along, and follows as it would follow a successor.
    const isDead = expiryOf(kept.authority) <= nowMs;
    if (chained || (kept.isOurs && (isOurs || isDead))) {
      const issuer = await this.renewIssuer(pass, kept, anchor);
      // Made a moment ago, both: there is nothing older to be rid of.
      const isNew = read?.resourceVersion === '' && kept.resourceVersion === '';
      const wanted = this.rotatable(pass, { anchor: isOurs, issuer: kept.isOurs });
      return { anchor: this.anchor, issuer, record: await this.rotations.look(pass, wanted, isNew, kept.serverMs) };
    }
    problems.push(new ControlPlaneError('WEFT_PKI_SECRET', `${ISSUER_SECRET} was not signed by ${ANCHOR_SECRET}`));
    return null;
  }

  /** A root of our own that is due, or has ended, gets a successor beside it. */
  private async renewRoot(pass: Pass, name: RootName, read: Kept | null): Promise<Kept | null> {
    if (read === null) return null;
    const { secret } = rootOf(name, pass.settings);
    const due = read.isOurs && rootRenewalMs(read.authority) <= pass.nowMs;
    const kept = due ? await this.succeed(pass, name, read) : read;
    const { authority, isOurs } = kept;
    pass.held.push(heldOf(name, secret, authority.certificate, isOurs ? rootRenewalMs(authority) : null));
    return kept;
  }

  private succeed(pass: Pass, name: RootName, read: Kept): Promise<Kept> {
    const { secret, title, lifetimeMs } = rootOf(name, pass.settings);
    // Two roots of one name could be taken for each other by whoever looks for names only.
    const make = () =>
      createSuccessor(read.authority, `${randomBytes(4).toString('hex')}.${title}`, lifetimeMs, pass.nowMs);
    return this.custody.replace(pass, name, secret, read, make);
  }

  private async renewIssuer(pass: Pass, read: Kept, anchor: Authority): Promise<Kept> {
    const due = read.isOurs && issuerRenewalMs(read.authority, anchor, pass.settings) <= pass.nowMs;
    const kept = due ? await this.makeIssuer(pass, read, anchor) : read;
    const { authority, isOurs } = kept;
    const renewAtMs = issuerRenewalMs(authority, anchor, pass.settings);
    const willRenew = isOurs && Number.isFinite(renewAtMs);
    pass.held.push(heldOf('issuer', ISSUER_SECRET, authority.certificate, willRenew ? renewAtMs : null));
    return kept;
  }

  private makeIssuer(pass: Pass, read: Kept, anchor: Authority): Promise<Kept> {
    return this.custody.replace(pass, 'issuer', ISSUER_SECRET, read, () => {
      // No anchor leaves the bundle before its end, or before a rotation retires it, whatever the anchor's own Secret still says of it.
      const living = read.authority.anchors.filter((one) => notAfterMsOf(one) > pass.nowMs);
      const issuer = issuerBelow(anchor, pass);
      return { ...issuer, anchors: distinct([...issuer.anchors, ...living]) };
    });
  }

  /** What may be asked for: of an authority that somebody else keeps, nothing. */
  private rotatable({ settings, problems }: Pass, isOurs: { anchor: boolean; issuer: boolean }): RotationValues {
    const { anchor, issuer, leaf } = settings.rotation;
    const refused = (name: string, secret: string) => {
      const detail = `${secret}: a rotation of the ${name} is asked for, which the operator did not make: whoever keeps it has to`;
      problems.push(new ControlPlaneError('WEFT_PKI_RENEWAL', detail));
      return '';
    };
    return {
      anchor: anchor === '' || isOurs.anchor ? anchor : refused('anchor', ANCHOR_SECRET),
      issuer: issuer === '' || isOurs.issuer ? issuer : refused('issuer', ISSUER_SECRET),
      leaf,
    };
  }

  /** Does what a rotation needs next, one write at the most; what was made is read, and published, in the next `refresh`. */
  private async rotate(pass: Pass, found: Found): Promise<void> {
    const { anchor, issuer, record } = found;
    const next = stateOf(found, this.state);
    const isPublished = this.generation === generationOf(next.issuer.certificate, next);
    const asks = pass.mayWrite && isUnderWay(record) && isPublished;
    const proxies = asks ? await this.proxies(this.generation) : null;
    const step = nextStep({ ...found, lifetimes: pass.settings, nowMs: pass.nowMs, proxies });
    this.rotation = { ...step, done: doneValues(record) };
    if (!pass.mayWrite) return;
    if (step.act === 'makeAnchor' && anchor !== null) await this.succeed(pass, 'anchor', anchor);
    else if (step.act === 'makeIssuer' && anchor !== null) await this.makeIssuer(pass, issuer, anchor.authority);
    else if (step.act === 'retireAnchors' && anchor !== null) await this.retire(pass, found, anchor);
    else if (step.act === 'conclude') await this.conclude(pass, record);
  }

  /** The anchor's Secret first, then the issuer's: what either names is trusted. */
  private async retire(pass: Pass, { issuer, record }: Found, anchor: Kept): Promise<void> {
    const { certificate } = anchor.authority;
    const isStale = (one: X509Certificate) => staleAnchors(record, certificate, [one]).length > 0;
    const [name, secret, kept]: [AuthorityName, string, Kept] = anchor.authority.anchors.some(isStale)
      ? ['anchor', ANCHOR_SECRET, anchor]
      : ['issuer', ISSUER_SECRET, issuer];
    const { authority } = kept;
    const gone = authority.anchors.filter(isStale).map((one) => one.validToDate.toISOString().replace('.000Z', 'Z'));
    const make = () => ({ ...authority, anchors: authority.anchors.filter((one) => !isStale(one)) });
    const detail = `${secret} no longer has the anchor of before, which would have ended at ${gone.join(', ')}`;
    await this.custody.replace(pass, name, secret, kept, make, detail);
  }

  private async conclude(pass: Pass, record: RotationRecord): Promise<void> {
    if (!(await this.rotations.conclude(pass.nowMs))) return;
    const values = ROTATION_PARTS.filter((part) => !record[part].isDone).map(
      (part) => `${part} ${JSON.stringify(record[part].value)}`,
    );
    for (const listener of this.rotated) listener(values);
  }
}

function issuerBelow(anchor: Authority, { settings, nowMs }: Pass): Authority {
  return createIssuer(anchor, `identity.${settings.suffix}`, settings.issuerLifetimeMs, nowMs);
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

type RootName = Exclude<AuthorityName, 'issuer'>;

function rootOf(name: RootName, settings: TrustSettings): { secret: string; title: string; lifetimeMs: number } {
  return name === 'anchor'
    ? { secret: ANCHOR_SECRET, title: `root.${settings.suffix}`, lifetimeMs: settings.anchorLifetimeMs }
    : { secret: WEBHOOK_AUTHORITY_SECRET, title: WEBHOOK_AUTHORITY, lifetimeMs: WEBHOOK_AUTHORITY_LIFETIME_MS };
}

function stateOf(found: Found, before: TrustState | null): TrustState {
  const issuer = found.issuer.authority;
  const anchor = found.anchor?.authority ?? null;
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
    leafTerms: sameTerms(leafTermsOf(found), before?.leafTerms ?? null),
  };
}

/** Nothing is renewed for a rotation before the issuer is there that it asks for. */
function leafTermsOf({ anchor, issuer, record }: Found): LeafTerms | null {
  const ofIssuer = !record.anchor.isDone || !record.issuer.isDone;
  const { sinceMs } = record.leaf;
  if (mustIssue({ record, anchor, issuer }) || (!ofIssuer && sinceMs === 0)) return null;
  return { issuer: issuer.authority.certificate, ofIssuer, fromMs: sinceMs === 0 ? 0 : sinceMs - BACKDATE_MS, sinceMs };
}
