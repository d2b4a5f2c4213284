import type { Clock } from '../../../lib/clock.ts';
import type { ConfigSink } from '../../../proxy-image/contract/config-source.ts';
import type { Change } from '../../../proxy-image/contract/messages.ts';
import { newerService } from '../../../proxy-image/contract/older-operators.ts';
import type { OlderBackend, OlderService } from '../../../proxy-image/contract/older-proxies.ts';
import { DEFAULT_QUEUE } from '../../../proxy-image/contract/policy/queue.ts';
import type { StatusRetry } from '../../../proxy-image/contract/policy/retry.ts';
import type {
  Authorization,
  Endpoint,
  PortPolicy,
  ResourceBody,
  Route,
  ServiceDestination,
  WorkloadResource,
} from '../../../proxy-image/contract/resources.ts';
import { EndpointPool } from '../../../proxy-image/core/balance/pool.ts';
import { defaultWorkload } from '../../../proxy-image/core/policy/defaults.ts';
import type { Rng } from '../../../proxy-image/core/rng.ts';
import type { RegexEngine } from '../../../proxy-image/core/route/engine.ts';
import type { RequestFacts } from '../../../proxy-image/core/route/request.ts';
import type { RouteTable } from '../../../proxy-image/core/route/table.ts';
import type { BalanceEntry, DestinationEntry, OutboundRouteEntry } from '../../../proxy-image/core/state/entries.ts';
import { ProxyState, type StateOptions } from '../../../proxy-image/core/state/state.ts';
import { lazyRegexEngine } from '../../../proxy-image/io/regex-engine.ts';
import { loadRuleParts } from '../../../proxy-image/io/rule-parts.ts';

export class ManualClock implements Clock {
  ms: number;
  constructor(ms = 0) {
    this.ms = ms;
  }
  nowMs(): number {
    return this.ms;
  }
  wallMs(): number {
    return 1_800_000_000_000 + this.ms;
  }
}

/** Gives the numbers of a list, then fails: a test says exactly how much randomness it expects to be used. */
export class ScriptedRng implements Rng {
  readonly #values: number[];
  constructor(...values: number[]) {
    this.#values = values;
  }
  uint32(): number {
    const value = this.#values.shift();
    if (value === undefined) throw new Error('more randomness was used than expected');
    return value;
  }
}

export const regexEngine: () => RegexEngine = lazyRegexEngine();

/** For expressions that must be matched without the engine. */
export function noEngine(): RegexEngine {
  throw new Error('the engine was asked for');
}

export function route(name: string, regex: string, more: Partial<Route> = {}): Route {
  return {
    name,
    match: { type: 'path', regex },
    isRetryable: false,
    timeoutMs: 0,
    responseClasses: [],
    ...more,
  };
}

export function routeTable(...routes: Route[]): RouteTable<OutboundRouteEntry> {
  const state = newState(new ManualClock());
  applyAll(state, set(SERVICE_KEY, service({ routes })));
  const { entry } = state.destination('10.96.0.1', 80);
  if (entry?.kind !== 'service') throw new Error('no Service');
  return entry.routes;
}

/** What rules look at of a request. Header names in lower case. */
export function request(method: string, target: string, headers: Readonly<Record<string, string>> = {}): RequestFacts {
  const joined = (name: string) => headers[name] ?? null;
  return { method, target, host: headers['host'] ?? '', absoluteForm: false, isGrpc: false, joined };
}

export function endpoint(address: string, more: Partial<Endpoint> = {}): Endpoint {
  return {
    address,
    port: 8080,
    identity: 'web.shop.serviceaccount.identity.linkerd.cluster.local',
    proxyPort: 4143,
    protocol: 'http1',
    node: 'node-1',
    zone: '',
    hintZones: [],
    labels: { namespace: 'shop', service: 'web', pod: `web-${address.replaceAll('.', '-')}` },
    ...more,
  };
}

/** Endpoints 10.0.0.1, 10.0.0.2, … of a client on `node-1` in zone `a`. */
export function poolOf(count: number, more: (index: number) => Partial<Endpoint> = () => ({}), seed = 1): EndpointPool {
  const pool = new EndpointPool('endpoints/shop/web:80/ipv4', seed);
  const facts = Array.from({ length: count }, (_, i) => endpoint(`10.0.0.${i + 1}`, more(i)));
  pool.replace('v1', facts, { node: 'node-1', zone: 'a' }, 0);
  return pool;
}

