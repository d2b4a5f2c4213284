import type { Clock } from '../../../lib/clock.ts';
import { formatKey } from '../../../proxy-image/contract/keys.ts';
import type { Change } from '../../../proxy-image/contract/messages.ts';
import type { QueueLimits } from '../../../proxy-image/contract/policy/queue.ts';
import type { Endpoint, PortPolicy, ResourceBody, WorkloadResource } from '../../../proxy-image/contract/resources.ts';
import { Xoshiro } from '../../../proxy-image/core/rng.ts';
import type { ProxyState } from '../../../proxy-image/core/state/state.ts';
import { createAdminHandler } from '../../../proxy-image/io/admin/admin.ts';
import type { ProbeRelay } from '../../../proxy-image/io/admin/probe-relay.ts';
import { Readiness } from '../../../proxy-image/io/admin/readiness.ts';
import { AccessLog } from '../../../proxy-image/io/telemetry/access-log.ts';
import { renderMetrics } from '../../../proxy-image/io/telemetry/exposition.ts';
import { JsonLogger } from '../../../proxy-image/io/telemetry/log.ts';
import { ProxyRecorder } from '../../../proxy-image/io/telemetry/proxy-recorder.ts';
import type { LoopLag } from '../../../proxy-image/io/transport/awake-clock.ts';
import { FixedDestination, type LocalNetwork } from '../../../proxy-image/io/transport/local-network.ts';
import type {
  Acceptor,
  Address,
  OriginalDestination,
  TlsContext,
  Transport,
} from '../../../proxy-image/io/transport/types.ts';
import { loadControlPort } from '../../../proxy-image/run/control-port.ts';
import { listenersOf } from '../../../proxy-image/run/listeners.ts';
import { NamedAcceptor } from '../../../proxy-image/stack/connection/named-connection.ts';
import { addressesOf, type Listener, type OpenListener } from '../../../proxy-image/stack/shared/listeners.ts';
import type { StackLimits } from '../../../proxy-image/stack/shared/options.ts';
import { createStack, type Stack, type StackObservers } from '../../../proxy-image/stack/stack.ts';
import { createLeaf, createTestAuthority, type LeafDefect, type TestAuthority } from '../../support/certificates.ts';
import { parsePrometheusText, sampleValue } from '../../support/prometheus-text.ts';
import {
  backend,
  initialWorkload,
  newState,
  portPolicy,
  type ServiceSketch,
  service,
  WORKLOAD_KEY,
} from '../../unit/core/fixtures.ts';

export const SERVICE_ADDRESS: Address = { ip: '10.96.0.1', port: 80 };
export const SERVICE_KEY: string = formatKey({ kind: 'service', ip: SERVICE_ADDRESS.ip, port: SERVICE_ADDRESS.port });

/**
 * For tests of the answer that comes when no endpoint can be had: by default requests wait three seconds for one. It counts from the moment in which the last
 * endpoint has failed, so a slow machine does not turn the failure of a connection into a wait without one.
 */
export const SHORT_QUEUE: QueueLimits = { capacity: 10, failfastMs: 200 };

/** Reserved by every proxy of a test. */
export const RESERVED_PORT = 4190;

/** Whom every proxy of a test takes for the control plane. */
export const CONTROL_IDENTITY = 'weft-operator.weft-system.serviceaccount.identity.linkerd.cluster.local';

export function identityName(serviceAccount: string): string {
  return `${serviceAccount}.shop.serviceaccount.identity.linkerd.cluster.local`;
}

export interface ProxyOptions {
  serviceAccount?: string;
  /** `none` for a proxy that has no certificate yet. */
  certificate?: LeafDefect | 'no certificate';
  authority?: TestAuthority;
  limits?: Partial<StackLimits>;
  originalDestination?: OriginalDestination;
  localNetwork?: LocalNetwork;
  /** Where the proxy sees its clients come from; without it they come from loopback, which is allowed everything. */
  clientsSeenFrom?: string;
  probeRelay?: (transport: Transport) => ProbeRelay;
  /** More than one where `originalDestination` tells connections apart by where they came in. */
  outboundListeners?: number;
  observers?: StackObservers;
  /** Any free one without. */
  controlPort?: number;
  /** A listener that is addressed itself, beside the others. */
  named?: Pick<Extract<Listener, { kind: 'named' }>, 'protocol' | 'resolver'>;
}

