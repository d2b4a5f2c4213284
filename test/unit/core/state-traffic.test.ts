import { expect } from 'chai';
import { newerService } from '../../../proxy-image/contract/older-operators.ts';
import { DEFAULT_QUEUE } from '../../../proxy-image/contract/policy/queue.ts';
import { NO_TIMEOUTS } from '../../../proxy-image/contract/policy/timeouts.ts';
import type { ResourceBody } from '../../../proxy-image/contract/resources.ts';
import type { ServiceEntry } from '../../../proxy-image/core/state/entries.ts';
import {
  applyAll,
  balanceOf,
  hostile,
  ManualClock,
  newState,
  SERVICE_KEY,
  type ServiceSketch,
  service,
  serviceSketch,
  set,
} from './fixtures.ts';

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

const FULL: Partial<ServiceSketch> = {
  slowStartMs: 30_000,
  breaker: UNIFIED,
  penalty: { penaltyMs: 5_000, maxRetryAfterMs: 300_000 },
  retry: { http: [[500, 599]], grpc: [14], limit: 3, timeoutMs: 250, backoffMs: 75 },
  timeouts: { requestMs: 1_000, responseMs: 900, idleMs: 800 },
  queue: { capacity: 100, failfastMs: 1_000 },
};

function trafficOf(body: unknown): { entry: ServiceEntry; problems: string[] } {
  const state = newState(new ManualClock());
  const problems = state.apply([set(SERVICE_KEY, hostile<ResourceBody>(body))]).flatMap((each) => each.problems);
  return { entry: state.destination('10.96.0.1', 80).entry as ServiceEntry, problems };
}

const { retry: FULL_RETRY, timeouts: FULL_TIMEOUTS, ...FULL_BALANCE } = FULL;

/** Where the one backend says how it is balanced. */
const DISPATCH = 'policy.backends[0].dispatch';

