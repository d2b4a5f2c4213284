import { expect } from 'chai';
import { TpsBudget } from '../../../proxy-image/core/retry/budget.ts';
import { decideRetry } from '../../../proxy-image/core/retry/decide.ts';

function budget(ratio: number, minRetriesPerSecond: number, ttlMs = 10_000): TpsBudget {
  return new TpsBudget({ ratio, minRetriesPerSecond, ttlMs }, 0);
}

function drain(tps: TpsBudget, nowMs: number): number {
  let taken = 0;
  while (tps.withdraw(nowMs)) taken++;
  return taken;
}

describe('retry budget', () => {
  it('has a reserve of minRetriesPerSecond x ttl that is there at once', () => {
    expect(drain(budget(0.2, 10), 0)).to.equal(100);
    expect(drain(budget(0.2, 3, 5_000), 0)).to.equal(15);
    expect(drain(budget(0, 2), 0)).to.equal(20);
  });

  const amounts: [ratio: number, deposit: number, withdraw: number][] = [
    [0, 0, 1],
    [0.2, 1, 5],
    [0.1, 1, 10],
    [0.3, 1, 3],
    [0.01, 1, 100],
    [1, 1, 1],
    [2, 1000, 500],
    [1000, 1000, 1],
  ];
  for (const [ratio, deposit, withdraw] of amounts) {
    it(`ratio ${ratio}: a request deposits ${deposit}, a retry costs ${withdraw}`, () => {
      const tps = budget(ratio, 0);
      tps.deposit(0);
      expect(tps.balance(0)).to.equal(deposit);
      for (let i = 0; i < withdraw; i++) tps.deposit(0);
      const before = tps.balance(0);
      const allowed = tps.withdraw(0);
      expect(before - tps.balance(0)).to.equal(allowed ? withdraw : 0);
      expect(allowed).to.equal(before >= withdraw);
    });
  }

  it('pays one retry for five requests at ratio 0.2', () => {
    const tps = budget(0.2, 0);
    for (let i = 0; i < 4; i++) tps.deposit(0);
    expect(tps.withdraw(0)).to.equal(false);
    tps.deposit(0);
    expect(tps.withdraw(0)).to.equal(true);
    expect(tps.withdraw(0)).to.equal(false);
  });

  it('forgets deposits after the ttl: not before, and at most a slot later', () => {
    const tps = budget(1, 0);
    tps.deposit(500);
    expect(tps.balance(10_999)).to.equal(1);
    expect(tps.balance(11_000)).to.equal(0);
  });

  it('gives the reserve back after the ttl', () => {
    const tps = budget(0.2, 10);
    expect(drain(tps, 0)).to.equal(100);
    expect(drain(tps, 10_999)).to.equal(0);
    expect(drain(tps, 11_000)).to.equal(100);
  });

  it('is empty of history after a long pause, whatever its length', () => {
    for (const pauseMs of [11_000, 12_345, 20_000, 21_000, 1_000_000]) {
      const tps = budget(1, 0);
      tps.deposit(0);
      expect(tps.balance(pauseMs)).to.equal(0);
    }
  });

  it('keeps its window when it is used a moment late in every slot', () => {
    const tps = budget(1, 0);
    tps.deposit(0);
    for (let slot = 1; slot <= 9; slot++) expect(tps.balance(slot * 1001)).to.equal(1);
  });

  it('allows at most 10 x (30 + 10) retries in 30 s of failures at 200 requests a second', () => {
    const tps = budget(0.2, 10);
    let retries = 0;
    for (let ms = 0; ms < 30_000; ms += 5) if (tps.withdraw(ms)) retries++;
    expect(retries).to.equal(300);
  });

  it('keeps a price finite for a ratio next to nothing', () => {
    const tps = budget(1e-44, 0);
    tps.deposit(0);
    expect(tps.withdraw(0)).to.equal(false);
    expect(tps.balance(0)).to.equal(1);
  });
});

describe('retry decision', () => {
  it('retries a failure of a retryable route while the budget holds', () => {
    const tps = budget(0.2, 1, 1000);
    expect(decideRetry(true, true, tps, 0)).to.equal('retried');
    expect(decideRetry(true, true, tps, 0)).to.equal('no_budget');
  });

  it('deposits for a success of a retryable route', () => {
    const tps = budget(1, 0);
    expect(decideRetry(false, true, tps, 0)).to.equal('success');
    expect(tps.balance(0)).to.equal(1);
  });

  it('leaves the budget alone when the body cannot be replayed (A18)', () => {
    const tps = budget(1, 5);
    const before = tps.balance(0);
    expect(decideRetry(true, false, tps, 0)).to.equal('body_not_replayable');
    expect(tps.balance(0)).to.equal(before);
  });
});