/** One proxy of a test: its state is set by hand, everything below is the real thing. */
export class TestProxy {
  readonly clock: Clock;
  readonly state: ProxyState;
  readonly recorder: ProxyRecorder;
  readonly stack: Stack;
  readonly log: string[] = [];
  readonly accessLines: string[] = [];
  readonly accessLog: AccessLog = new AccessLog('json', (block) => {
    this.accessLines.push(...block.trim().split('\n'));
  });
  readonly readiness: Readiness = new Readiness([]);
  /** As the identity agent would swap it. */
  tlsContext: TlsContext | null;
  listeners: OpenListener[] = [];
  readonly #lag: LoopLag;
  #version = 0;

  constructor(real: Transport, authority: TestAuthority, options: ProxyOptions) {
    const transport = options.clientsSeenFrom === undefined ? real : seeingClientsFrom(options.clientsSeenFrom, real);
    const clock: Clock = { nowMs: () => transport.timers.nowMs(), wallMs: () => Date.now() };
    this.clock = clock;
    this.#lag = transport.timers.lag;
    this.state = newState(clock);
    this.recorder = new ProxyRecorder({ clock, podIp: '127.0.0.1', zone: () => '' });
    this.tlsContext = contextOf(transport, authority, options);
    const sink = { level: 'debug' as const, write: (line: string) => this.log.push(line), wallMs: () => Date.now() };
    this.stack = createStack(
      {
        transport,
        state: this.state,
        recorder: this.recorder,
        log: new JsonLogger(sink),
        rng: new Xoshiro(1),
        wallMs: () => Date.now(),
        tlsContext: () => this.tlsContext,
        listeners: listenersFor(options),
        dialAddress: (address) => options.localNetwork?.dialAddress(address) ?? address,
        reservedPorts: [RESERVED_PORT],
        admin: createAdminHandler({
          readiness: this.readiness,
          metrics: () => 'weft_test 1\n',
          log: sink,
          shutdownEnabled: false,
          shutdown: () => {},
        }),
        probeRelay: options.probeRelay?.(transport) ?? null,
        accessLog: this.accessLog,
        ...(options.limits === undefined ? {} : { limits: options.limits }),
      },
      options.observers,
      { identity: CONTROL_IDENTITY, load: loadControlPort },
      NamedAcceptor,
    );
  }

  async start(): Promise<this> {
    this.listeners = [...(await this.stack.startAdmin()), ...(await this.stack.startTraffic())];
    return this;
  }