describe('traffic policy of a service resource', () => {
  it('is taken as it is written', () => {
    const state = newState(new ManualClock());
    applyAll(state, set(SERVICE_KEY, service(FULL)));
    const { entry } = state.destination('10.96.0.1', 80);
    expect(balanceOf(entry)).to.deep.include(FULL_BALANCE);
    const { retry, timeouts } = (entry as ServiceEntry).routes.fallback.policy;
    expect(retry).to.deep.equal({ type: 'statuses', ...FULL_RETRY });
    expect(timeouts).to.deep.equal({ ...NO_TIMEOUTS, ...FULL_TIMEOUTS });
  });

  it('has defaults where an operator of the release before did not write it', () => {
    const { slowStartMs, breaker, penalty, retry, timeouts, queue, ...old } = serviceSketch(FULL);
    const { entry, problems } = trafficOf(newerService({ ...old, type: 'service' }));
    expect(problems).to.deep.equal([]);
    const defaults = { slowStartMs: 0, breaker: null, penalty: null, queue: DEFAULT_QUEUE };
    expect(balanceOf(entry)).to.deep.include(defaults);
    expect(entry.routes.fallback.policy).to.deep.include({ retry: null, timeouts: NO_TIMEOUTS });
    expect([slowStartMs, breaker, penalty, retry, timeouts, queue]).to.deep.equal(Object.values(FULL));
  });

  it('pauses for 25 ms before retries where an operator of the release before did not say how long', () => {
    const { backoffMs, ...retry } = FULL.retry!;
    expect(backoffMs).to.equal(75);
    const { entry, problems } = trafficOf(service(hostile({ retry })));
    expect(problems).to.deep.equal([]);
    expect(entry.routes.fallback.policy.retry).to.deep.equal({ type: 'statuses', ...retry, backoffMs: 25 });
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
      expect([balanceOf(entry).balancer, problems]).to.deep.equal([balancer, []]);
    });
  }

  it('reports a key of a newer contract and balances as usual', () => {
    const { entry, problems } = trafficOf(
      service({ balancer: hostile({ type: 'consistentHash', key: { type: 'query' } }) }),
    );
    expect(balanceOf(entry).balancer).to.deep.equal(EWMA);
    expect(problems).to.deep.equal([`${DISPATCH}.balancer.key.type: unknown value "query"; this rule does not apply`]);
  });

  it('reports a breaker of a newer contract and ejects nothing', () => {
    const { entry, problems } = trafficOf(service({ breaker: hostile({ type: 'latency', p99Ms: 5 }) }));
    expect(balanceOf(entry).breaker).to.equal(null);
    expect(problems).to.deep.equal([`${DISPATCH}.breaker.type: unknown value "latency"; this rule does not apply`]);
  });

  const refused: [path: string, more: object][] = [
    ['backends[0].dispatch.slowStartMs', { slowStartMs: -1 }],
    ['backends[0].dispatch.balancer.endpoints', { balancer: { ...EWMA, type: 'aperture', endpoints: 0 } }],
    ['backends[0].dispatch.balancer.key.name', { balancer: { type: 'consistentHash', key: { type: 'header' } } }],
    ['backends[0].dispatch.breaker.maxFailures', { breaker: { ...BREAKER, maxFailures: 0 } }],
    ['backends[0].dispatch.breaker.minPenaltyMs', { breaker: { ...BREAKER, minPenaltyMs: 0 } }],
    ['backends[0].dispatch.breaker.maxPenaltyMs', { breaker: { ...BREAKER, maxPenaltyMs: 999 } }],
    ['backends[0].dispatch.breaker.jitterRatio', { breaker: { ...BREAKER, jitterRatio: Number.NaN } }],
    ['backends[0].dispatch.breaker.maxEjectedPercent', { breaker: { ...BREAKER, maxEjectedPercent: 101 } }],
    ['backends[0].dispatch.breaker.successRate', { breaker: { ...UNIFIED, successRate: null } }],
    [
      'backends[0].dispatch.breaker.successRate.threshold',
      { breaker: { ...UNIFIED, successRate: { ...RATE, threshold: 2 } } },
    ],
    [
      'backends[0].dispatch.breaker.successRate.windowMs',
      { breaker: { ...UNIFIED, successRate: { ...RATE, windowMs: 9 } } },
    ],
    [
      'backends[0].dispatch.breaker.successRate.minRequests',
      { breaker: { ...UNIFIED, successRate: { ...RATE, minRequests: 1e9 } } },
    ],
    ['backends[0].dispatch.breaker.honorRetryAfter', { breaker: { ...UNIFIED, honorRetryAfter: 'yes' } }],
    ['backends[0].dispatch.penalty.penaltyMs', { penalty: { penaltyMs: 1e300, maxRetryAfterMs: 1 } }],
    ['policies[0].retry.http[0]', { retry: { ...FULL.retry, http: [[599, 500]] } }],
    ['policies[0].retry.http[0]', { retry: { ...FULL.retry, http: [[]] } }],
    ['policies[0].retry.http[0][0]', { retry: { ...FULL.retry, http: [[99, 500]] } }],
    ['policies[0].retry.grpc[0]', { retry: { ...FULL.retry, grpc: [17] } }],
    ['policies[0].retry.limit', { retry: { ...FULL.retry, limit: 65_536 } }],
    ['policies[0].retry.backoffMs', { retry: { ...FULL.retry, backoffMs: -1 } }],
    ['policies[0].timeouts.idleMs', { timeouts: { requestMs: 0, responseMs: 0, idleMs: '1s' } }],
    ['backends[0].dispatch.queue.capacity', { queue: { capacity: 0, failfastMs: 1 } }],
    ['backends[0].dispatch.queue.failfastMs', { queue: { capacity: 1, failfastMs: 0 } }],
    ['policies[0].timeouts', { timeouts: [] }],
  ];
  for (const [path, more] of refused) {
    it(`is refused for ${path}: ${JSON.stringify(more)}`, () => {
      const { entry, problems } = trafficOf(service(hostile(more)));
      expect(entry).to.equal(null);
      expect(
        problems.some((problem) => problem.startsWith(`policy.${path}: expected`)),
        problems.join(),
      ).to.equal(true);
    });
  }
});
