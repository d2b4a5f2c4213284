import { expect } from 'chai';
import {
  QueueState,
  queueEntered,
  queueLeft,
  queueReady,
  queueRechecked,
  recheckAtMs,
} from '../../../proxy-image/core/balance/failfast.ts';

const LIMITS = { capacity: 2, failfastMs: 3_000 };

describe('queue for an endpoint', () => {
  it('lets requests wait, then fails all at once, those that wait and new ones', () => {
    const queue = new QueueState();
    expect(queueEntered(queue, LIMITS, 1_000)).to.equal('wait');
    expect(queueRechecked(queue, LIMITS, 3_999)).to.equal('wait');
    expect(queueRechecked(queue, LIMITS, 4_000)).to.equal('failfast');
    expect(queueEntered(queue, LIMITS, 4_000)).to.equal('failfast');
    expect(queue.waiting).to.equal(1);
  });

  it('ends fail-fast with an endpoint', () => {
    const queue = new QueueState();
    queueEntered(queue, LIMITS, 0);
    expect(queueRechecked(queue, LIMITS, 9_000)).to.equal('failfast');
    queueLeft(queue);
    queueReady(queue);
    expect(queueEntered(queue, LIMITS, 9_001)).to.equal('wait');
    expect(queueRechecked(queue, LIMITS, 12_000)).to.equal('wait');
  });

  it('sheds what is beyond its capacity, until one leaves', () => {
    const queue = new QueueState();
    const decisions = [1, 2, 3].map(() => queueEntered(queue, LIMITS, 0));
    expect([...decisions, queue.waiting]).to.deep.equal(['wait', 'wait', 'shed', 2]);
    queueLeft(queue);
    expect(queueEntered(queue, LIMITS, 1)).to.equal('wait');
  });

  it('counts from the first request that found nothing, whatever the order of clocks', () => {
    const queue = new QueueState();
    queueEntered(queue, LIMITS, 500);
    queueEntered(queue, LIMITS, 400);
    expect(queueRechecked(queue, LIMITS, 3_400)).to.equal('failfast');
  });

  const rechecks: [title: string, ejectedUntilMs: number, nowMs: number, expected: number][] = [
    ['when a penalty ends', 1_700, 1_000, 1_700],
    ['at the deadline, when the penalty is longer', 60_000, 1_000, 4_000],
    ['soon, when all are being probed', Number.POSITIVE_INFINITY, 1_000, 1_025],
    ['soon, when the time has come', 1_000, 1_000, 1_025],
    ['soon, when not all are ejected', Number.NEGATIVE_INFINITY, 1_000, 1_025],
    ['not after the deadline', Number.NEGATIVE_INFINITY, 3_990, 4_000],
  ];
  for (const [title, ejectedUntilMs, nowMs, expected] of rechecks) {
    it(`looks again ${title}`, () => {
      const queue = new QueueState();
      queueEntered(queue, LIMITS, 1_000);
      expect(recheckAtMs(queue, LIMITS, ejectedUntilMs, nowMs)).to.equal(expected);
    });
  }
});
