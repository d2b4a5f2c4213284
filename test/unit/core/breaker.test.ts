import { expect } from 'chai';
import type { Breaker, ConsecutiveBreaker, UnifiedBreaker } from '../../../proxy-image/contract/policy/breaker.ts';
import type { EndpointState } from '../../../proxy-image/core/balance/endpoint.ts';
import { pickEndpoint, whyNone } from '../../../proxy-image/core/balance/pick.ts';
import type { EndpointPool } from '../../../proxy-image/core/balance/pool.ts';
import { breakerAbandoned, breakerObserved } from '../../../proxy-image/core/breaker/breaker.ts';
import { breakerAllows, breakerStarted } from '../../../proxy-image/core/breaker/gate.ts';
import { type Outcome, outcomeOf } from '../../../proxy-image/core/breaker/outcome.ts';
import { SuccessWindow } from '../../../proxy-image/core/breaker/window.ts';
import { Xoshiro } from '../../../proxy-image/core/rng.ts';
import { endpoint, poolOf, ScriptedRng } from './fixtures.ts';

const CONSECUTIVE: ConsecutiveBreaker = {
  type: 'consecutive',
  maxFailures: 3,
  minPenaltyMs: 1_000,
  maxPenaltyMs: 5_000,
  jitterRatio: 0,
  maxEjectedPercent: 100,
};

const UNIFIED: UnifiedBreaker = {
  ...CONSECUTIVE,
  type: 'unified',
  successRate: { threshold: 0.8, windowMs: 10_000, minRequests: 5 },
  honorRetryAfter: false,
};

const NO_JITTER = { uint32: () => 0 };

/** One request with its verdict, as a stack makes it. */
function request(
  pool: EndpointPool,
  to: EndpointState,
  policy: Breaker | null,
  outcome: Outcome,
  nowMs: number,
  retryAfterMs = 0,
) {
  const isProbe = breakerStarted(to, policy);
  return breakerObserved(pool, to, policy, isProbe, outcome, retryAfterMs, NO_JITTER, nowMs);
}

function ejected(policy: Breaker = CONSECUTIVE, endpoints = 1): { pool: EndpointPool; a: EndpointState } {
  const pool = poolOf(endpoints);
  const a = pool.endpoints[0]!;
  for (let i = 0; i < policy.maxFailures; i++) request(pool, a, policy, 'failure', 0);
  expect(a.breaker?.ejected).to.equal(true);
  return { pool, a };
}

describe('outcomes', () => {
  const rows: [title: string, isFailure: boolean, status: number, grpcStatus: number, expected: Outcome][] = [
    ['a success', false, 200, -1, 'success'],
    ['a failure', true, 500, -1, 'failure'],
    ['429', false, 429, -1, 'rateLimited'],
    ['RESOURCE_EXHAUSTED', false, 200, 8, 'rateLimited'],
    ['429 that the route calls a failure', true, 429, -1, 'failure'],
  ];
  for (const [title, isFailure, status, grpcStatus, expected] of rows) {
    it(`${title} is a ${expected}`, () => expect(outcomeOf(isFailure, status, grpcStatus)).to.equal(expected));
  }
});

