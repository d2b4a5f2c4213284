import type { Clock } from '../../lib/clock.ts';
import { isObject } from '../../lib/json.ts';
import type { RunConfig } from '../config/config.ts';
import type { ConfigSource, RejectedKey } from '../contract/config-source.ts';
import { formatAddress } from '../contract/keys.ts';
import { type Change, PING_INTERVAL_MS, SILENCE_TIMEOUT_MS } from '../contract/messages.ts';
import { COMMIT, VERSION } from '../contract/version.ts';
import { defaultWorkload } from '../core/policy/defaults.ts';
import { Xoshiro } from '../core/rng.ts';
import type { TrustEntry, TrustWatcher } from '../core/state/entries.ts';
import { ProxyState } from '../core/state/state.ts';
import { createAdminHandler } from '../io/admin/admin.ts';
import { ProbeRelay } from '../io/admin/probe-relay.ts';
import { Readiness } from '../io/admin/readiness.ts';
import { OperatorSource, type SourceContext, type StreamSink } from '../io/config-source/operator/source.ts';
import { SnapshotFile } from '../io/config-source/snapshot-file.ts';
import type { Surroundings } from '../io/control/clock.ts';
import { errorFields } from '../io/control/error-fields.ts';
import { type Resolve, resolveHost } from '../io/control/resolve.ts';
import { connectionLimit } from '../io/descriptors.ts';
import { IdentityAgent } from '../io/identity/agent.ts';
import { CertifyClient } from '../io/identity/certify.ts';
import { IdentityStore } from '../io/identity/store.ts';
import { loadTraffic } from '../io/load-traffic.ts';
import { lazyRegexEngine } from '../io/regex-engine.ts';
import { loadRuleParts } from '../io/rule-parts.ts';
import { AccessLog } from '../io/telemetry/access-log.ts';
import { ControlCalls } from '../io/telemetry/control-calls.ts';
import { loadExposition } from '../io/telemetry/load-exposition.ts';
import { JsonLogger, type LogFields, type Logger, type LogSink } from '../io/telemetry/log.ts';
import { readProcessFacts } from '../io/telemetry/process.ts';
import { ProxyRecorder } from '../io/telemetry/proxy-recorder.ts';
import type { ReportStream } from '../io/telemetry/traffic/report-stream.ts';
import type { TrafficReporter } from '../io/telemetry/traffic/reporter.ts';
import type { LocalNetwork } from '../io/transport/local-network.ts';
import type { OriginalDestination, Timer, TimerOwner, Transport } from '../io/transport/types.ts';
import { addressesOf, type Listener, type OpenListener } from '../stack/shared/listeners.ts';
import { STACK_LIMITS, type StackOptions } from '../stack/shared/options.ts';
import { createStack, type Stack } from '../stack/stack.ts';
import { loadControlPort } from './control-port.ts';
import { Departure } from './departure.ts';
import { listenersOf } from './listeners.ts';

/** What the runtime gives to a proxy; Bun in an image, Node in tests. */
export interface Platform {
  transport: Transport;
  originalDestination: OriginalDestination;
  /** Embedded mode; `null` = redirected traffic. */
  localNetwork: LocalNetwork | null;
  /** Text of /proc/net/if_inet6, `null` where the kernel has no IPv6. */
  ipv6Interfaces: string | null;
  /** Of the runtime, for the first line of the log. */
  runtime: string;
  /** Whether processes of other users have sockets in this network namespace: whether the application of a pod is still there. */
  othersHaveSockets(): boolean;
  /** Standard output: log and access log. */
  write(text: string): void;
}

/** What a proxy waits for before it is ready; each happens once (linkerd2-proxy: readiness latches). */
const LATCHES = { identity: 'certificate', configuration: 'workload policy', listeners: 'listeners' } as const;

/** Destinations that nobody has looked up for so long are given back (design: at least 10 minutes). */
const IDLE_DESTINATION_MS = 10 * 60_000;
/** Linkerd: metrics retain idle. */
const IDLE_SERIES_MS = 10 * 60_000;
const SWEEP_MS = 60_000;
const ACCESS_LOG_FLUSH_MS = 1000;

