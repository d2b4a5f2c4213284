import { KINDS } from '../../crds/kinds/registry.ts';
import type { KindRow } from '../../crds/kinds/row.ts';
import { readMeta, textOf } from '../../crds/parse/metadata.ts';
import { ClusterState } from '../../crds/state/cluster-state.ts';
import type { ObjectMeta } from '../../crds/types/object-meta.ts';
import type { Authority } from '../../operator/pki/authority.ts';
import { NO_ROTATION, type RotationValues } from '../../operator/pki/rotation-record.ts';
import { toSecret } from '../../operator/pki/secrets.ts';
import { IdentityServer } from '../../operator/pki/server.ts';
import { ServingCertificate } from '../../operator/pki/serving.ts';
import { type AuditEntry, DEFAULT_LIMITS, Signing } from '../../operator/pki/signing.ts';
import type { TokenReviewStatus } from '../../operator/pki/token.ts';
import { Trust, type TrustSettings, type TrustState } from '../../operator/pki/trust.ts';
import { allHold } from '../../operator/proxies-hold.ts';
import { type Clock, systemClock } from '../../operator/runtime/clock.ts';
import { silentLog } from '../../operator/runtime/log.ts';
import { NO_METRICS } from '../../operator/serve/metrics.ts';
import { createConfigServer } from '../../operator/serve/server.ts';
import type { ConfigServer, ServeLimits, ServeMetrics, TrafficReports } from '../../operator/serve/types.ts';
import { TOKEN_AUDIENCE } from '../../proxy-image/contract/names.ts';
import { MemorySecrets } from '../fakes/secrets.ts';
import { type ModelNamed, type Named, named } from './kinds.ts';
import { meta } from './models.ts';

export const OPERATOR_IDENTITY = 'weft-operator.weft-system.serviceaccount.identity.linkerd.cluster.local';
export const SUFFIX = 'linkerd.cluster.local';
const HOST = '127.0.0.1';
const DAY_MS = 86_400_000;
const TRUST_SETTINGS = {
  suffix: SUFFIX,
  anchorLifetimeMs: 365 * DAY_MS,
  issuerLifetimeMs: 30 * DAY_MS,
  certificateLifetimeMs: DAY_MS,
  trustAnchors: null,
  rotation: NO_ROTATION,
};
/** A Secret with an issuer of the user's own. */
const OWN_ISSUER = 'own-issuer';

export interface ControlPlaneOptions {
  /** Time of the certificates that are issued; the operator's own are valid now. */
  clock?: Clock;
  /** Time by which authorities are due; default the present. */
  trustClock?: Clock;
  /** Secrets that are there already; default none. */
  secrets?: MemorySecrets;
  lifetimeMs?: number;
  limits?: Partial<ServeLimits>;
  metrics?: Partial<ServeMetrics>;
  /** Who asks proxies for reports of their traffic; default nobody. */
  reports?: TrafficReports;
}

/** The operator's two servers for proxies, real ones, over a cluster that the test writes by hand. */
export class ControlPlane {
  readonly state = new ClusterState(KINDS);
  readonly audit: AuditEntry[] = [];
  trust: Trust;
  readonly #options: ControlPlaneOptions;
  readonly #secrets: MemorySecrets;
  readonly #materialListeners = new Set<() => void>();
  readonly #certificate: ServingCertificate;
  readonly #signing: Signing;
  #identityServer: IdentityServer | null = null;
  #configServer: ConfigServer | null = null;
  #resourceVersion = 1000;
  identityPort = 0;
  configPort = 0;
  /** What the Mesh asks for; carried out by `refresh`. */
  rotation: RotationValues = NO_ROTATION;

