import { expect } from 'chai';
import type { RetryPolicy, StatusRetry } from '../../../proxy-image/contract/policy/retry.ts';
import { NO_TIMEOUTS } from '../../../proxy-image/contract/policy/timeouts.ts';
import { TpsBudget } from '../../../proxy-image/core/retry/budget.ts';
import {
  type AttemptResult,
  headTimeoutMs,
  type RetryCause,
  type RetryDecision,
  retryBackoffMs,
  retryDecision,
} from '../../../proxy-image/core/retry/plan.ts';
import { refusesRetries, retryAfterMs } from '../../../proxy-image/core/retry/retry-after.ts';
import type { ServiceEntry } from '../../../proxy-image/core/state/entries.ts';
import { applyAll, ManualClock, newState, request, route, ScriptedRng, SERVICE_KEY, service, set } from './fixtures.ts';

const LIST: StatusRetry = {
  http: [
    [502, 504],
    [418, 418],
  ],
  grpc: [14],
  limit: 2,
  timeoutMs: 300,
  backoffMs: 25,
};

const STATUSES: RetryPolicy = { type: 'statuses', ...LIST };
const BUDGET: RetryPolicy = { type: 'budget' };

const FAILED: AttemptResult = {
  isFailure: true,
  status: 503,
  grpcStatus: -1,
  retries: 0,
  replayable: true,
  refusesRetries: false,
};

const budgetOf = (minRetriesPerSecond: number) => new TpsBudget({ ratio: 0, minRetriesPerSecond, ttlMs: 1_000 }, 0);

type Ended = Partial<AttemptResult> & { end?: RetryCause };

function decide(policy: RetryPolicy | null, { end = 'response', ...more }: Ended, budget = budgetOf(1)): RetryDecision {
  return retryDecision(policy, budget, end, { ...FAILED, ...more }, 0);
}

describe('retries by annotation', () => {
  const rows: [title: string, more: Ended, expected: RetryDecision][] = [
    ['a status of a range', {}, 'retried'],
    ['a status by itself, though no failure', { status: 418, isFailure: false }, 'retried'],
    ['a failure of another status', { status: 500 }, 'status_not_retryable'],
    ['a success', { status: 200, isFailure: false }, 'success'],
    ['a gRPC code', { status: 200, grpcStatus: 14 }, 'retried'],
    ['another gRPC code', { status: 200, grpcStatus: 13 }, 'status_not_retryable'],
    ['gRPC OK', { status: 200, grpcStatus: 0, isFailure: false }, 'success'],
    ['the last allowed retry', { retries: 1 }, 'retried'],
    ['one retry too many', { retries: 2 }, 'limit_reached'],
    ['a body that is gone', { replayable: false }, 'body_not_replayable'],
    ['a server that refuses retries', { refusesRetries: true }, 'refused_by_server'],
    ['an attempt without a head in time', { end: 'head_timeout', status: 0 }, 'retried'],
    ['fail-fast', { end: 'failfast', status: 504 }, 'retried'],
    ['fail-fast after the last retry', { end: 'failfast', status: 504, retries: 2 }, 'limit_reached'],
  ];
  for (const [title, more, expected] of rows) {
    it(`${title}: ${expected}`, () => expect(decide(STATUSES, more)).to.equal(expected));
  }

  it('take nothing from the budget', () => {
    const budget = budgetOf(1);
    for (let i = 0; i < 100; i++) decide(STATUSES, {}, budget);
    expect(decide(BUDGET, {}, budget)).to.equal('retried');
  });

  it('pause 25 ms, doubling to 250 ms, with as much again at random', () => {
    const pauses = (value: number) =>
      [0, 1, 2, 3, 4, 2_000].map((retries) => Math.round(retryBackoffMs(STATUSES, retries, new ScriptedRng(value))));
    expect(pauses(0)).to.deep.equal([25, 50, 100, 200, 250, 250]);
    expect(pauses(0x80000000)).to.deep.equal([38, 75, 150, 250, 250, 250]);
    expect(pauses(0xffffffff)).to.deep.equal([50, 100, 200, 250, 250, 250]);
  });

  it('pause as long as the policy says at least, at most ten times that, and not at all for zero', () => {
    const pauses = (backoffMs: number, value: number) =>
      [0, 1, 4].map((retries) =>
        Math.round(retryBackoffMs({ ...STATUSES, backoffMs }, retries, new ScriptedRng(value))),
      );
    expect(pauses(1_000, 0)).to.deep.equal([1_000, 2_000, 10_000]);
    expect(pauses(1_000, 0xffffffff)).to.deep.equal([2_000, 4_000, 10_000]);
    expect(pauses(0, 0xffffffff)).to.deep.equal([0, 0, 0]);
  });

  it('limit every attempt but the last', () => {
    expect([0, 1, 2, 3].map((retries) => headTimeoutMs(STATUSES, retries))).to.deep.equal([300, 300, 0, 0]);
  });
});