/** One proxy: identity, configuration, data plane and admin port, put together and taken through its life. */
export class MeshProxy implements StreamSink, TimerOwner, TrustWatcher {
  /** Resolves when the proxy has drained; rejects when it cannot do its work (a listener that cannot be opened). */
  readonly ended: Promise<void>;
  readonly state: ProxyState;
  readonly log: Logger;
  readonly #config: RunConfig;
  readonly #platform: Platform;
  readonly #surroundings: Surroundings;
  readonly #readiness = new Readiness(Object.values(LATCHES));
  readonly #recorder: ProxyRecorder;
  readonly #accessLog: AccessLog | null;
  readonly #identity: IdentityAgent;
  readonly #snapshot: SnapshotFile;
  readonly #stack: Stack;
  readonly #sweepTimer: Timer;
  readonly #flushTimer: Timer;
  readonly #departure: Departure;
  #source: ConfigSource | null = null;
  /** `null` before the operator has asked for reports. */
  #reporter: TrafficReporter | null = null;
  /** From where a renewal was asked for last; `null`: from nowhere. */
  #renewalStream: ReportStream | null = null;
  #opening = false;
  #draining = false;
  #over = false;
  #certificateEndMs = 0;
  #resolveEnded: () => void = () => {};
  #rejectEnded: (error: unknown) => void = () => {};

