import type { ClusterState } from '../crds/state/cluster-state.ts';
import type { Random } from '../lib/clock.ts';
import { TokenBucket } from '../lib/rate.ts';
import { FIELD_MANAGER } from '../proxy-image/contract/names.ts';
import { ApiServices } from './api-services.ts';
import type { Certificates } from './certificates.ts';
import type { OperatorConfig } from './config.ts';
import { type ConnectedProxiesOptions, connectedProxies } from './connected-proxies.ts';
import { accessReviewer } from './kube/access-review.ts';
import { Applier } from './kube/apply.ts';
import { listWatch } from './kube/list-watch.ts';
import type { RestClient } from './kube/rest.ts';
import type { OwnerLookup } from './owner.ts';
import type { ProxiesHold } from './pki/rotation.ts';
import { allHold, type ProxiesHoldOptions, trustHeldPath } from './proxies-hold.ts';
import type { Replicas } from './replicas/replicas.ts';
import type { Clock } from './runtime/clock.ts';
import { ConnectionPlaces, handshakeRefusal, type ServerRefusal } from './runtime/connection-places.ts';
import { errorFields, type Log } from './runtime/log.ts';
import type { Component } from './runtime/manager.ts';
import type { RuntimeMetrics } from './telemetry/runtime-metrics.ts';
import { Access } from './viz/api/access.ts';
import { Authentication } from './viz/api/authentication.ts';
import { Pace } from './viz/api/pace.ts';
import { replicaClient } from './viz/api/replica-client.ts';
import { AUTHENTICATION_CONFIG } from './viz/api/request-header.ts';
import type { ApiRow } from './viz/api/rows.ts';
import { ApiServer, MAX_API_CONNECTIONS } from './viz/api/server.ts';
import { TRAFFIC_PART_PATH, type TrafficOptions, trafficPart, trafficRow } from './viz/api/traffic.ts';
import { type OwnProxies, proxiesRow, proxyPaths } from './viz/proxies/row.ts';
import { tapRows } from './viz/tap/rows.ts';

export interface AggregatedApiOptions {
  config: Pick<OperatorConfig, 'roles' | 'namespace' | 'podName' | 'host' | 'vizPort'>;
  state: ClusterState;
  certificates: Certificates;
  replicas: Pick<Replicas, 'others'>;
  /** `null`: no proxy is connected to this process. */
  live: TrafficOptions['live'];
  sessions: ConnectedProxiesOptions['sessions'] & ProxiesHoldOptions['sessions'];
  rest: RestClient;
  /** For what the leader alone does: the APIServices. */
  leadersRest: RestClient;
  owner: OwnerLookup;
  metrics: RuntimeMetrics;
  refused(reason: ServerRefusal): void;
  answered(resource: string, status: number): void;
  /** Whether API servers reach it is known anew. */
  reachChanged(): void;
  clock: Clock;
  random: Random;
  log: Log;
}

/** Of replicas that do not answer: somebody may ask every second. */
const LINES = { burst: 10, intervalMs: 10_000 };
const CONFIG_MAPS = { group: '', version: 'v1', plural: 'configmaps' };

/**
 * The aggregated API as a part of the operator: role `viz` serves it, the leader keeps its APIServices. Nothing waits for it, readiness neither: who cannot have live
 * numbers, because the API server has no front proxy or a right is missing, has a mesh all the same.
 */
export class AggregatedApi implements Component {
  readonly name = 'aggregated API';
  readonly services: ApiServices;
  readonly #options: AggregatedApiOptions;
  readonly #authentication: Authentication;
  readonly #rows: readonly ApiRow[];
  readonly #traffic: TrafficOptions;
  readonly #proxies: OwnProxies;
  #opening: Promise<void> | null = null;
  #server: ApiServer | null = null;
  #port: number | null = null;
  #stopped = false;

