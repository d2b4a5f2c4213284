import { expect } from 'chai';
import type { ResourceBody, ServiceDestination } from '../../../proxy-image/contract/resources.ts';
import { SERVICE_DEFAULTS } from '../../../proxy-image/contract/service-defaults.ts';
import type { ServiceEntry } from '../../../proxy-image/core/state/entries.ts';
import { applyAll, hostile, ManualClock, newState, SERVICE_KEY, service, set } from './fixtures.ts';

const BREAKER = {
  type: 'consecutive',
  maxFailures: 7,
  minPenaltyMs: 1_000,
  maxPenaltyMs: 60_000,
  jitterRatio: 0.5,
  maxEjectedPercent: 100,
} as const;
const RATE = { threshold: 0.8, windowMs: 10_000, minRequests: 5 };
const UNIFIED = { ...BREAKER, type: 'unified', successRate: RATE, honorRetryAfter: true } as const;
const EWMA = { type: 'ewma', defaultRttMs: 30, decayMs: 10_000 } as const;

const FULL: Partial<ServiceDestination> = {
  slowStartMs: 30_000,
  breaker: UNIFIED,
  penalty: { penaltyMs: 5_000, maxRetryAfterMs: 300_000 },
  retry: { http: [[500, 599]], grpc: [14], limit: 3, timeoutMs: 250 },
  timeouts: { requestMs: 1_000, responseMs: 900, idleMs: 800 },
  queue: { capacity: 100, failfastMs: 1_000 },
};

function trafficOf(body: unknown): { entry: ServiceEntry; problems: string[] } {
  const state = newState(new ManualClock());
  const problems = state.apply([set(SERVICE_KEY, hostile<ResourceBody>(body))]).flatMap((each) => each.problems);
  return { entry: state.destination('10.96.0.1', 80).entry as ServiceEntry, problems };
}

describe('traffic policy of a service resource', () => {
  it('is taken as it is written', () => {
    const state = newState(new ManualClock());
    applyAll(state, set(SERVICE_KEY, service(FULL)));
    expect(state.destination('10.96.0.1', 80).entry).to.deep.include(FULL);
  });

  it('has defaults where an older operator does not write it', () => {
    const { slowStartMs, breaker, penalty, retry, timeouts, queue, ...old } = service(FULL);
    const { entry, problems } = trafficOf(old);
    expect(problems).to.deep.equal([]);
    expect(entry).to.deep.include(SERVICE_DEFAULTS);
    expect([slowStartMs, breaker, penalty, retry, timeouts, queue]).to.deep.equal(Object.values(FULL));
  });

  const balancers = [
    EWMA,
    { type: 'roundRobin' },
    { type: 'leastLoaded' },
    { type: 'aperture', defaultRttMs: 30, decayMs: 10_000, endpoints: 12 },
    { type: 'consistentHash', key: { type: 'header', name: 'x-user' } },
    { type: 'consistentHash', key: { type: 'cookie', name: 'sid' } },
    { type: 'consistentHash', key: { type: 'source' } },
  ] as const;
  for (const balancer of balancers) {
    it(`knows ${JSON.stringify(balancer)}`, () => {
      const { entry, problems } = trafficOf(service({ balancer }));
      expect([entry.balancer, problems]).to.deep.equal([balancer, []]);
    });
  }

  it('reports a key of a newer contract and balances as usual', () => {
    const { entry, problems } = trafficOf({
      ...service(),
      balancer: { type: 'consistentHash', key: { type: 'query' } },
    });
    expect(entry.balancer).to.deep.equal(EWMA);
    expect(problems).to.deep.equal(['balancer.key.type: unknown value "query"; this rule does not apply']);
  });

  it('reports a breaker of a newer contract and ejects nothing', () => {
    const { entry, problems } = trafficOf({ ...service(), breaker: { type: 'latency', p99Ms: 5 } });
    expect(entry.breaker).to.equal(null);
    expect(problems).to.deep.equal(['breaker.type: unknown value "latency"; this rule does not apply']);
  });

  const refused: [path: string, more: object][] = [
    ['slowStartMs', { slowStartMs: -1 }],
    ['balancer.endpoints', { balancer: { ...EWMA, type: 'aperture', endpoints: 0 } }],
    ['balancer.key.name', { balancer: { type: 'consistentHash', key: { type: 'header' } } }],
    ['breaker.maxFailures', { breaker: { ...BREAKER, maxFailures: 0 } }],
    ['breaker.minPenaltyMs', { breaker: { ...BREAKER, minPenaltyMs: 0 } }],
    ['breaker.maxPenaltyMs', { breaker: { ...BREAKER, maxPenaltyMs: 999 } }],
    ['breaker.jitterRatio', { breaker: { ...BREAKER, jitterRatio: Number.NaN } }],
    ['breaker.maxEjectedPercent', { breaker: { ...BREAKER, maxEjectedPercent: 101 } }],
    ['breaker.successRate', { breaker: { ...UNIFIED, successRate: null } }],
    ['breaker.successRate.threshold', { breaker: { ...UNIFIED, successRate: { ...RATE, threshold: 2 } } }],
    ['breaker.successRate.windowMs', { breaker: { ...UNIFIED, successRate: { ...RATE, windowMs: 9 } } }],
    ['breaker.successRate.minRequests', { breaker: { ...UNIFIED, successRate: { ...RATE, minRequests: 1e9 } } }],
    ['breaker.honorRetryAfter', { breaker: { ...UNIFIED, honorRetryAfter: 'yes' } }],
    ['penalty.penaltyMs', { penalty: { penaltyMs: 1e300, maxRetryAfterMs: 1 } }],
    ['retry.http[0]', { retry: { ...FULL.retry, http: [[599, 500]] } }],
    ['retry.http[0]', { retry: { ...FULL.retry, http: [[]] } }],
    ['retry.http[0][0]', { retry: { ...FULL.retry, http: [[99, 500]] } }],
    ['retry.grpc[0]', { retry: { ...FULL.retry, grpc: [17] } }],
    ['retry.limit', { retry: { ...FULL.retry, limit: 65_536 } }],
    ['timeouts.idleMs', { timeouts: { requestMs: 0, responseMs: 0 } }],
    ['queue.capacity', { queue: { capacity: 0, failfastMs: 1 } }],
    ['queue.failfastMs', { queue: { capacity: 1, failfastMs: 0 } }],
    ['timeouts', { timeouts: [] }],
  ];
  for (const [path, more] of refused) {
    it(`is refused for ${path}: ${JSON.stringify(more)}`, () => {
      const { entry, problems } = trafficOf({ ...service(), ...more });
      expect(entry).to.equal(null);
      expect(
        problems.some((problem) => problem.startsWith(`${path}: expected`)),
        problems.join(),
      ).to.equal(true);
    });
  }
});
