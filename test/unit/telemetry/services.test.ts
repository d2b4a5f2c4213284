import { expect } from 'chai';
import type { Breaker } from '../../../proxy-image/contract/policy/breaker.ts';
import { QueuePlace } from '../../../proxy-image/core/balance/queue.ts';
import { breakerObserved } from '../../../proxy-image/core/breaker/breaker.ts';
import type { ServiceEntry } from '../../../proxy-image/core/state/entries.ts';
import { retryEvent } from '../../../proxy-image/stack/observers/retry-event.ts';
import { sampleValue } from '../../support/prometheus-text.ts';
import {
  applyAll,
  backend,
  balanceOf,
  endpoint,
  endpointsKey,
  type ServiceSketch,
  service,
  set,
} from '../core/fixtures.ts';
import { Bench } from './bench.ts';

const BREAKER: Breaker = {
  type: 'consecutive',
  maxFailures: 1,
  minPenaltyMs: 1_000,
  maxPenaltyMs: 5_000,
  jitterRatio: 0,
  maxEjectedPercent: 100,
};
const PARENT = {
  parent_group: 'core',
  parent_kind: 'Service',
  parent_namespace: 'shop',
  parent_name: 'web',
  parent_port: '80',
  parent_section_name: '',
};
const ROUTE = { route_group: '', route_kind: 'default', route_namespace: '', route_name: 'http' };
const backendOf = (name: string) => ({
  backend_group: 'core',
  backend_kind: 'Service',
  backend_namespace: 'shop',
  backend_name: name,
  backend_port: '80',
  backend_section_name: '',
});

function called(bench: Bench, more: Partial<ServiceSketch> = {}, ip = '10.96.0.1'): ServiceEntry {
  const { state } = bench;
  const destination = state.destination(ip, 80);
  applyAll(state, set(destination.key, service(more)));
  return destination.entry as ServiceEntry;
}

function endpoints(bench: Bench, name: string, ...addresses: string[]): void {
  const body = { sources: '1', endpoints: addresses.map((address) => endpoint(address)) };
  applyAll(bench.state, set(endpointsKey(name), body, addresses.join()));
}

function ejectFirst(bench: Bench, entry: ServiceEntry): void {
  const { pool } = balanceOf(entry);
  const rng = { uint32: () => 0 };
  const change = breakerObserved(pool, pool.endpoints[0]!, BREAKER, false, 'failure', 0, rng, bench.clock.ms);
  expect(change).to.equal('ejected');
}