  constructor(config: RunConfig, platform: Platform) {
    const { transport } = platform;
    const { timers } = transport;
    const clock: Clock = { nowMs: () => timers.nowMs(), wallMs: () => Date.now() };
    const logSink: LogSink = { level: config.logLevel, write: (line) => platform.write(line), wallMs: clock.wallMs };
    this.#config = config;
    this.#platform = platform;
    this.#surroundings = { timers, wallMs: clock.wallMs, random: Math.random };
    this.log = new JsonLogger(logSink);
    this.ended = new Promise((resolve, reject) => {
      this.#resolveEnded = resolve;
      this.#rejectEnded = reject;
    });
    this.state = createState(config, clock);
    this.#recorder = new ProxyRecorder({ clock, podIp: config.pod.ips[0] ?? '', zone: () => this.state.zone });
    this.#accessLog = config.accessLog === '' ? null : new AccessLog(config.accessLog, (text) => platform.write(text));
    const { host, identityPort: port, identity } = config.control;
    const calls = new ControlCalls('identity', { host, port, identity });
    this.#recorder.control = [calls];
    this.#identity = createIdentity(config, transport, this.#surroundings, this.log, calls);
    this.#snapshot = new SnapshotFile(config.identity.dir, () => this.state.persist(), timers, this.log);
    this.#stack = createStack(
      this.#stackOptions(logSink, clock),
      {},
      {
        identity: config.control.identity,
        load: loadControlPort,
      },
    );
    this.#sweepTimer = timers.create(this);
    this.#flushTimer = timers.create(this);
    this.#departure = this.#createDeparture();
  }

  /** Opens the admin port, restores what an earlier container kept, and begins to ask. Traffic is let in when there is a certificate and a policy. */
  async start(): Promise<void> {
    const { pod, configSource } = this.#config;
    this.log.info('proxy starts', {
      version: VERSION,
      runtime: this.#platform.runtime,
      namespace: pod.namespace,
      pod: pod.name,
      source: configSource,
    });
    const admin = await this.#stack.startAdmin();
    this.log.info('admin port is open', listenFields(admin));
    this.#restore();
    this.state.watchTrust(this);
    this.#identity.subscribe(() => this.#certificateChanged());
    await this.#identity.start();
    this.#source = await this.#createSource();
    this.state.attach(this.#source);
    this.#source.start(this);
    this.#surroundings.timers.set(this.#sweepTimer, SWEEP_MS);
    if (this.#accessLog !== null) this.#surroundings.timers.set(this.#flushTimer, ACCESS_LOG_FLUSH_MS);
    this.#proceed();
  }

  /** Not ready any more; ends when nothing is in flight, and as an ordinary container when the application has ended too. */
  signalled(signal: string): void {
    this.#beginDrain(signal);
    this.#departure.signalled();
  }

  #dismissed(): void {
    this.#beginDrain('POST /shutdown');
    this.#departure.dismissed();
  }

  #beginDrain(reason: string): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#readiness.drain();
    const { graceMs, waitMs, outlivesApplication } = this.#config.shutdown;
    this.log.info('proxy drains', { reason, graceMs, waitMs, outlivesApplication });
  }

  apply(changes: readonly Change[]): RejectedKey[] {
    const rejected = this.state.apply(changes);
    for (const { key, problems, applied } of rejected) {
      const message = applied === true ? 'resource applied without some of its rules' : 'resource refused';
      this.log.warn(message, { key, problems: problems.join('; ') });
    }
    this.#snapshot.changed();
    this.#proceed();
    return rejected;
  }

  held(): ReturnType<ProxyState['held']> {
    return this.state.held();
  }

  contact(): void {
    this.state.contact();
  }

  other(message: unknown, stream: ReportStream): void {
    if (!isObject(message)) return;
    if (message['type'] === 'renewCertificate') {
      this.#renewalStream = stream;
      this.#identity.renew();
    }
    if (message['type'] !== 'reportTraffic') return;
    this.#reporter ??= new (loadTraffic().TrafficReporter)({
      recorder: this.#recorder,
      ...this.#surroundings,
      state: this.state,
      stack: this.#stack,
    });
    this.#reporter.asked(message, stream);
  }

  connectionChanged(connected: boolean): void {
    this.state.connectionChanged(connected);
    this.#keepBundleOfStream();
  }

  trustChanged(trust: TrustEntry): void {
    try {
      this.#identity.replaceAnchors(trust.anchorsPem);
    } catch (error) {
      this.log.error('a trust bundle cannot be used, the last one stays in force', errorFields(error));
    }
  }

  onTimer(timer: Timer): void {
    const { timers } = this.#surroundings;
    if (timer === this.#flushTimer) {
      this.#accessLog?.flush();
      timers.set(timer, ACCESS_LOG_FLUSH_MS);
    } else {
      this.state.releaseIdle(IDLE_DESTINATION_MS);
      this.#recorder.evictIdle(IDLE_SERIES_MS);
      timers.set(timer, SWEEP_MS);
    }
  }

  #restore(): void {
    const snapshot = this.#snapshot.load();
    if (snapshot === null) return;
    for (const { key, problems } of this.state.restore(snapshot))
      this.log.warn('a stored resource cannot be used', { key, problems: problems.join('; ') });
    this.log.info('snapshot restored', { resources: this.state.status.resources });
  }

  /**
   * A certificate comes with the bundle of the replica that signed it, which may not have read the newest yet; on the stream every replica
   * tells the newest in the end, and tells it once.
   */
  #keepBundleOfStream(): void {
    const { trust, status } = this.state;
    if (this.#config.configSource !== 'operator' || trust === null || !status.connected) return;
    if (trust.anchorsPem !== this.#identity.anchorsPem) this.trustChanged(trust);
  }

  #certificateChanged(): void {
    this.#keepBundleOfStream();
    const credentials = this.#identity.current();
    if (credentials !== null)
      this.#renewalStream?.send({ type: 'certificate', chainPem: credentials.context.credentials.certificatePem });
    if (credentials !== null && credentials.notAfterMs !== this.#certificateEndMs) {
      this.#certificateEndMs = credentials.notAfterMs;
      this.#recorder.certificateChanged(credentials.notAfterMs / 1000, this.#surroundings.wallMs() / 1000);
    }
    this.#proceed();
  }

  /** Releases the latches that have been reached; opens the listeners when certificate and policy are there. */
  #proceed(): void {
    const identified = this.#identity.current() !== null;
    const configured = this.state.status.workloadArrived;
    if (identified) this.#readiness.release(LATCHES.identity);
    if (configured) this.#readiness.release(LATCHES.configuration);
    if (!identified || !configured || this.#opening || this.#draining) return;
    this.#opening = true;
    this.#stack.startTraffic().then(
      (open) => {
        this.#readiness.release(LATCHES.listeners);
        this.log.info('proxy is ready', listenFields(open));
      },
      (error) => this.#rejectEnded(error),
    );
  }

  async #createSource(): Promise<ConfigSource> {
    const { pod, control, configSource, apiServer } = this.#config;
    const { transport } = this.#platform;
    if (configSource === 'operator') {
      const peer = { host: control.host, port: control.configPort, identity: control.identity };
      const calls = new ControlCalls('configuration', peer);
      this.#recorder.control = [...this.#recorder.control, calls];
      const context: SourceContext = {
        transport,
        resolve: (host) => calls.lookup(resolveHost(host)),
        calls,
        credentials: this.#identity,
        surroundings: this.#surroundings,
        log: this.log,
      };
      return new OperatorSource(context, {
        peer,
        pod: { namespace: pod.namespace, pod: pod.name, node: pod.node, proxyVersion: VERSION },
        pingMs: PING_INTERVAL_MS,
        silenceMs: SILENCE_TIMEOUT_MS,
      });
    }
    // The compiler and its parsers: not loaded by a proxy that has an operator.
    const { KubernetesSource, WATCH_SILENCE_MS } = await import('../io/config-source/kubernetes/source.ts');
    const options = { server: apiServer, namespace: pod.namespace, pod: pod.name, silenceMs: WATCH_SILENCE_MS };
    const source = new KubernetesSource(transport, options, this.#surroundings, this.log);
    const tellBundle = () => source.trustChanged(this.#identity.anchorsPem);
    this.#identity.subscribe(tellBundle);
    tellBundle();
    return source;
  }

  #stackOptions(logSink: LogSink, clock: Clock): StackOptions {
    const { transport, localNetwork } = this.#platform;
    const process = readProcessFacts;
    const loopLag = transport.timers.lag;
    const sources = {
      clock,
      recorder: this.#recorder,
      state: this.state,
      process,
      loopLag,
      build: { version: VERSION, git_sha: COMMIT },
    };
    return {
      transport,
      state: this.state,
      recorder: this.#recorder,
      log: this.log,
      rng: new Xoshiro(crypto.getRandomValues(new Uint32Array(1))[0]!),
      wallMs: clock.wallMs,
      tlsContext: () => this.#identity.current()?.context ?? null,
      listeners: this.#listeners(),
      dialAddress: (address) => (localNetwork === null ? address : localNetwork.dialAddress(address)),
      reservedPorts: [this.#config.listen.tapPort],
      admin: createAdminHandler({
        readiness: this.#readiness,
        metrics: () => {
          this.#stack.report();
          return loadExposition().renderMetrics(sources);
        },
        log: logSink,
        shutdownEnabled: this.#config.shutdown.admin,
        shutdown: () => this.#dismissed(),
      }),
      probeRelay: this.#probeRelay(),
      accessLog: this.#accessLog,
      limits: {
        connections: connectionLimit(process().maxFds, STACK_LIMITS.connections),
        headBytes: this.#config.maxHeadBytes,
      },
    };
  }

  #probeRelay(): ProbeRelay | null {
    const { pod, relayedProbes } = this.#config;
    const [ip = ''] = pod.ips;
    if (relayedProbes.length === 0) return null;
    return new ProbeRelay(this.#platform.transport, ip, relayedProbes, async (probe, address) => {
      const { askHttp } = await import('../io/admin/ask-http.ts');
      return askHttp(probe, address);
    });
  }

  #createDeparture(): Departure {
    const { graceMs, waitMs, outlivesApplication } = this.#config.shutdown;
    return new Departure({
      timers: this.#surroundings.timers,
      stack: this.#stack,
      waitMs,
      graceMs,
      isApplicationThere: outlivesApplication ? () => this.#platform.othersHaveSockets() : null,
      ended: (reason) => this.#end(reason),
    });
  }

  #listeners(): Listener[] {
    const { ipv6Interfaces, originalDestination, localNetwork } = this.#platform;
    return listenersOf(this.#config.listen, ipv6Interfaces, originalDestination, localNetwork);
  }

  #end(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    const { timers } = this.#surroundings;
    for (const timer of [this.#sweepTimer, this.#flushTimer]) timers.clear(timer);
    this.#departure.stop();
    this.log.info('proxy ends', { reason });
    this.#stack.stop();
    this.#reporter?.stop();
    this.#source?.stop();
    this.#identity.stop();
    this.#snapshot.flush();
    this.#accessLog?.flush();
    this.#resolveEnded();
  }
}

function createState(config: RunConfig, clock: Clock): ProxyState {
  const { pod, inbound } = config;
  return new ProxyState({
    clock,
    loadRegexEngine: lazyRegexEngine(),
    loadRuleParts,
    namespace: pod.namespace,
    pod: pod.name,
    node: pod.node,
    zone: '',
    initialWorkload: defaultWorkload(inbound),
  });
}

function createIdentity(
  config: RunConfig,
  transport: Transport,
  surroundings: Surroundings,
  log: Logger,
  calls: ControlCalls,
): IdentityAgent {
  const { identity } = config;
  const resolve: Resolve = (host) => calls.lookup(resolveHost(host));
  return new IdentityAgent(
    transport,
    new CertifyClient(transport, resolve, calls.peer, calls),
    new IdentityStore(identity.dir),
    identity,
    surroundings,
    log,
  );
}

/** Where it listens, by the names of the listeners. */
function listenFields(open: readonly OpenListener[]): LogFields {
  const fields: Record<string, string> = {};
  for (const { listener } of open) {
    const addresses = addressesOf(open, listener.name);
    fields[listener.name] = addresses.map(({ ip, port }) => formatAddress(ip, port)).join(' ');
  }
  return fields;
}