describe('circuit breaking by consecutive failures', () => {
  it('remembers nothing about an endpoint that does not fail', () => {
    const pool = poolOf(1);
    expect(request(pool, pool.endpoints[0]!, CONSECUTIVE, 'success', 0)).to.equal('none');
    expect(request(pool, pool.endpoints[0]!, CONSECUTIVE, 'rateLimited', 0)).to.equal('none');
    expect(request(pool, pool.endpoints[0]!, null, 'failure', 0)).to.equal('none');
    expect(pool.endpoints[0]!.breaker).to.equal(null);
  });

  it('ejects with the failure that makes the row full, and a success ends the row', () => {
    const pool = poolOf(2);
    const a = pool.endpoints[0]!;
    const outcomes: Outcome[] = [
      'failure',
      'failure',
      'success',
      'failure',
      'failure',
      'rateLimited',
      'failure',
      'failure',
      'failure',
    ];
    const changes = outcomes.map((outcome) => request(pool, a, CONSECUTIVE, outcome, 0));
    expect(changes).to.deep.equal([...new Array<string>(8).fill('none'), 'ejected']);
    expect([pool.ejected, a.breaker?.reopensAtMs]).to.deep.equal([1, 1_000]);
  });

  it('lets one request through after the penalty, and no other while that is under way', () => {
    const { a } = ejected();
    expect(breakerAllows(a, CONSECUTIVE, 999)).to.equal(false);
    expect(breakerAllows(a, CONSECUTIVE, 1_000)).to.equal(true);
    expect(breakerStarted(a, CONSECUTIVE)).to.equal(true);
    expect(breakerAllows(a, CONSECUTIVE, 1_000_000)).to.equal(false);
  });

  it('readmits with a success, and starts from the beginning', () => {
    const { pool, a } = ejected();
    expect(request(pool, a, CONSECUTIVE, 'success', 1_000)).to.equal('readmitted');
    expect([pool.ejected, a.breaker?.failures, breakerAllows(a, CONSECUTIVE, 1_000)]).to.deep.equal([0, 0, true]);
    for (let i = 0; i < 3; i++) request(pool, a, CONSECUTIVE, 'failure', 2_000);
    expect(a.breaker?.reopensAtMs).to.equal(3_000);
  });

  it('doubles the penalty with each failed probe, up to the maximum', () => {
    const { pool, a } = ejected();
    const penalties: number[] = [];
    for (let i = 0; i < 4; i++) {
      const nowMs = a.breaker!.reopensAtMs;
      expect(request(pool, a, CONSECUTIVE, 'failure', nowMs)).to.equal('kept_out');
      penalties.push(a.breaker!.reopensAtMs - nowMs);
    }
    expect(penalties).to.deep.equal([2_000, 4_000, 5_000, 5_000]);
    expect(pool.ejected).to.equal(1);
  });

  it('adds jitter by the ratio, within the maximum', () => {
    const jittered = { ...CONSECUTIVE, jitterRatio: 0.5, maxFailures: 1 };
    const pool = poolOf(2);
    breakerObserved(pool, pool.endpoints[0]!, jittered, false, 'failure', 0, new ScriptedRng(0x80000000), 0);
    expect(pool.endpoints[0]!.breaker!.reopensAtMs).to.equal(1_250);
    const wide = { ...jittered, jitterRatio: 100 };
    breakerObserved(pool, pool.endpoints[1]!, wide, false, 'failure', 0, new ScriptedRng(0xffffffff), 0);
    expect(pool.endpoints[1]!.breaker!.reopensAtMs).to.equal(5_000);
  });

  it('takes 429 of a probe for a success', () => {
    const { pool, a } = ejected();
    expect(request(pool, a, CONSECUTIVE, 'rateLimited', 1_000)).to.equal('readmitted');
  });

  it('ignores the verdict on requests that were sent before the ejection', () => {
    const { pool, a } = ejected();
    expect(breakerObserved(pool, a, CONSECUTIVE, false, 'success', 0, NO_JITTER, 10)).to.equal('none');
    expect(breakerObserved(pool, a, CONSECUTIVE, false, 'failure', 0, NO_JITTER, 10)).to.equal('none');
    expect([a.breaker?.ejected, a.breaker?.reopensAtMs]).to.deep.equal([true, 1_000]);
  });

  it('gives the place of a probe without a verdict to the next request', () => {
    const { pool, a } = ejected();
    const isProbe = breakerStarted(a, CONSECUTIVE);
    breakerAbandoned(pool, a, false);
    expect(breakerAllows(a, CONSECUTIVE, 1_000)).to.equal(false);
    breakerAbandoned(pool, a, isProbe);
    expect(breakerAllows(a, CONSECUTIVE, 1_000)).to.equal(true);
    breakerAbandoned(pool, poolOf(1).endpoints[0]!, true);
  });

  it('does not hold for a Service without circuit breaking that shares the endpoint, nor leaves it stuck when the policy goes', () => {
    const { pool, a } = ejected();
    expect(breakerAllows(a, null, 0)).to.equal(true);
    expect(breakerStarted(a, null)).to.equal(false);
    expect(breakerStarted(a, CONSECUTIVE)).to.equal(true);
    expect(breakerObserved(pool, a, null, true, 'success', 0, NO_JITTER, 1_000)).to.equal('none');
    expect(breakerAllows(a, CONSECUTIVE, 1_000)).to.equal(true);
  });

  it('counts nothing for an endpoint that has left', () => {
    const { pool, a } = ejected();
    const isProbe = breakerStarted(a, CONSECUTIVE);
    pool.replace('v2', [endpoint('10.0.0.9')], { node: '', zone: '' }, 0);
    expect(pool.ejected).to.equal(0);
    expect(breakerObserved(pool, a, CONSECUTIVE, isProbe, 'success', 0, NO_JITTER, 1_000)).to.equal('none');
    expect(pool.ejected).to.equal(0);
  });

  it('keeps its state when other endpoints come and go', () => {
    const { pool, a } = ejected();
    pool.replace('v2', [endpoint('10.0.0.9'), endpoint('10.0.0.1')], { node: '', zone: '' }, 0);
    expect([pool.ejected, pool.endpoints[1]]).to.deep.equal([1, a]);
    expect(breakerAllows(a, CONSECUTIVE, 0)).to.equal(false);
  });
});