describe('endpoints of balancers', () => {
  const count = (bench: Bench, name: string, labels: Record<string, string> = {}) =>
    sampleValue(bench.scrape(), name, labels);

  it('are ready or pending by backend, with the labels of Linkerd', () => {
    const bench = new Bench();
    const entry = called(bench, { backends: [backend('web', 900), backend('canary', 100)], breaker: BREAKER });
    endpoints(bench, 'web', '10.0.0.1', '10.0.0.2', '10.0.0.3');
    const families = () => bench.scrape().get('outbound_http_balancer_endpoints')!.samples;
    const sample = (endpoint_state: string, name: string, value: number) => ({
      name: 'outbound_http_balancer_endpoints',
      labels: { endpoint_state, ...PARENT, ...backendOf(name) },
      value,
    });
    expect(families()).to.deep.equal([
      sample('ready', 'web', 3),
      sample('pending', 'web', 0),
      sample('ready', 'canary', 0),
      sample('pending', 'canary', 0),
    ]);
    ejectFirst(bench, entry);
    balanceOf(entry).pool.endpoints[1]!.readyAtMs = 1;
    expect(families().slice(0, 2)).to.deep.equal([sample('ready', 'web', 1), sample('pending', 'web', 2)]);
    const ejected = bench.scrape().get('weft_outbound_ejected_endpoints')!.samples;
    expect(ejected.map(({ labels, value }) => [labels['backend_name'], value])).to.deep.equal([
      ['web', 1],
      ['canary', 0],
    ]);
    bench.clock.ms = 2;
    expect(families()[0]!.value).to.equal(2);
  });

  it('tell how many there are, and what discovery has changed of them (linkerd2-proxy: p2c pool metrics)', () => {
    const bench = new Bench();
    called(bench);
    endpoints(bench, 'web', '10.0.0.1', '10.0.0.2');
    endpoints(bench, 'web', '10.0.0.2', '10.0.0.3', '10.0.0.4');
    const labels = { ...PARENT, ...backendOf('web') };
    expect(count(bench, 'outbound_http_balancer_p2c_endpoints', labels)).to.equal(3);
    const updates = ['Reset', 'Add', 'Remove'].map((op) =>
      count(bench, 'outbound_http_balancer_p2c_updates_total', { ...labels, op }),
    );
    expect(updates).to.deep.equal([1, 2, 1]);
  });

  it('have a queue: who got in at once or waited, for how long, and how often nobody was let in any more', () => {
    const bench = new Bench();
    const { pool } = balanceOf(called(bench));
    const limits = { capacity: 10, failfastMs: 3_000 };
    const place = new QueuePlace({ limits, lookAgain: () => false });
    const read = (name: string, labels = {}) => count(bench, `outbound_http_balancer_queue_${name}`, labels);
    pool.placedAtOnce = 5;
    pool.queue.enter(place, 1_000);
    expect([read('requests_total'), read('length'), read('latency_seconds_count')]).to.deep.equal([6, 1, 5]);
    expect([read('gate_open_total'), read('gate_shut_total'), read('gate_timeout_seconds')]).to.deep.equal([1, 0, 3]);
    expect(pool.queue.failsFast(limits, 4_000)).to.equal(true);
    pool.queue.leave(place, 4_000);
    expect(pool.queue.failsFast(limits, 4_001)).to.equal(true);
    expect([read('gate_open_total'), read('gate_shut_total')]).to.deep.equal([1, 1]);
    pool.queue.ready();
    expect([read('gate_open_total'), read('gate_shut_total')]).to.deep.equal([2, 1]);
    const under = ['0.0005', '0.005', '0.05', '0.5', '1', '3', '+Inf'].map((le) =>
      read('latency_seconds_bucket', { le }),
    );
    expect(under).to.deep.equal([5, 5, 5, 5, 5, 6, 6]);
    expect(read('latency_seconds_sum')).to.equal(3);
  });

  it('that another Service has kept out are ready where there is no circuit breaking', () => {
    const bench = new Bench();
    const breaking = called(bench, { breaker: BREAKER });
    called(bench, { service: 'other' }, '10.96.0.2');
    endpoints(bench, 'web', '10.0.0.1');
    ejectFirst(bench, breaking);
    const ready = (parent_name: string) =>
      count(bench, 'outbound_http_balancer_endpoints', { parent_name, endpoint_state: 'ready' });
    expect([ready('web'), ready('other')]).to.deep.equal([0, 1]);
  });

  it('are counted once for a Service with two addresses, or added up where each has its own', () => {
    const bench = new Bench();
    called(bench);
    called(bench, {}, '10.96.0.2');
    endpoints(bench, 'web', '10.0.0.1', '10.0.0.2');
    const ready = () => count(bench, 'outbound_http_balancer_endpoints', { endpoint_state: 'ready' });
    expect(ready()).to.equal(2);
    const six = 'endpoints/shop/web:80/ipv6';
    called(bench, { backends: [backend('web', 1, { endpoints: six })] }, 'fd00::1');
    applyAll(bench.state, set(six, { sources: '1', endpoints: [endpoint('fd00::9')] }));
    expect(ready()).to.equal(3);
  });

  it('of opaque Services are in the family of TCP', () => {
    const bench = new Bench();
    called(bench, { protocol: 'opaque' });
    endpoints(bench, 'web', '10.0.0.1');
    expect(count(bench, 'outbound_tcp_balancer_endpoints', { endpoint_state: 'ready' })).to.equal(1);
    expect(bench.scrape().get('outbound_http_balancer_endpoints')!.samples).to.deep.equal([]);
  });

  it('share one series beyond 2,000 backends (B19)', () => {
    const bench = new Bench();
    for (let i = 0; i < 2_010; i++) {
      const name = `s${i}`;
      called(bench, { service: name, backends: [backend(name, 1)] }, `10.97.${i >> 8}.${i & 255}`);
      endpoints(bench, name, '10.0.0.1');
    }
    expect(bench.scrape().get('outbound_http_balancer_endpoints')!.samples).to.have.length(2 * 2_001);
    const overflow = { weft_overflow: 'true', endpoint_state: 'ready' };
    expect(count(bench, 'outbound_http_balancer_endpoints', overflow)).to.equal(10);
  });
});