  private constructor(options: ControlPlaneOptions) {
    const clock = options.clock ?? systemClock;
    this.#options = options;
    this.#secrets = options.secrets ?? new MemorySecrets();
    this.trust = this.#createTrust();
    this.#certificate = new ServingCertificate(
      () => [OPERATOR_IDENTITY],
      DAY_MS,
      () => this.#trust.issuer,
      systemClock,
    );
    this.#signing = new Signing({
      trust: () => this.trust.current,
      settings: () => ({ suffix: SUFFIX, lifetimeMs: options.lifetimeMs ?? DAY_MS, requirePod: true }),
      tokens: { review: (token) => Promise.resolve(tokenReviewOf(token)) },
      audit: (entry) => this.audit.push(entry),
      clock,
      random: () => 0.5,
      limits: DEFAULT_LIMITS,
    });
  }

  static async start(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
    const plane = new ControlPlane(options);
    await plane.trust.refresh({ ...TRUST_SETTINGS, issuer: { type: 'Managed' } }, true);
    plane.state.applyTrust({ anchorsPem: plane.anchorsPem, resourceVersion: '1' });
    plane.#certificate.start();
    await plane.startIdentity();
    await plane.startConfig();
    return plane;
  }

  #createTrust(): Trust {
    return new Trust(this.#secrets, this.#options.trustClock ?? systemClock, {
      proxies: (generation) => {
        const given = { trust: this.trust, sessions: this.config, view: this.state };
        return allHold(given, async () => ({ asked: [], answers: [], missing: [] }), generation);
      },
    });
  }

  /** Another process leads: it knows what the Secrets say, and nothing else. */
  async anotherLeader(): Promise<void> {
    this.trust = this.#createTrust();
    await this.refresh();
  }

  get #trust(): TrustState {
    const trust = this.trust.current;
    if (trust === null) throw new Error('no issuer');
    return trust;
  }

  get anchorsPem(): string {
    return this.#trust.anchorsPem;
  }

  /** What the control plane proves itself with to a proxy that it asks something. */
  get credentials(): { keyPem: string; certPem: string; anchorsPem: string } {
    return { ...this.#certificate.current!, anchorsPem: this.anchorsPem };
  }

  get config(): ConfigServer {
    if (this.#configServer === null) throw new Error('the configuration server is stopped');
    return this.#configServer;
  }

  /** On the port that it had before, if any. */
  async startIdentity(): Promise<void> {
    this.#identityServer = new IdentityServer({
      certificate: this.#certificate,
      timeoutMs: 5000,
      signing: this.#signing,
    });
    this.identityPort = await this.#identityServer.listen(this.identityPort, HOST);
  }

  async stopIdentity(): Promise<void> {
    await this.#identityServer?.close();
    this.#identityServer = null;
  }

  async startConfig(): Promise<void> {
    const material = () => ({
      certificateChainPem: this.#certificate.current!.certPem,
      privateKeyPem: this.#certificate.current!.keyPem,
      trustAnchorsPem: this.anchorsPem,
    });
    this.#configServer = createConfigServer({
      state: this.state,
      tls: {
        current: material,
        onChange: (listener) => {
          this.#materialListeners.add(listener);
          return () => this.#materialListeners.delete(listener);
        },
      },
      clock: systemClock,
      log: silentLog,
      limits: this.#options.limits,
      reports: this.#options.reports,
      leafTerms: () => this.trust.current?.leafTerms ?? null,
      metrics: { ...NO_METRICS, ...this.#options.metrics },
    });
    this.configPort = await this.#configServer.listen(this.configPort, HOST);
    this.#configServer.storesSynced();
  }

  async stopConfig(): Promise<void> {
    await this.#configServer?.close();
    this.#configServer = null;
  }

  async stop(): Promise<void> {
    this.#certificate.stop();
    await this.stopIdentity();
    await this.stopConfig();
  }

  /** As an operator that finds another issuer, or another bundle of anchors, in its Secret: signs with it from now on, and tells the proxies the bundle. */
  async useIssuer(issuer: Authority): Promise<void> {
    this.#secrets.secrets.set(OWN_ISSUER, toSecret(issuer));
    await this.#refresh({ type: 'Secret', name: OWN_ISSUER });
  }

  /** As the leader's timer does: reads the Secrets again, makes what is due, and tells the proxies. */
  refresh(): Promise<void> {
    return this.#refresh({ type: 'Managed' });
  }

  async #refresh(issuer: TrustSettings['issuer']): Promise<void> {
    await this.trust.refresh({ ...TRUST_SETTINGS, rotation: this.rotation, issuer }, true);
    this.#certificate.renewIfDue();
    for (const listener of this.#materialListeners) listener();
    this.#resourceVersion += 1;
    const resourceVersion = String(this.#resourceVersion);
    this.#configServer?.invalidate(this.state.applyTrust({ anchorsPem: this.anchorsPem, resourceVersion }));
  }

  /** Writes an object into the cluster, as an informer would report it. */
  put<K extends Named>(kind: K, model: ModelNamed<K>): void {
    const stamped = { ...model, meta: this.#stamped(model.meta) };
    const reads = this.state.apply(named(kind), stamped, stamped.meta);
    this.#configServer?.invalidate(reads);
  }

  remove<K extends Named>(kind: K, model: ModelNamed<K>): void {
    const reads = this.state.apply(named(kind), null, this.#stamped(model.meta));
    this.#configServer?.invalidate(reads);
  }

  /** An object as the API server has it, on its way through the parser; one that is there is replaced. */
  apply(raw: RawObject): void {
    this.#resourceVersion += 1;
    const stamped = { ...raw, metadata: { ...raw.metadata, resourceVersion: String(this.#resourceVersion) } };
    const row = rowOfRaw(raw);
    this.#configServer?.invalidate(this.state.applyParsed(row, row.parse(stamped), readMeta(stamped)));
  }

  delete(raw: RawObject): void {
    this.#configServer?.invalidate(this.state.apply(rowOfRaw(raw), null, this.#stamped(readMeta(raw))));
  }

  #stamped(own: ObjectMeta | null): ObjectMeta {
    this.#resourceVersion += 1;
    return { ...(own ?? meta('default', { namespace: '' })), resourceVersion: String(this.#resourceVersion) };
  }
}

export interface RawObject {
  apiVersion: string;
  kind: string;
  metadata: object;
  spec: object;
}

function rowOfRaw(raw: RawObject): KindRow {
  const [, group = ''] = textOf(raw, 'apiVersion').split('/').reverse();
  const row = KINDS.find((each) => each.group === group && each.kind === raw.kind);
  if (row === undefined) throw new Error(`no row for ${raw.kind} of ${raw.apiVersion}`);
  return row;
}

/** A token that the fake API server understands: `<namespace>/<serviceaccount>/<pod>`. Anything else is not authenticated. */
/** The review of a token of the form `namespace/serviceaccount/pod`. */
export function tokenReviewOf(token: string): TokenReviewStatus {
  const [namespace, serviceAccount, pod] = token.split('/');
  return {
    authenticated: pod !== undefined,
    audiences: [TOKEN_AUDIENCE],
    username: `system:serviceaccount:${namespace}:${serviceAccount}`,
    extra: {
      'authentication.kubernetes.io/pod-name': [pod ?? ''],
      'authentication.kubernetes.io/pod-uid': [`uid-${pod}`],
    },
    error: '',
  };
}