describe('largest share of ejected endpoints', () => {
  const rows: [percent: number, endpoints: number, expected: number][] = [
    [100, 3, 3],
    [99, 3, 2],
    [50, 3, 1],
    [50, 4, 2],
    [34, 3, 1],
    [33, 3, 0],
    [0, 3, 0],
    [50, 1, 0],
  ];
  for (const [maxEjectedPercent, endpoints, expected] of rows) {
    it(`${maxEjectedPercent} % of ${endpoints} are ${expected}`, () => {
      const pool = poolOf(endpoints);
      const policy = { ...CONSECUTIVE, maxEjectedPercent, maxFailures: 1 };
      const changes = pool.endpoints.map((each) => request(pool, each, policy, 'failure', 0));
      expect(changes.filter((change) => change === 'ejected')).to.have.length(expected);
      expect(changes.filter((change) => change === 'spared')).to.have.length(endpoints - expected);
      expect(pool.ejected).to.equal(expected);
    });
  }

  it('ejects a spared endpoint with its next failure once there is room', () => {
    const pool = poolOf(2);
    const [a, b] = pool.endpoints;
    const policy = { ...CONSECUTIVE, maxEjectedPercent: 50, maxFailures: 1 };
    request(pool, a!, policy, 'failure', 0);
    expect(request(pool, b!, policy, 'failure', 0)).to.equal('spared');
    request(pool, a!, policy, 'success', 1_000);
    expect(request(pool, b!, policy, 'failure', 1_000)).to.equal('ejected');
  });
});

