import { expect } from 'chai';
import { RateLimit, TokenBucket } from '../../../lib/rate.ts';

describe('rate limit by key', () => {
  it('forgets the key that was asked longest ago', () => {
    const limit = new RateLimit({ burst: 1, intervalMs: 1_000 }, () => 0, 2);
    expect([limit.take('a'), limit.take('b'), limit.take('a')]).to.deep.equal([0, 0, 1_000]);
    expect(limit.take('c')).to.equal(0);
    expect(limit.take('a')).to.equal(1_000);
    expect(limit.take('b')).to.equal(0);
  });

  it('fills up again, to the burst and no further', () => {
    let nowMs = 0;
    const limit = new RateLimit({ burst: 2, intervalMs: 100 }, () => nowMs);
    expect([limit.take('a'), limit.take('a'), limit.take('a')]).to.deep.equal([0, 0, 100]);
    nowMs = 50;
    expect(limit.take('a')).to.equal(50);
    nowMs = 10_000;
    expect([limit.take('a'), limit.take('a'), limit.take('a')]).to.deep.equal([0, 0, 100]);
  });
});

describe('token bucket', () => {
  it('says how long to wait, and is right', () => {
    const bucket = new TokenBucket({ burst: 2, intervalMs: 100 }, 0);
    expect([bucket.take(0), bucket.take(0), bucket.take(30)]).to.deep.equal([true, true, false]);
    expect(bucket.waitMs).to.equal(70);
    expect([bucket.take(99), bucket.take(100), bucket.take(101)]).to.deep.equal([false, true, false]);
  });
});