describe('decisions of circuit breakers', () => {
  it('are counted by backend and kind', () => {
    const bench = new Bench();
    const entry = called(bench, { backends: [backend('web', 900), backend('canary', 100)], breaker: BREAKER });
    const [web, canary] = entry.backends;
    bench.recorder.breakerDecided(entry, web!, 'ejected');
    bench.recorder.breakerDecided(entry, web!, 'ejected');
    bench.recorder.breakerDecided(entry, web!, 'readmitted');
    bench.recorder.breakerDecided(entry, canary!, 'spared');
    bench.recorder.breakerDecided(entry, canary!, 'kept_out');
    const { samples } = bench.scrape().get('weft_outbound_breaker_decisions_total')!;
    expect(samples.map(({ labels, value }) => [labels['backend_name'], labels['decision'], value])).to.deep.equal([
      ['web', 'ejected', 2],
      ['canary', 'spared', 1],
      ['canary', 'kept_out', 1],
      ['web', 'readmitted', 1],
    ]);
    expect(samples[0]!.labels).to.deep.equal({ ...PARENT, ...backendOf('web'), decision: 'ejected' });
  });

  it('go on in the same series after an update of the Service, and from zero after ten idle minutes', () => {
    const bench = new Bench();
    const count = () => sampleValue(bench.scrape(), 'weft_outbound_breaker_decisions_total');
    const before = called(bench);
    bench.recorder.breakerDecided(before, before.backends[0]!, 'ejected');
    const after = called(bench, { breaker: BREAKER });
    expect(after).to.not.equal(before);
    bench.recorder.breakerDecided(after, after.backends[0]!, 'ejected');
    expect(count()).to.equal(2);
    bench.idle(1);
    bench.idle(11);
    expect(count()).to.equal(undefined);
    bench.recorder.breakerDecided(after, after.backends[0]!, 'ejected');
    expect(count()).to.equal(1);
  });
});

describe('retries by annotation', () => {
  it('are counted by what became of them, with the labels of Linkerd', () => {
    const bench = new Bench();
    const entry = called(bench);
    const events = ['requests', 'requests', 'successes', 'limit_exceeded', 'overflow'] as const;
    for (const event of events) bench.recorder.serviceRetry(entry, entry.routes.fallback.policy, event);
    const families = bench.scrape();
    for (const [event, value] of [
      ['requests', 2],
      ['successes', 1],
      ['limit_exceeded', 1],
      ['overflow', 1],
    ] as const) {
      const name = `outbound_http_route_retry_${event}_total`;
      expect(families.get(name)!.samples).to.deep.equal([{ name, labels: { ...PARENT, ...ROUTE }, value }]);
    }
  });

  for (const [decision, retries, event] of [
    ['retried', 0, 'requests'],
    ['retried', 2, 'requests'],
    ['success', 0, null],
    ['success', 1, 'successes'],
    ['limit_reached', 1, 'limit_exceeded'],
    ['status_not_retryable', 1, null],
    ['body_not_replayable', 1, null],
    ['refused_by_server', 1, null],
  ] as const) {
    it(`${decision} after ${retries} retries counts as ${event ?? 'nothing'}`, () => {
      expect(retryEvent(decision, retries)).to.equal(event);
    });
  }
});
