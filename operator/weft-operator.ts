import { collectDefaultMetrics, Registry } from 'prom-client';
import { endpointSlicesRead } from '../crds/kinds/endpoint-slice/queries.ts';
import { MESH_READ, meshOf } from '../crds/kinds/mesh/queries.ts';
import { NAMESPACE_ROW } from '../crds/kinds/namespace/kind.ts';
import { NAMESPACE } from '../crds/kinds/namespace/model.ts';
import { namespaceOf } from '../crds/kinds/namespace/queries.ts';
import { POD } from '../crds/kinds/pod/model.ts';
import { podOf } from '../crds/kinds/pod/queries.ts';
import { isRead } from '../crds/kinds/readers.ts';
import { KINDS } from '../crds/kinds/registry.ts';
import type { KindRow } from '../crds/kinds/row.ts';
import { manifestFiles } from '../crds/manifest.ts';
import { ClusterState } from '../crds/state/cluster-state.ts';
import type { ClusterView, ReadKey } from '../crds/state/view.ts';
import { CONTROL_PLANE_SERVICE, FIELD_MANAGER, VIZ_SERVICE } from '../proxy-image/contract/names.ts';
import { AggregatedApi } from './aggregated-api.ts';
import { Certificates } from './certificates.ts';
import type { OperatorConfig } from './config.ts';
import { Definitions } from './definitions.ts';
import { Departure } from './departure.ts';
import { Informers, type KindInformer, resourceType } from './informers.ts';
import { createWebhooks, WEBHOOK_PATHS } from './injection.ts';
import { InjectionAudit } from './injection-audit.ts';
import { InjectionEvents } from './injection-events.ts';
import { Applier } from './kube/apply.ts';
import { discover } from './kube/discovery.ts';
import { EventRecorder } from './kube/events.ts';
import { Kept } from './kube/kept.ts';
import { leaseClient } from './kube/lease.ts';
import { OperatorBase } from './kube/operator-base.ts';
import type { RestClient } from './kube/rest.ts';
import { tokenReviewer } from './kube/token-review.ts';
import { createLiveTraffic } from './live-numbers.ts';
import { partsOf, timingOf, type WeftOperatorOptions } from './operator-parts.ts';
import { OwnedConfigurations } from './owned-configurations.ts';
import { ownerLookup } from './owner.ts';
import { DEFAULT_LIMITS, Signing } from './pki/signing.ts';
import { feed } from './reconcilers/feed.ts';
import type { MeshFacts } from './reconcilers/mesh.ts';
import { ReplicaStatus } from './replica-status.ts';
import { systemClock } from './runtime/clock.ts';
import { controllerComponent, electorComponent, informerComponent } from './runtime/components.ts';
import type { Controller } from './runtime/controller.ts';
import { LeaderElector } from './runtime/leader-elector.ts';
import { errorFields, type Log } from './runtime/log.ts';
import { Servers } from './servers.ts';
import { ROTATION_PHASES } from './status/rotation.ts';
import { StatusControllers } from './status-controllers.ts';
import { AdminServer } from './telemetry/admin.ts';
import { cacheCheck, registerCacheMetrics } from './telemetry/cache-metrics.ts';
import { registerCertificateMetrics } from './telemetry/certificate-metrics.ts';
import { configMetrics } from './telemetry/config-metrics.ts';
import { definitionMetrics } from './telemetry/definition-metrics.ts';
import { exposition } from './telemetry/exposition.ts';
import { lackMetrics } from './telemetry/lack-metrics.ts';
import { lagMetrics, registerCacheSizes, registerEndpointMetrics } from './telemetry/linkerd-metrics.ts';
import { replicaMetrics } from './telemetry/replica-metrics.ts';
import { rotationMetrics } from './telemetry/rotation-metrics.ts';
import { RuntimeMetrics } from './telemetry/runtime-metrics.ts';
import { serverMetrics } from './telemetry/server-metrics.ts';
import { statusMetrics } from './telemetry/status-metrics.ts';
import { vizMetrics } from './telemetry/viz-metrics.ts';
import { certificateMetrics, injectionMetrics, webhookMetrics } from './telemetry/webhook-metrics.ts';
import { trustSources } from './trust-sources.ts';
import type { LiveTraffic } from './viz/live-traffic.ts';

