import type { EndpointPool } from '../../core/balance/pool.ts';
import type { BalanceEntry, ServiceEntry } from '../../core/state/entries.ts';
import { protocolOf } from '../../core/state/protocol.ts';
import { joinLabels } from './labels.ts';
import { OVERFLOW_LABELS } from './overflow-labels.ts';
import { backendLabels } from './service-labels.ts';
import type { TextWriter } from './text-writer.ts';

/** Backends that are told apart in one scrape; an application that calls every Service of a large cluster must not make scrapes as large. */
const MAX_BACKENDS = 2000;

/** Endpoints of one backend, as this proxy sees them now. */
interface Balancer {
  readonly pools: Set<EndpointPool>;
  ready: number;
  pending: number;
  ejected: number;
  /** Requests or streams that wait for one of them. */
  waiting: number;
}

/** Counted when it is asked for: requests pay nothing for it. */
export function writeBalancers(writer: TextWriter, services: Iterable<ServiceEntry>, nowMs: number): void {
  const http = new Map<string, Balancer>();
  const tcp = new Map<string, Balancer>();
  for (const entry of services) {
    const balancers = protocolOf(entry) === 'opaque' ? tcp : http;
    for (const backend of entry.backends) {
      if (backend.dispatch.type !== 'balance') continue;
      count(balancerOf(balancers, backendLabels(entry, backend)), backend.dispatch, nowMs);
    }
  }
  writeEndpoints(writer, 'outbound_http_balancer_endpoints', http);
  writeEndpoints(writer, 'outbound_tcp_balancer_endpoints', tcp);
  writeQueues(writer, 'outbound_http_balancer_queue_length', http);
  writeQueues(writer, 'outbound_tcp_balancer_queue_length', tcp);
  const name = writer.family('weft_outbound_ejected_endpoints', 'gauge', 'Endpoints that circuit breaking keeps out');
  for (const [labels, { ejected }] of http) writer.sample(name, labels, ejected);
}

function balancerOf(balancers: Map<string, Balancer>, labels: string): Balancer {
  const key = balancers.has(labels) || balancers.size < MAX_BACKENDS ? labels : OVERFLOW_LABELS;
  let balancer = balancers.get(key);
  if (balancer === undefined) {
    balancer = { pools: new Set(), ready: 0, pending: 0, ejected: 0, waiting: 0 };
    balancers.set(key, balancer);
  }
  return balancer;
}

/** A Service with two addresses is there twice: with the same endpoints, or with those of two IP families. */
function count(balancer: Balancer, { pool, breaker }: BalanceEntry, nowMs: number): void {
  if (balancer.pools.has(pool)) return;
  balancer.pools.add(pool);
  balancer.waiting += pool.queue.size;
  for (const endpoint of pool.endpoints) {
    const isEjected = breaker !== null && endpoint.breaker?.ejected === true;
    if (isEjected) balancer.ejected++;
    if (isEjected || endpoint.readyAtMs > nowMs) balancer.pending++;
    else balancer.ready++;
  }
}

function writeEndpoints(writer: TextWriter, name: string, balancers: ReadonlyMap<string, Balancer>): void {
  writer.family(name, 'gauge', 'Endpoints by state: ready, or pending (kept out, or resting after failed connects)');
  for (const [labels, { ready, pending }] of balancers) {
    writer.sample(name, joinLabels('endpoint_state="ready"', labels), ready);
    writer.sample(name, joinLabels('endpoint_state="pending"', labels), pending);
  }
}

function writeQueues(writer: TextWriter, name: string, balancers: ReadonlyMap<string, Balancer>): void {
  writer.family(name, 'gauge', 'Requests or streams that wait for an endpoint');
  for (const [labels, { waiting }] of balancers) writer.sample(name, labels, waiting);
}