export function endpointsKey(service: string): string {
  return `endpoints/shop/${service}:80/ipv4`;
}

export function backend(service: string, weight: number, more: Partial<OlderBackend> = {}): OlderBackend {
  return {
    authority: `${service}.shop.svc.cluster.local:80`,
    service,
    namespace: 'shop',
    port: 80,
    endpoints: endpointsKey(service),
    weight,
    unavailable: false,
    ...more,
  };
}

/** A Service in few words, those of revision 1: one split for all, routes as a profile has them, and for what no route matches what annotations can say. */
export interface ServiceSketch extends Omit<OlderService, 'type' | 'retry'> {
  retry: StatusRetry | null;
}

export function serviceSketch(more: Partial<ServiceSketch> = {}): ServiceSketch {
  return {
    sources: '7',
    namespace: 'shop',
    service: 'web',
    port: 80,
    authority: 'web.shop.svc.cluster.local:80',
    protocol: 'detect',
    routes: [],
    retryBudget: { ratio: 0.2, minRetriesPerSecond: 10, ttlMs: 10_000 },
    backends: [backend('web', 1000)],
    balancer: { type: 'ewma', defaultRttMs: 30, decayMs: 10_000 },
    localTrafficOnly: false,
    slowStartMs: 0,
    breaker: null,
    penalty: null,
    retry: null,
    timeouts: { requestMs: 0, responseMs: 0, idleMs: 0 },
    queue: DEFAULT_QUEUE,
    ...more,
  };
}

export function service(more: Partial<ServiceSketch> = {}): ServiceDestination {
  return hostile<ServiceDestination>(newerService({ ...serviceSketch(more), type: 'service' }));
}

/** The endpoints of a Service's backend, and how one of them is chosen. */
export function balanceOf(entry: DestinationEntry | null, index = 0): BalanceEntry {
  const dispatch = entry?.kind === 'service' ? entry.backends[index]?.dispatch : undefined;
  if (dispatch?.type !== 'balance') throw new Error(`backend ${index} has no endpoints`);
  return dispatch;
}

export const ALL_NETWORKS = [
  { cidr: '0.0.0.0/0', except: [] },
  { cidr: '::/0', except: [] },
];

export function authorization(name: string, more: Partial<Authorization> = {}): Authorization {
  return {
    label: { group: 'policy.linkerd.io', kind: 'serverauthorization', name },
    networks: ALL_NETWORKS,
    authentication: { type: 'unauthenticated' },
    ...more,
  };
}

export function portPolicy(more: Partial<PortPolicy> = {}): PortPolicy {
  return {
    server: { group: 'policy.linkerd.io', kind: 'server', name: 'web-http' },
    protocol: 'http1',
    authorizations: [authorization('everyone')],
    audit: false,
    rules: [],
    rateLimit: null,
    probePaths: [],
    grpcProbe: false,
    profile: null,
    ...more,
  };
}

export function initialWorkload(): WorkloadResource {
  return defaultWorkload({
    namespace: 'shop',
    pod: 'web-1',
    policy: 'all-unauthenticated',
    clusterNetworks: ['10.0.0.0/8'],
    detectTimeoutMs: 10_000,
    opaquePorts: [[3306, 3306]],
    requireIdentityPorts: [],
  });
}

export function workload(ports: Record<string, PortPolicy>, more: Partial<WorkloadResource> = {}): WorkloadResource {
  return { ...initialWorkload(), sources: '9', ports, ...more };
}

export const WORKLOAD_KEY = 'workload/shop/web-1';
export const SERVICE_KEY = 'service/10.96.0.1:80';

export function set(key: string, body: ResourceBody, version = 'v1'): Change {
  return { op: 'set', key, version, body };
}

export function newState(clock: Clock, more: Partial<StateOptions> = {}): ProxyState {
  return new ProxyState({
    clock,
    loadRegexEngine: regexEngine,
    loadRuleParts,
    namespace: 'shop',
    pod: 'web-1',
    node: 'node-1',
    zone: '',
    initialWorkload: initialWorkload(),
    ...more,
  });
}

/** Applies changes that all have to be accepted. */
export function applyAll(state: ConfigSink, ...changes: Change[]): void {
  const rejected = state.apply(changes);
  if (rejected.length > 0) throw new Error(JSON.stringify(rejected));
}

/** A value as it comes from a parser that knows less than the types claim. */
export function hostile<T>(value: unknown): T {
  return value as T;
}