const LEASE_NAME = 'weft-operator';
const APPLY_TIMEOUT_MS = 30_000;

/** The control plane as one program: what is wired to what, and in which order it starts. */
export class WeftOperator extends OperatorBase {
  readonly #config: OperatorConfig;
  readonly #log: Log;
  readonly #registry: Registry;
  readonly #metrics: RuntimeMetrics;
  readonly #serverMetrics: ReturnType<typeof serverMetrics>;
  readonly #configMetrics: ReturnType<typeof configMetrics>;
  readonly #kinds: readonly KindRow[];
  readonly #state: ClusterState;
  readonly #elector: LeaderElector;
  /** For what the leader alone does. */
  readonly #leadersRest: RestClient;
  readonly #leadersApplier: Applier;
  readonly #informers: Informers;
  readonly #certificates: Certificates;
  readonly #events: EventRecorder;
  readonly #injectionEvents: InjectionEvents;
  readonly #audit: InjectionAudit;
  /** `null` without the role `viz`. */
  readonly #live: LiveTraffic | null;
  readonly #servers: Servers;
  readonly #departure: Departure;
  readonly #owned: OwnedConfigurations;
  readonly #replicas: ReplicaStatus;
  readonly #api: AggregatedApi;
  readonly #definitions: Definitions;
  readonly #status: StatusControllers;
  readonly #admin: AdminServer;