  /** What Prometheus would read. */
  metrics(): string {
    this.stack.report();
    const { recorder, state } = this;
    const facts = { cpuSeconds: 0, residentBytes: 0, virtualBytes: 0, openFds: 0, maxFds: 0 };
    return renderMetrics({ clock: this.clock, recorder, state, process: () => facts, loopLag: this.#lag, build: {} });
  }

  /** One for each outbound listener. */
  get outbounds(): Address[] {
    return addressesOf(this.listeners, 'outbound');
  }

  get outbound(): Address {
    return this.outbounds[0]!;
  }

  get named(): Address {
    return addressesOf(this.listeners, 'named')[0]!;
  }

  get inbound(): Address {
    return addressesOf(this.listeners, 'inbound')[0]!;
  }

  get inboundPlain(): Address {
    return addressesOf(this.listeners, 'inboundPlain')[0]!;
  }

  get control(): Address {
    return addressesOf(this.listeners, 'control')[0]!;
  }

  get admin(): Address {
    return addressesOf(this.listeners, 'admin')[0]!;
  }

  /** What the configuration stream would bring. */
  set(key: string, body: ResourceBody): void {
    const change: Change = { op: 'set', key, version: `v${++this.#version}`, body };
    const rejected = this.state.apply([change]);
    if (rejected.length > 0) throw new Error(JSON.stringify(rejected));
  }

  setService(more: Partial<ServiceSketch>): void {
    this.set(SERVICE_KEY, service({ protocol: 'http1', ...more }));
  }

  setEndpoints(name: string, endpoints: Endpoint[]): void {
    this.set(backend(name, 1).endpoints, { sources: '8', endpoints });
  }

  setPolicy(port: number, policy: Partial<PortPolicy>, more: Partial<WorkloadResource> = {}): void {
    this.set(WORKLOAD_KEY, { ...initialWorkload(), sources: '9', ports: { [port]: portPolicy(policy) }, ...more });
  }
}

/** The same transport, whose accepted connections have another remote address. */
function seeingClientsFrom(ip: string, transport: Transport): Transport {
  const moved = (acceptor: Acceptor): Acceptor => ({
    ...(acceptor.startsTls === undefined ? {} : { startsTls: acceptor.startsTls }),
    accept(connection) {
      const { port } = connection.remote;
      Object.defineProperty(connection, 'remote', { value: { ip, port } });
      return acceptor.accept(connection);
    },
  });
  return new Proxy(transport, {
    get(target, name) {
      if (name === 'listen') return (address: Address, acceptor: Acceptor) => target.listen(address, moved(acceptor));
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function listenersFor({
  outboundListeners = 1,
  originalDestination,
  localNetwork,
  named,
  controlPort = 0,
}: ProxyOptions): Listener[] {
  const config = {
    outbound: Array.from({ length: outboundListeners }, loopback),
    inbound: [loopback()],
    inboundPlain: [loopback()],
    admin: [loopback()],
    tapPort: controlPort,
  };
  const identifier = originalDestination ?? new FixedDestination(SERVICE_ADDRESS);
  const listeners = listenersOf(config, '', identifier, localNetwork ?? null);
  if (named === undefined) return listeners;
  return [...listeners, { ...named, name: 'named', kind: 'named', bind: [loopback()], isOwnPort: true }];
}

function loopback(): Address {
  return { ip: '127.0.0.1', port: 0 };
}

export function contextOf(transport: Transport, authority: TestAuthority, options: ProxyOptions): TlsContext | null {
  const { certificate = 'none', serviceAccount = 'client' } = options;
  if (certificate === 'no certificate') return null;
  const leaf = createLeaf(authority, identityName(serviceAccount), certificate);
  return transport.tlsContext({
    keyPem: leaf.keyPem,
    certificatePem: leaf.chainPem,
    anchorsPem: (options.authority ?? authority).anchorsPem,
  });
}

/** Connections that the proxy has refused for this reason. */
export function refusals(proxy: TestProxy, direction: string, reason: string): number | undefined {
  return sampleValue(parsePrometheusText(proxy.metrics()), 'weft_connections_refused_total', { direction, reason });
}

/** Proxies that trust each other, and what they carry. Everything ends with `stop`. */
export class TestMesh {
  readonly transport: Transport;
  readonly authority: TestAuthority = createTestAuthority();
  readonly faults: unknown[] = [];
  readonly #proxies: TestProxy[] = [];
  readonly #closers: (() => void)[] = [];

  constructor(create: (onFault: (error: unknown) => void) => Transport) {
    this.transport = create((error) => this.faults.push(error));
  }

  async proxy(options: ProxyOptions = {}): Promise<TestProxy> {
    const proxy = new TestProxy(this.transport, options.authority ?? this.authority, options);
    this.#proxies.push(proxy);
    return proxy.start();
  }

  onStop(close: () => void): void {
    this.#closers.push(close);
  }

  stop(): void {
    for (const proxy of this.#proxies) proxy.stack.stop();
    for (const close of this.#closers) close();
    if (this.faults.length > 0) throw this.faults[0];
  }

  /** An endpoint of `server`'s pod for an application on `port`. */
  meshed(server: TestProxy, port: number, serviceAccount = 'server'): Endpoint {
    return {
      address: '127.0.0.1',
      port,
      identity: identityName(serviceAccount),
      proxyPort: server.inbound.port,
      protocol: 'http1',
      node: 'node-1',
      zone: '',
      hintZones: [],
      labels: { namespace: 'shop', service: 'web', pod: `web-${port}` },
    };
  }

  plain(port: number): Endpoint {
    return {
      address: '127.0.0.1',
      port,
      identity: null,
      proxyPort: 0,
      protocol: 'http1',
      node: 'node-1',
      zone: '',
      hintZones: [],
      labels: { namespace: 'shop', service: 'web', pod: `web-${port}` },
    };
  }
}