describe('retries by profile', () => {
  const rows: [title: string, more: Ended, expected: RetryDecision][] = [
    ['a failure', { status: 500 }, 'retried'],
    ['a success', { status: 200, isFailure: false }, 'success'],
    ['a success of a server that refuses retries', { isFailure: false, refusesRetries: true }, 'success'],
    ['a server that refuses retries', { refusesRetries: true }, 'refused_by_server'],
    ['a body that is gone', { replayable: false }, 'body_not_replayable'],
    ['fail-fast', { end: 'failfast' }, 'route_not_retryable'],
    ['an attempt without a head in time', { end: 'head_timeout' }, 'route_not_retryable'],
  ];
  for (const [title, more, expected] of rows) {
    it(`${title}: ${expected}`, () => expect(decide(BUDGET, more)).to.equal(expected));
  }

  it('end with the budget', () => {
    const budget = budgetOf(1);
    expect([decide(BUDGET, {}, budget), decide(BUDGET, {}, budget)]).to.deep.equal(['retried', 'no_budget']);
  });

  it('know neither pauses nor timeouts of attempts', () => {
    for (const policy of [BUDGET, null]) {
      expect([retryBackoffMs(policy, 0, new ScriptedRng()), headTimeoutMs(policy, 0)]).to.deep.equal([0, 0]);
    }
  });
});

describe('who decides about retries and timeouts', () => {
  const TIMEOUTS = { requestMs: 1_000, responseMs: 500, idleMs: 200 };

  function entryOf(...routes: ReturnType<typeof route>[]): ServiceEntry {
    const state = newState(new ManualClock());
    applyAll(state, set(SERVICE_KEY, service({ routes, retry: LIST, timeouts: TIMEOUTS })));
    return state.destination('10.96.0.1', 80).entry as ServiceEntry;
  }

  it('is the route for the requests that it matches', () => {
    const entry = entryOf(route('a', '/a', { isRetryable: true, timeoutMs: 250 }), route('b', '/b'));
    const [a, b] = ['/a', '/b'].map((path) => entry.routes.match(request('GET', path)).policy);
    expect(a?.retry).to.deep.equal(BUDGET);
    expect(a?.timeouts).to.deep.equal({ ...NO_TIMEOUTS, requestMs: 250, untilResponse: true });
    expect(b?.retry).to.equal(null);
    expect(b?.timeouts).to.deep.equal(NO_TIMEOUTS);
    expect(decide(null, {})).to.equal('route_not_retryable');
  });

  it('are the annotations for all others, with or without a profile', () => {
    for (const entry of [entryOf(), entryOf(route('a', '/a', { isRetryable: true }))]) {
      const { retry, timeouts } = entry.routes.match(request('GET', '/other')).policy;
      expect(retry).to.deep.equal(STATUSES);
      expect(timeouts).to.deep.equal({ ...NO_TIMEOUTS, ...TIMEOUTS });
    }
  });
});

describe('what a server says about retries', () => {
  const NOW = Date.UTC(2026, 0, 1);
  const rows: [title: string, fields: Record<string, string>, expected: number][] = [
    ['nothing', {}, 0],
    ['seconds', { 'retry-after': '120' }, 120_000],
    ['a date', { 'retry-after': 'Thu, 01 Jan 2026 00:00:30 GMT' }, 30_000],
    ['a date that has passed', { 'retry-after': 'Wed, 31 Dec 2025 23:59:59 GMT' }, 0],
    ['a date that is none', { 'retry-after': 'Thu, 99 Jan 2026 00:00:30 GMT' }, 0],
    ['a date of another form', { 'retry-after': '2026-01-02' }, 0],
    ['a century', { 'retry-after': '999999999' }, 86_400_000],
    ['a number without end', { 'retry-after': '9'.repeat(400) }, 0],
    ['1e999', { 'retry-after': '1e999' }, 0],
    ['a negative number', { 'retry-after': '-5' }, 0],
    ['a pushback, which is more exact', { 'retry-after': '9', 'grpc-retry-pushback-ms': '250' }, 250],
    ['a pushback that refuses', { 'grpc-retry-pushback-ms': '-1' }, 0],
  ];
  for (const [title, fields, expected] of rows) {
    it(`${title}: ${expected} ms`, () => {
      expect(retryAfterMs({ first: (name) => fields[name] ?? '' }, NOW)).to.equal(expected);
    });
  }

  it('refuses them by a pushback that is no time', () => {
    const refuses = (value: string) => refusesRetries({ first: (name) => (name.startsWith('grpc-') ? value : '') });
    expect(['', '0', '100', '-1', 'soon', '9'.repeat(30)].map(refuses)).to.deep.equal([
      false,
      false,
      false,
      true,
      true,
      true,
    ]);
  });
});