  /** @throws Error where the kubeconfig cannot be read */
  constructor(options: WeftOperatorOptions) {
    const registry = new Registry();
    super(partsOf(options, registry));
    this.#config = options.config;
    this.#log = options.log;
    const timing = timingOf(options);
    this.#kinds = options.kinds ?? KINDS;
    this.#state = new ClusterState(this.#kinds);
    this.#registry = registry;
    this.#metrics = new RuntimeMetrics(registry, systemClock);
    this.#serverMetrics = serverMetrics(registry);
    this.#elector = this.#createElector(options.onLost);
    this.#leadersRest = this.parts.rest.boundTo(this.#elector.tenure);
    this.#leadersApplier = new Applier(this.#leadersRest, FIELD_MANAGER);
    this.#informers = new Informers(this.#kinds, {
      ...this.parts,
      roles: this.#config.roles,
      timing,
      lagged: lagMetrics(registry),
    });
    this.#certificates = this.#createCertificates(timing);
    this.#events = this.#createEvents(this.#leadersRest);
    this.#injectionEvents = this.#createInjectionEvents();
    this.#live = this.#config.roles.has('viz') ? createLiveTraffic({ ...this.parts, registry }) : null;
    this.#configMetrics = configMetrics(registry);
    this.#replicas = this.#createReplicas(options.replicas);
    this.#servers = this.#createServers();
    this.#departure = new Departure(this.parts.clock, this.#config.lameDuckMs, () => this.#servers.leave());
    this.#owned = this.#createOwned();
    this.#api = this.#createApi();
    this.#definitions = this.#createDefinitions();
    this.#status = this.#createStatus();
    this.#audit = this.#createAudit();
    this.#admin = this.#createAdmin();
  }

  get adminPort(): number {
    return this.#admin.port;
  }

  /** Of the aggregated API; null while it does not listen. */
  get vizPort(): number | null {
    return this.#api.port;
  }

  /** Of `configuration stream`, `certificate signing` and `webhooks`, as far as they are open. */
  get ports(): ReadonlyMap<string, number> {
    return this.#servers.ports;
  }

  get isLeader(): boolean {
    return this.#elector.isLeader;
  }

  /** What is known of the cluster now. */
  get view(): ClusterView {
    return this.#state;
  }

  override stop(): Promise<void> {
    this.#departure.begin();
    this.#elector.withdraw();
    return super.stop();
  }

  /** Called by `start` of the library: applies definitions where asked to, and starts everything in order. */
  protected override async init(): Promise<void> {
    const { manager } = this.parts;
    this.#feed();
    this.#followCertificates();
    collectDefaultMetrics({ register: this.#registry });
    registerCacheMetrics(this.#registry, this.#watched(), this.#config.staleAfterMs);
    registerCacheSizes(this.#registry, () => this.#informers.sizes);
    registerEndpointMetrics(this.#registry, () => this.#servers.endpoints());
    this.#metrics.watchElection(LEASE_NAME, this.#elector);
    rotationMetrics(this.#registry, ROTATION_PHASES, () => (this.isLeader ? this.#certificates.trust.rotation : null));
    await this.#applyDefinitions();
    manager.add('servers', this.#admin);
    for (const informer of this.#watched()) manager.add('caches', informerComponent(informer));
    manager.add('runnables', this.#certificates);
    manager.add('runnables', this.#injectionEvents);
    if (this.#live !== null) manager.add('runnables', this.#live);
    manager.add('serving', this.#departure.awaitedBy(this.#servers));
    if (this.#config.roles.has('viz')) manager.add('serving', this.#departure.awaitedBy(this.#api));
    if (this.#config.roles.has('controllers')) await this.#addLeadership();
    await manager.start();
  }

  async #addLeadership(): Promise<void> {
    const { manager } = this.parts;
    await this.watchResource('admissionregistration.k8s.io', 'v1', 'mutatingwebhookconfigurations', async (event) => {
      this.#injectorSeen(event.meta.name, event.type === 'DELETED' ? undefined : event.object);
    });
    manager.add('election', electorComponent(this.#elector));
    manager.add('leader', this.#definitions);
    const certificates = this.#certificates;
    manager.add('leader', this.#replicas.reports);
    manager.add('leader', this.#replicas.rebalancing);
    manager.add('leader', this.#audit);
    manager.add('leader', { name: 'groups', start: async () => {}, stop: () => this.#api.services.leave() });
    manager.add('leader', { name: 'trust', start: () => certificates.lead(), stop: () => certificates.follow() });
    for (const controller of this.#leaderControllers()) manager.add('leader', controllerComponent(controller));
  }

  /** The caches that these roles need: the others stay empty, and this process needs no right to them. */
  #watched(): KindInformer[] {
    const { roles } = this.#config;
    return this.#kinds.filter((row) => isRead(row, roles)).map((row) => this.#informers.of(row));
  }

  /** The webhook configurations too, whichever process serves the webhooks: only the leader writes. */
  #leaderControllers(): Controller[] {
    return [...this.#status.controllers, this.#owned.controller, this.#api.services.controller];
  }

  /** The first handler of each kind: proxies are told within the tick of the event, whatever comes after. */
  #feed(): void {
    const changed = (reads: ReadonlySet<ReadKey>) => this.#changed(reads);
    for (const row of this.#kinds) this.#informers.of(row).addHandler(feed(this.#state, row, changed), { first: true });
  }

  #changed(reads: ReadonlySet<ReadKey>): void {
    if (reads.size === 0) return;
    this.#servers.invalidate(reads);
    this.#status.assessments.changed(reads);
    if (reads.has(endpointSlicesRead(this.#config.namespace, CONTROL_PLANE_SERVICE))) {
      this.#replicas.reports.endpointsChanged();
    }
    this.#replicas.moved();
    if (reads.has(endpointSlicesRead(this.#config.namespace, VIZ_SERVICE))) this.#api.services.changed();
    if (!reads.has(MESH_READ)) return;
    this.#owned.changed();
    this.#audit.injectorChanged();
    this.#certificates.settingsChanged();
  }

  #followCertificates(): void {
    const renewed = certificateMetrics(this.#registry);
    this.#certificates.webhook.onChange(() => renewed.renewed());
    this.#certificates.control.onChange(() => this.#replicas.reports.credentialsChanged());
    this.#certificates.trust.onChange(() => {
      this.#replicas.reports.credentialsChanged();
      this.#owned.changed();
      this.#api.services.changed();
      this.#status.meshChanged();
    });
  }

  /** @param configuration a MutatingWebhookConfiguration; `undefined` where it was deleted */
  #injectorSeen(name: string, configuration: unknown): void {
    if (this.#owned.noteInjector(name, configuration)) this.#status.meshChanged();
    this.#owned.changed();
    this.#audit.injectorChanged();
  }

  /** Outside a cluster nobody has installed anything: definitions and the own namespace are made here. */
  async #applyDefinitions(): Promise<void> {
    const { definitionsDir, namespace } = this.#config;
    if (definitionsDir === '') return;
    const reference = { type: resourceType(NAMESPACE_ROW), kind: 'Namespace', namespace: '', name: namespace };
    const applier = new Applier(this.parts.rest, FIELD_MANAGER);
    await applier.apply(reference, {}, AbortSignal.timeout(APPLY_TIMEOUT_MS));
    await Promise.all(manifestFiles(definitionsDir).map((file) => this.registerCustomResourceDefinition(file)));
  }

  #createCertificates(timing: ReturnType<typeof timingOf>): Certificates {
    const { clock, log } = this.parts;
    const { webhookUrl } = this.#config;
    return new Certificates({
      ...trustSources(this.parts, this.#leadersRest, this.#config, timing),
      state: this.#state,
      changed: (reads) => this.#changed(reads),
      problemsChanged: () => this.#status.meshChanged(),
      proxies: (generation) => this.#api.allHold(generation),
      tell: (notice) => this.#status.tellMesh(notice),
      observer: registerCertificateMetrics(
        this.#registry,
        () => this.#certificates.dates(),
        () => clock.wallMs(),
      ),
      webhookHosts: webhookUrl === '' ? [] : [new URL(webhookUrl).hostname],
      clock,
      log,
    });
  }

  #createEvents(rest: RestClient): EventRecorder {
    const { clock, log } = this.parts;
    return new EventRecorder(rest, { controller: 'weft.dev/operator', instance: this.#config.podName }, clock, log);
  }

  #createInjectionEvents(): InjectionEvents {
    const { rest, clock, log } = this.parts;
    const podUid = (namespace: string, name: string) => podOf(this.#state, namespace, name)?.meta.uid ?? '';
    return new InjectionEvents({ rest, events: this.#createEvents(rest), podUid, clock, log });
  }

  #createAudit(): InjectionAudit {
    const audit = new InjectionAudit({
      ...this.parts,
      pods: this.#informers.of(POD),
      namespaces: this.#informers.of(NAMESPACE),
      view: this.#state,
      injector: () => this.#owned.injector,
      events: this.#events,
      changed: () => this.#status.meshChanged(),
    });
    lackMetrics(this.#registry, () => audit.counts.byNamespace());
    return audit;
  }

  #createServers(): Servers {
    const { rest, clock, log } = this.parts;
    const config = this.#config;
    return new Servers({
      config,
      certificates: this.#certificates,
      state: this.#state,
      signing: this.#createSigning(),
      webhooks: createWebhooks({
        kinds: this.#kinds,
        rest,
        namespace: (name) => namespaceOf(this.#state, name),
        mesh: () => meshOf(this.#state),
        trustAnchorsPem: () => this.#certificates.trust.current?.anchorsPem ?? '',
        proxyImage: config.proxyImage,
        version: config.version,
        metrics: webhookMetrics(this.#registry, WEBHOOK_PATHS),
        injections: injectionMetrics(this.#registry),
        tell: (outcome) => this.#injectionEvents.offer(outcome),
        clock,
        log,
      }),
      metrics: this.#configMetrics,
      followers: this.#replicas.reporting,
      configOpened: () => this.#replicas.reports.ownOpened(),
      reports: this.#live ?? undefined,
      ...this.#serverMetrics,
      progress: (objects) => this.#status.progressed(objects),
      clock,
      log,
    });
  }

  #createSigning(): Signing {
    const { rest, clock, random, log } = this.parts;
    return new Signing({
      trust: () => this.#certificates.trust.current,
      settings: () => ({
        suffix: meshOf(this.#state).identity.suffix,
        lifetimeMs: meshOf(this.#state).identity.certificateLifetimeMs,
        requirePod: this.#config.requireBoundTokens,
      }),
      tokens: tokenReviewer(rest, clock),
      audit: (entry) => log.info('certificate request', { ...entry }),
      clock,
      random,
      limits: DEFAULT_LIMITS,
    });
  }

  #createOwned(): OwnedConfigurations {
    const { rest, clock, log } = this.parts;
    return new OwnedConfigurations({
      kinds: this.#kinds,
      owner: ownerLookup(rest),
      kept: new Kept(this.#leadersRest, this.#leadersApplier),
      mesh: () => meshOf(this.#state),
      caBundlePem: () => this.#certificates.trust.caBundlePem,
      webhookUrl: this.#config.webhookUrl,
      metrics: this.#metrics,
      clock,
      log,
    });
  }

  #createReplicas(following: WeftOperatorOptions['replicas']): ReplicaStatus {
    return new ReplicaStatus({
      ...this.parts,
      config: this.#config,
      kinds: this.#kinds,
      state: this.#state,
      certificates: this.#certificates,
      own: () => this.#servers.facts,
      progressed: (objects) => this.#status.progressed(objects),
      visibilityChanged: () => this.#status.visibilityChanged(),
      following,
      metrics: replicaMetrics(this.#registry, () => this.#replicas.reports.states),
      refused: (code) => this.#configMetrics.refused(code),
    });
  }

  #createApi(): AggregatedApi {
    const { rest, clock, random, log } = this.parts;
    return new AggregatedApi({
      config: this.#config,
      state: this.#state,
      certificates: this.#certificates,
      replicas: this.#replicas.replicas,
      live: this.#config.roles.has('config') ? this.#live : null,
      sessions: this.#servers,
      rest,
      leadersRest: this.#leadersRest,
      owner: ownerLookup(rest),
      metrics: this.#metrics,
      refused: (reason) => this.#serverMetrics.refused('viz', reason),
      reachChanged: () => this.#status.meshChanged(),
      ...vizMetrics(this.#registry),
      clock,
      random,
      log,
    });
  }

  #createDefinitions(): Definitions {
    const { rest, clock, log } = this.parts;
    const written = this.#kinds.filter(({ status }) => status.form !== 'none');
    const definitions = new Definitions({
      types: written.map((row) => ({ ...resourceType(row), optional: row.optional })),
      discover: (type, signal) => discover(rest, type, signal),
      clock,
      log,
      changed: () => this.#status.meshChanged(),
    });
    definitionMetrics(this.#registry, () => definitions.problems.length);
    return definitions;
  }

  #createStatus(): StatusControllers {
    const { clock, log } = this.parts;
    return new StatusControllers({
      namespace: this.#config.namespace,
      informers: this.#informers,
      state: this.#state,
      applier: this.#leadersApplier,
      events: this.#events,
      progress: this.#replicas.reports,
      meshFacts: () => this.#meshFacts(),
      statusNotFound: () => this.#definitions.doubted(),
      metrics: this.#metrics,
      writes: statusMetrics(this.#registry),
      clock,
      log,
    });
  }

  #createElector(onLost: WeftOperatorOptions['onLost']): LeaderElector {
    const { rest, manager, clock, random, log } = this.parts;
    const { namespace, podName, leaseMs, renewDeadlineMs, retryMs } = this.#config;
    return new LeaderElector({
      identity: podName,
      lease: leaseClient(rest, namespace, LEASE_NAME),
      clock,
      random,
      log,
      timing: { leaseMs, renewDeadlineMs, retryMs },
      onStarted: () => void manager.lead().catch((error) => log.error('could not start to lead', errorFields(error))),
      onLost: (reason) => {
        for (const controller of this.#leaderControllers()) controller.abort(reason);
        onLost(reason);
      },
    });
  }

  #createAdmin(): AdminServer {
    const { host, adminPort, staleAfterMs } = this.#config;
    const caches = this.#watched().map((informer) => cacheCheck(informer, staleAfterMs));
    return new AdminServer({
      host,
      port: adminPort,
      checks: [...caches, ...this.#servers.checks, this.#departure.check],
      metrics: () => exposition(this.#registry),
    });
  }

  #meshFacts(): MeshFacts {
    return {
      certificates: this.#certificates.trust.current,
      authorities: this.#certificates.trust.held,
      rotation: this.#certificates.trust.rotation,
      settings: this.#certificates.settings,
      certificateProblems: this.#certificates.problems,
      renewalProblems: this.#certificates.renewalProblems,
      proxies: this.#replicas.reports.connections(),
      operatorReplicas: this.#replicas.replicas.ready,
      otherInjectors: this.#owned.otherInjectors,
      lacks: this.#audit.counts.summary(),
      liveNumbers: this.#api.services.reach,
      definitionProblems: this.#definitions.problems,
    };
  }
}
