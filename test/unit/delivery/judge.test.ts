import { expect } from 'chai';
import { judgeAfter, judgeAnswers, judgeFailures, judgeStep, successPercent } from '../../../hack/delivery/judge.ts';
import type { Phase } from '../../../hack/demo/traffic.ts';

const phase = (more: Partial<Phase>): Phase => ({
  ...{ sent: 100, finished: 100, statuses: {}, versions: {}, failedVersions: {}, errors: {}, examples: [] },
  ...{ firstSeenMs: {}, lastSeenMs: {}, latencyMs: { p50: 1, p99: 2, max: 3 } },
  ...more,
});
const GOOD = { version: 'v2', failureRate: 0, end: 'Succeeded' } as const;
const BAD = { version: 'v3', failureRate: 0.2, end: 'Failed' } as const;

describe('what a release is held against', () => {
  it('a step: the share of its weight, within four standard deviations', () => {
    expect(judgeStep('cart', 'v2', { weight: 25, primary: 380, canary: 120 }).holds).to.equal(true);
    expect(judgeStep('cart', 'v2', { weight: 25, primary: 330, canary: 170 }).holds).to.equal(false);
    expect(judgeStep('cart', 'v2', { weight: 25, primary: 500, canary: 0 }).holds).to.equal(false);
    expect(judgeStep('cart', 'v2', { weight: 25, primary: 0, canary: 0 }).holds).to.equal(false);
  });

  it('afterwards: every answer of the version after a promotion, none after a rollback, and some at all', () => {
    expect(judgeAfter('cart', GOOD, phase({ versions: { v2: 90 } })).holds).to.equal(true);
    expect(judgeAfter('cart', GOOD, phase({ versions: { v1: 1, v2: 89 } })).holds).to.equal(false);
    expect(judgeAfter('cart', BAD, phase({ versions: { v2: 90 } })).holds).to.equal(true);
    expect(judgeAfter('cart', BAD, phase({ versions: { v2: 89, v3: 1 } })).holds).to.equal(false);
    expect(judgeAfter('cart', BAD, undefined).holds).to.equal(false);
  });

  it('failures: none but those of the version itself', () => {
    expect(judgeFailures('cart', 'v3', [phase({ failedVersions: { v3: 20 } })]).holds).to.equal(true);
    const lost = judgeFailures('cart', 'v3', [
      phase({ failedVersions: { v3: 20, none: 1 }, examples: ['ECONNRESET'] }),
    ]);
    expect(lost.holds).to.equal(false);
    expect(lost.measured).to.equal('1 of 100 ECONNRESET');
  });

  it('answers of Prometheus: the share that the client counted; no answer is a wrong one', () => {
    const phases = [phase({ versions: { v2: 75, v3: 25 }, failedVersions: { v3: 5 } })];
    expect(successPercent('v3', phases)).to.equal(80);
    const holds = (flagger: number, rollouts: number) => {
      return judgeAnswers('cart', 80, { flagger, rollouts }).map((each) => each.holds);
    };
    expect(holds(81, 79)).to.deep.equal([true, true]);
    expect(holds(100, 0.8)).to.deep.equal([false, false]);
    expect(holds(Number.NaN, 80)).to.deep.equal([false, true]);
  });
});
