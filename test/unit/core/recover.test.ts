import { expect } from 'chai';
import type { RetryPolicy } from '../../../proxy-image/contract/policy/retry.ts';
import { type EndedAttempt, endedAttempt, recover } from '../../../proxy-image/core/retry/recover.ts';

const STATUSES: RetryPolicy = {
  type: 'statuses',
  http: [[500, 599]],
  grpc: [14],
  limit: 1,
  timeoutMs: 0,
  backoffMs: 25,
};

const BUDGET: RetryPolicy = { type: 'budget' };

/** Of a request that may go anywhere again, as far as it is concerned. */
const ENDED: EndedAttempt = {
  ...endedAttempt(),
  end: 'response',
  status: 502,
  replayable: true,
  kept: true,
  idempotent: true,
  hasOthers: true,
};

interface Row {
  title: string;
  ended: Partial<EndedAttempt>;
  policy?: RetryPolicy | null;
  /** What the budget has left. */
  budget?: number;
  expect: string;
}

const ROWS: Row[] = [
  {
    title: 'an application that its proxy could not reach has seen nothing: another endpoint',
    ended: { end: 'unreached' },
    expect: 'elsewhere: not_processed',
  },
  {
    title: '… but not with a body that is gone',
    ended: { end: 'unreached', replayable: false },
    expect: 'final: body_not_replayable',
  },
  {
    title: 'what was not processed goes to another endpoint, whatever it is',
    ended: { end: 'unsent', idempotent: false, replayable: false },
    expect: 'elsewhere: not_processed',
  },
  {
    title: '… to the same one where there is no other',
    ended: { end: 'unsent', hasOthers: false },
    expect: 'again: not_processed',
  },
  {
    title: '… not for ever',
    ended: { end: 'unsent', hasOthers: false, repeats: 3 },
    expect: 'final: route_not_retryable',
  },
  {
    title: '… and not without its body',
    ended: { end: 'unsent', kept: false },
    expect: 'final: route_not_retryable',
  },
  {
    title: 'not processed, no body, but a policy: that is asked as for a lost connection',
    ended: { end: 'unsent', kept: false, replayable: false },
    policy: STATUSES,
    expect: 'final: body_not_replayable',
  },
  {
    title: 'a kept connection that was closed is replaced',
    ended: { end: 'stale' },
    expect: 'again: connection_given_up',
  },
  {
    title: '… three times at most',
    ended: { end: 'stale', repeats: 3 },
    expect: 'final: route_not_retryable',
  },
  {
    title: '… but not for what may have been done already',
    ended: { end: 'stale', idempotent: false },
    expect: 'final: route_not_retryable',
  },
  {
    title: '… which a policy may retry all the same',
    ended: { end: 'stale', idempotent: false },
    policy: BUDGET,
    budget: 1,
    expect: 'retry: retried',
  },
  { title: 'a lost connection without a policy', ended: { end: 'lost' }, expect: 'final: route_not_retryable' },
  {
    title: '… by the budget',
    ended: { end: 'lost' },
    policy: BUDGET,
    budget: 1,
    expect: 'retry: retried',
  },
  {
    title: '… of which nothing is left',
    ended: { end: 'lost' },
    policy: BUDGET,
    budget: 0,
    expect: 'final: no_budget',
  },
  { title: '… by statuses', ended: { end: 'lost' }, policy: STATUSES, expect: 'retry: retried' },
  {
    title: '… up to their limit',
    ended: { end: 'lost', retries: 1 },
    policy: STATUSES,
    expect: 'final: limit_reached',
  },
  {
    title: 'what is no response is never asked for again',
    ended: { end: 'malformed' },
    policy: STATUSES,
    expect: 'final: not_a_response',
  },
  {
    title: 'a tunnel that is not to be had is not asked for again',
    ended: { end: 'unsupported' },
    policy: STATUSES,
    expect: 'final: unsupported',
  },
  {
    title: 'the time of an attempt is covered by statuses without being named',
    ended: { end: 'timeout', status: 504 },
    policy: { type: 'statuses', http: [], grpc: [], limit: 1, timeoutMs: 100, backoffMs: 25 },
    expect: 'retry: retried',
  },
  {
    title: '… and not by the budget',
    ended: { end: 'timeout', status: 504 },
    policy: BUDGET,
    budget: 1,
    expect: 'final: route_not_retryable',
  },
  {
    title: 'that no endpoint was to be had is covered by statuses too',
    ended: { end: 'failfast', status: 504 },
    policy: STATUSES,
    expect: 'retry: retried',
  },
  {
    title: 'a response that is named',
    ended: { status: 503 },
    policy: STATUSES,
    expect: 'retry: retried',
  },
  {
    title: '… whose server asks not to',
    ended: { status: 503, refusesRetries: true },
    policy: STATUSES,
    expect: 'final: refused_by_server',
  },
  {
    title: 'a success is passed on',
    ended: { status: 200, isFailure: false },
    policy: STATUSES,
    expect: 'final: success',
  },
];

/** Counts what is put in and taken out. */
function budgetOf(left: number) {
  return {
    deposits: 0,
    withdrawn: 0,
    deposit() {
      this.deposits++;
    },
    withdraw() {
      if (this.withdrawn >= left) return false;
      this.withdrawn++;
      return true;
    },
  };
}

describe('what the end of an attempt means', () => {
  for (const { title, ended, policy = null, budget = 0, expect: expected } of ROWS) {
    it(title, () => {
      const purse = budgetOf(budget);
      const { plan, reason } = recover(policy, purse as never, { ...ENDED, ...ended }, 0);
      expect(`${plan}: ${reason}`).to.equal(expected);
      expect(purse.withdrawn).to.equal(policy?.type === 'budget' && plan === 'retry' ? 1 : 0);
    });
  }
});