  constructor(options: AggregatedApiOptions) {
    const { config, rest, live, clock, random, log } = options;
    this.#options = options;
    const { namespace, name } = AUTHENTICATION_CONFIG;
    const source = listWatch(rest, CONFIG_MAPS, { namespace, fieldSelector: `metadata.name=${name}` });
    this.#authentication = new Authentication({ source, clock, random, log });
    const lines = new TokenBucket(LINES, clock.nowMs());
    this.#traffic = {
      replica: config.podName,
      live,
      askReplicas: replicaClient({
        others: () => options.replicas.others,
        mesh: () => options.certificates.mesh,
        ownIdentity: () => options.certificates.controlIdentity,
        failed: (replica, error) => {
          if (lines.take(clock.nowMs())) log.info('a replica has not answered', { replica, ...errorFields(error) });
        },
      }),
      pace: new Pace(clock),
    };
    this.#proxies = connectedProxies({
      replica: config.podName,
      sessions: options.sessions,
      state: options.state,
      credentials: () => options.certificates.mesh,
    });
    this.#rows = this.#createRows();
    this.services = this.#createServices();
  }

  /** Null while it does not listen. */
  get port(): number | null {
    return this.#port;
  }

  /** Started after the caches, and where the role is there. */
  async start(): Promise<void> {
    const { certificates } = this.#options;
    this.#authentication.onChange(() => this.services.changed());
    this.#authentication.start();
    certificates.webhook.onChange(() => this.#open());
    this.#open();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#opening;
    await Promise.all([this.#authentication.stop(), this.#server?.close()]);
  }

  /** What proxies have of the trust that `generation` names, of all replicas; `null`: it is not known of all. */
  allHold(generation: string): Promise<ProxiesHold | null> {
    return allHold(this.#holds(), this.#traffic.askReplicas, generation);
  }

  #holds(): ProxiesHoldOptions {
    const { certificates, sessions, state } = this.#options;
    return { trust: certificates.trust, sessions, view: state };
  }

  /** A resource is a row: whoever adds one adds it here. */
  #createRows(): readonly ApiRow[] {
    const { state: view, certificates, clock, log } = this.#options;
    return [
      trafficRow(this.#traffic),
      proxiesRow(this.#proxies, this.#traffic.askReplicas),
      ...tapRows({ view, credentials: () => certificates.mesh, clock, log }),
    ];
  }

  #createServices(): ApiServices {
    const { config, state, certificates, leadersRest, owner, metrics, reachChanged, clock, log } = this.#options;
    return new ApiServices({
      groups: [...new Map(this.#rows.map((row) => [`${row.version}.${row.group}`, row])).values()],
      state,
      namespace: config.namespace,
      podName: config.podName,
      rest: leadersRest,
      applier: new Applier(leadersRest, FIELD_MANAGER),
      caBundlePem: () => certificates.trust.caBundlePem,
      isServing: () => !config.roles.has('viz') || (this.#port !== null && this.#authentication.current !== null),
      reachChanged,
      owner,
      metrics,
      clock,
      log,
    });
  }

  /** Once there is a certificate. A port that is taken is a matter of the log: everything else of the operator works. */
  #open(): void {
    const { certificates, log } = this.#options;
    if (this.#stopped || this.#opening !== null || certificates.webhook.current === null) return;
    this.#opening = this.#listen().catch((error) => {
      log.error('a server could not open its port', { server: this.name, ...errorFields(error) });
    });
  }

  async #listen(): Promise<void> {
    const { config, log } = this.#options;
    const server = this.#createServer();
    this.#port = await server.listen(config.vizPort, config.host);
    this.#server = server;
    log.info('listening', { server: this.name, port: this.#port });
    this.services.changed();
  }

  #createServer(): ApiServer {
    const { certificates, rest, refused, answered, clock, log } = this.#options;
    return new ApiServer({
      rows: this.#rows,
      replicaPaths: {
        [TRAFFIC_PART_PATH]: trafficPart(this.#traffic),
        ...proxyPaths(this.#proxies),
        ...trustHeldPath(this.#holds()),
      },
      credentials: certificates.webhook,
      requestHeaders: this.#authentication,
      mesh: () => certificates.mesh,
      ownIdentity: () => certificates.controlIdentity,
      access: new Access(accessReviewer(rest, clock), clock),
      places: new ConnectionPlaces({ limit: MAX_API_CONNECTIONS, waiting: MAX_API_CONNECTIONS, refused }),
      handshakeFailed: (error) => {
        const reason = handshakeRefusal(error);
        if (reason !== null) refused(reason);
      },
      answered,
      clock,
      log,
    });
  }
}
