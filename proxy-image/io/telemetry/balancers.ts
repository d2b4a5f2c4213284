import type { EndpointPool } from '../../core/balance/pool.ts';
import { WAIT_BOUNDS_MS } from '../../core/balance/queue.ts';
import type { BalanceEntry, ServiceEntry } from '../../core/state/entries.ts';
import { protocolOf } from '../../core/state/protocol.ts';
import { joinLabels } from './labels.ts';
import { OVERFLOW_LABELS } from './overflow-labels.ts';
import { backendLabels } from './service-labels.ts';
import type { TextWriter } from './text-writer.ts';

/** Backends that are told apart in one scrape; an application that calls every Service of a large cluster must not make scrapes as large. */
const MAX_BACKENDS = 2000;
const WAIT_BOUNDS = WAIT_BOUNDS_MS.map((ms) => ms / 1000);

/** One backend, as this proxy sees it now. */
class Balancer {
  readonly #pools = new Set<EndpointPool>();
  ready = 0;
  pending = 0;
  ejected = 0;
  /** Requests or streams that wait for one of them. */
  waiting = 0;
  /** … that were let in: at once, or to wait. */
  requests = 0;
  readonly waitCounts: number[] = [...WAIT_BOUNDS, 0].fill(0);
  waitSeconds = 0;
  opened = 0;
  shut = 0;
  failfastSeconds = 0;
  readonly updates = { Reset: 0, Add: 0, Remove: 0 };

  /** A Service with two addresses is there twice: with the same endpoints, or with those of two IP families. */
  count({ pool, breaker, queue: limits }: BalanceEntry, nowMs: number): void {
    if (this.#pools.has(pool)) return;
    this.#pools.add(pool);
    this.failfastSeconds = Math.max(this.failfastSeconds, limits.failfastMs / 1000);
    for (const endpoint of pool.endpoints) {
      const isEjected = breaker !== null && endpoint.breaker?.ejected === true;
      if (isEjected) this.ejected++;
      if (isEjected || endpoint.readyAtMs > nowMs) this.pending++;
      else this.ready++;
    }
    this.updates.Reset += pool.updates.reset;
    this.updates.Add += pool.updates.added;
    this.updates.Remove += pool.updates.removed;
    this.#countQueue(pool);
  }

  /** Whoever found an endpoint at once is in the first bucket: it has waited for none. */
  #countQueue({ queue, placedAtOnce }: EndpointPool): void {
    const { waits, timesShut, isShut } = queue;
    this.waiting += queue.size;
    this.requests += placedAtOnce + queue.entered;
    this.waitCounts[0]! += placedAtOnce;
    for (const [bucket, count] of (waits?.counts ?? []).entries()) this.waitCounts[bucket]! += count;
    this.waitSeconds += (waits?.sumMs ?? 0) / 1000;
    this.shut += timesShut;
    // It is open to begin with.
    this.opened += 1 + timesShut - (isShut ? 1 : 0);
  }
}

/** What is worked out for one family of each backend. */
type Write = (writer: TextWriter, name: string, labels: string, balancer: Balancer) => void;

const value =
  (read: (balancer: Balancer) => number): Write =>
  (writer, name, labels, balancer) =>
    writer.sample(name, labels, read(balancer));

/** Families behind `outbound_http_balancer_` and `outbound_tcp_balancer_` (linkerd2-proxy: balancer, pool and queue metrics). */
const FAMILIES: readonly [name: string, type: 'counter' | 'gauge' | 'histogram', help: string, write: Write][] = [
  [
    'endpoints',
    'gauge',
    'Endpoints by state: ready, or pending (kept out, or resting after failed connects)',
    (writer, name, labels, { ready, pending }) => {
      writer.sample(name, joinLabels('endpoint_state="ready"', labels), ready);
      writer.sample(name, joinLabels('endpoint_state="pending"', labels), pending);
    },
  ],
  ['p2c_endpoints', 'gauge', 'Endpoints known', value(({ ready, pending }) => ready + pending)],
  [
    'p2c_updates_total',
    'counter',
    'Endpoints that have come and gone, and answers that began anew',
    (writer, name, labels, { updates }) => {
      for (const [op, count] of Object.entries(updates)) writer.sample(name, joinLabels(`op="${op}"`, labels), count);
    },
  ],
  ['queue_length', 'gauge', 'Requests or streams that wait for an endpoint', value(({ waiting }) => waiting)],
  ['queue_requests_total', 'counter', 'Requests or streams that were let in', value(({ requests }) => requests)],
  [
    'queue_latency_seconds',
    'histogram',
    'Seconds that requests or streams have waited for an endpoint',
    (writer, name, labels, { waitCounts, waitSeconds }) =>
      writer.histogram(name, labels, WAIT_BOUNDS, waitCounts, waitSeconds),
  ],
  ['queue_gate_open_total', 'counter', 'How often requests began to be let in', value(({ opened }) => opened)],
  ['queue_gate_shut_total', 'counter', 'How often requests began to fail at once', value(({ shut }) => shut)],
  [
    'queue_gate_timeout_seconds',
    'gauge',
    'Without an endpoint for so long, requests fail at once',
    value(({ failfastSeconds }) => failfastSeconds),
  ],
];

/** Worked out when it is asked for, from what is counted per pool of endpoints. */
export function writeBalancers(writer: TextWriter, services: Iterable<ServiceEntry>, nowMs: number): void {
  const balancers = { http: new Map<string, Balancer>(), tcp: new Map<string, Balancer>() };
  for (const entry of services) {
    const known = balancers[protocolOf(entry) === 'opaque' ? 'tcp' : 'http'];
    for (const backend of entry.backends) {
      if (backend.dispatch.type !== 'balance') continue;
      balancerOf(known, backendLabels(entry, backend)).count(backend.dispatch, nowMs);
    }
  }
  for (const [protocol, known] of Object.entries(balancers)) {
    for (const [suffix, type, help, write] of FAMILIES) {
      const name = writer.family(`outbound_${protocol}_balancer_${suffix}`, type, help);
      for (const [labels, balancer] of known) write(writer, name, labels, balancer);
    }
  }
  const name = writer.family('weft_outbound_ejected_endpoints', 'gauge', 'Endpoints that circuit breaking keeps out');
  for (const [labels, { ejected }] of balancers.http) writer.sample(name, labels, ejected);
}

function balancerOf(balancers: Map<string, Balancer>, labels: string): Balancer {
  const key = balancers.has(labels) || balancers.size < MAX_BACKENDS ? labels : OVERFLOW_LABELS;
  let balancer = balancers.get(key);
  if (balancer === undefined) {
    balancer = new Balancer();
    balancers.set(key, balancer);
  }
  return balancer;
}