describe('unified circuit breaking', () => {
  function outcomes(policy: UnifiedBreaker, ...list: Outcome[]): string[] {
    const pool = poolOf(1);
    return list.map((outcome) => request(pool, pool.endpoints[0]!, policy, outcome, 0));
  }

  it('ejects by a row of failures too', () => {
    const rare = { ...UNIFIED, successRate: { ...UNIFIED.successRate, minRequests: 100 } };
    expect(outcomes(rare, 'failure', 'failure', 'failure')).to.deep.equal(['none', 'none', 'ejected']);
  });

  it('ejects below the success rate, as soon as there are requests enough', () => {
    const changes = outcomes(UNIFIED, 'success', 'failure', 'success', 'failure', 'success');
    expect(changes).to.deep.equal(['none', 'none', 'none', 'none', 'ejected']);
  });

  it('takes exactly the threshold for good enough', () => {
    expect(outcomes(UNIFIED, 'success', 'success', 'success', 'success', 'failure').at(-1)).to.equal('none');
  });

  it('counts rate-limited responses against the success rate, but not as failures in a row', () => {
    const list: Outcome[] = ['rateLimited', 'rateLimited', 'rateLimited', 'rateLimited', 'rateLimited'];
    expect(outcomes(UNIFIED, ...list)).to.deep.equal(['none', 'none', 'none', 'none', 'ejected']);
    const rare = { ...UNIFIED, successRate: { ...UNIFIED.successRate, minRequests: 100 } };
    expect(outcomes(rare, 'failure', 'failure', 'rateLimited', 'failure').at(-1)).to.equal('ejected');
  });

  it('keeps an endpoint out whose probe is rate-limited', () => {
    const { pool, a } = ejected(UNIFIED);
    expect(request(pool, a, UNIFIED, 'rateLimited', 1_000)).to.equal('kept_out');
    expect(request(pool, a, UNIFIED, 'success', 3_000)).to.equal('readmitted');
    expect(request(pool, a, UNIFIED, 'failure', 3_000)).to.equal('none');
  });

  it('honours what the server asks for where the policy says so, within the maximum', () => {
    const one = { ...UNIFIED, maxFailures: 1 };
    const reopensAt = (policy: UnifiedBreaker, retryAfterMs: number): number => {
      const pool = poolOf(1);
      request(pool, pool.endpoints[0]!, policy, 'failure', 0, retryAfterMs);
      return pool.endpoints[0]!.breaker!.reopensAtMs;
    };
    expect(reopensAt(one, 3_000)).to.equal(1_000);
    expect(reopensAt({ ...one, honorRetryAfter: true }, 3_000)).to.equal(3_000);
    expect(reopensAt({ ...one, honorRetryAfter: true }, 500)).to.equal(1_000);
    expect(reopensAt({ ...one, honorRetryAfter: true }, 1e12)).to.equal(5_000);
  });

  it('begins a new window when its length changes, and drops it with the success rate', () => {
    const pool = poolOf(1);
    const a = pool.endpoints[0]!;
    request(pool, a, UNIFIED, 'success', 0);
    const before = a.breaker!.window;
    request(pool, a, { ...UNIFIED, maxFailures: 9 }, 'success', 0);
    expect(a.breaker!.window).to.equal(before);
    request(pool, a, { ...UNIFIED, successRate: { ...UNIFIED.successRate, windowMs: 20_000 } }, 'success', 0);
    expect(a.breaker!.window?.windowMs).to.equal(20_000);
    request(pool, a, CONSECUTIVE, 'success', 0);
    expect(a.breaker!.window).to.equal(null);
  });
});

describe('success window', () => {
  it('forgets a request between nine and ten tenths of its length later', () => {
    const window = new SuccessWindow(10_000, 0);
    window.add(false, 999);
    expect(window.isBelow(1, 1, 9_999)).to.equal(true);
    expect(window.isBelow(1, 1, 10_000)).to.equal(false);
  });

  it('is empty after a pause of more than its length, and counts on', () => {
    const window = new SuccessWindow(10_000, 5);
    for (let i = 0; i < 10; i++) window.add(false, i * 1_000);
    expect(window.isBelow(0.5, 10, 9_500)).to.equal(true);
    expect(window.isBelow(0.5, 1, 500_000)).to.equal(false);
    window.add(false, 500_001);
    window.add(true, 499_000);
    expect(window.isBelow(0.6, 2, 500_001)).to.equal(true);
    expect(window.isBelow(0.5, 2, 500_001)).to.equal(false);
  });

  it('says nothing without a request, whatever the policy asks for', () => {
    expect(new SuccessWindow(10_000, 0).isBelow(1, 0, 0)).to.equal(false);
  });
});

describe('picks among ejected endpoints', () => {
  const EWMA = { type: 'ewma', defaultRttMs: 30, decayMs: 10_000 } as const;
  const rules = { balancer: EWMA, localTrafficOnly: false, slowStartMs: 0, breaker: CONSECUTIVE };

  it('leaves an ejected endpoint out, and lets one probe through after the penalty', () => {
    const { pool, a } = ejected(CONSECUTIVE, 3);
    const rng = new Xoshiro(1);
    for (let i = 0; i < 200; i++) expect(pickEndpoint(pool, rules, [], rng, 500)).to.not.equal(a);
    let picked: EndpointState | null = null;
    for (let i = 0; i < 200 && picked !== a; i++) picked = pickEndpoint(pool, rules, [], rng, 1_000);
    expect(breakerStarted(picked!, CONSECUTIVE)).to.equal(true);
    for (let i = 0; i < 200; i++) expect(pickEndpoint(pool, rules, [], rng, 1_000)).to.not.equal(a);
  });

  it('prefers an endpoint that is due for its probe to a cheaper one, whichever is drawn first', () => {
    // Of two endpoints the first number draws one, the second can only draw the other.
    for (const drawn of [0, 1]) {
      const { pool, a } = ejected(CONSECUTIVE, 2);
      a.rttMs = 9_000;
      a.rttAtMs = 0;
      const pick = () => pickEndpoint(pool, rules, [], new ScriptedRng(drawn, 0), 1_000);
      expect(pick()).to.equal(a);
      request(pool, a, CONSECUTIVE, 'success', 1_000);
      expect(pick()).to.equal(pool.endpoints[1]);
    }
  });

  it('says that all are ejected, and looks again when a penalty ends or a probe does', () => {
    const { pool, a } = ejected();
    const pick = (nowMs: number) => pickEndpoint(pool, rules, [], new ScriptedRng(), nowMs);
    expect([pick(0), whyNone(pool, rules), pool.noneUntilMs(true)]).to.deep.equal([null, 'all_ejected', 1_000]);
    expect(pick(999)).to.equal(null);
    expect(pick(1_000)).to.equal(a);
    const isProbe = breakerStarted(a, CONSECUTIVE);
    expect([pick(1_001), pool.noneUntilMs(true)]).to.deep.equal([null, Number.POSITIVE_INFINITY]);
    breakerAbandoned(pool, a, isProbe);
    expect(pick(1_002)).to.equal(a);
  });

  it('does not take one tried endpoint for an ejected pool', () => {
    const { pool, a } = ejected(CONSECUTIVE, 2);
    const b = pool.endpoints[1]!;
    const pick = (tried: EndpointState[]) => pickEndpoint(pool, rules, tried, new Xoshiro(1), 0);
    expect([pick([b]), whyNone(pool, rules), pool.noneUntilMs(true)]).to.deep.equal([
      null,
      'all_ejected',
      Number.NEGATIVE_INFINITY,
    ]);
    expect(pick([])).to.equal(b);
    expect(pickEndpoint(pool, { ...rules, breaker: null }, [b], new Xoshiro(1), 0)).to.equal(a);
    expect(whyNone(pool, { ...rules, breaker: null })).to.equal('all_unreachable');
  });

  it('sees endpoints that come to an ejected pool at once', () => {
    const { pool } = ejected();
    expect(pickEndpoint(pool, rules, [], new ScriptedRng(), 0)).to.equal(null);
    pool.replace('v2', [endpoint('10.0.0.1'), endpoint('10.0.0.2')], { node: '', zone: '' }, 0);
    expect(pickEndpoint(pool, rules, [], new Xoshiro(3), 0)).to.equal(pool.endpoints[1]);
  });
});
