import { expect } from 'chai';
import type { RateLimit } from '../../../proxy-image/contract/policy/inbound.ts';
import { RateLimiter } from '../../../proxy-image/core/policy/rate-limit.ts';

const META = {
  group: 'policy.linkerd.io',
  kind: 'HTTPLocalRateLimitPolicy',
  namespace: 'shop',
  name: 'web',
  section: '',
  port: 0,
};

function limiter(limit: Partial<RateLimit>, maxIdentities?: number): RateLimiter {
  return new RateLimiter(
    { meta: META, totalPerSecond: 0, identityPerSecond: 0, overrides: [], ...limit },
    maxIdentities,
  );
}

/** How many of `count` requests of a client at one time pass. */
function passing(of: RateLimiter, identity: string | null, nowMs: number, count = 50): number {
  return Array.from({ length: count }, () => of.take(identity, nowMs)).filter((refused) => refused === null).length;
}

describe('rate limit', () => {
  it('lets a second of requests through at once, then one for each part of a second (GCRA)', () => {
    const total = limiter({ totalPerSecond: 10 });
    expect(passing(total, null, 1_000)).to.equal(10);
    expect(passing(total, null, 1_099)).to.equal(0);
    expect(passing(total, null, 1_100)).to.equal(1);
    expect(passing(total, null, 1_350)).to.equal(2);
    expect(passing(total, null, 9_000)).to.equal(10);
  });

  for (const perSecond of [1, 3, 7, 1_000, 999_983]) {
    it(`of ${perSecond} per second is neither one more nor one less`, () => {
      expect(
        passing(limiter({ totalPerSecond: perSecond }), null, 12_345.678, Math.min(perSecond, 2_000) + 5),
      ).to.equal(Math.min(perSecond, 2_005));
    });
  }

  it('counts every identity for itself, and those without one together', () => {
    const each = limiter({ identityPerSecond: 3 });
    expect(passing(each, 'a', 0)).to.equal(3);
    expect(passing(each, 'b', 0)).to.equal(3);
    expect(passing(each, null, 0)).to.equal(3);
    expect(each.take(null, 0)).to.equal('identity');
    expect(passing(each, 'a', 400)).to.equal(1);
  });

  it('asks the total first, then an override in place of what holds for every identity', () => {
    const all = limiter({
      totalPerSecond: 8,
      identityPerSecond: 2,
      overrides: [
        { perSecond: 5, identities: ['a', 'b'] },
        { perSecond: 50, identities: ['b'] },
      ],
    });
    expect(passing(all, 'a', 0, 4)).to.equal(4);
    expect(passing(all, 'b', 0)).to.equal(1);
    expect(all.take('b', 0)).to.equal('identity');
    expect(passing(all, 'c', 0)).to.equal(2);
    expect(passing(all, null, 0)).to.equal(1);
    expect(all.take('d', 0)).to.equal('total');
  });

  it('counts what it refuses for nothing: who is beyond its own limit leaves the total to others', () => {
    const all = limiter({ totalPerSecond: 10, identityPerSecond: 2 });
    expect(passing(all, 'greedy', 0, 1_000)).to.equal(2);
    for (const other of ['a', 'b', 'c', 'd']) expect(passing(all, other, 0)).to.equal(2);
    expect(all.take('e', 0)).to.equal('total');
  });

  it('remembers so many identities at most; those beyond share one bucket, and win nothing by it', () => {
    const each = limiter({ identityPerSecond: 2 }, 100);
    let passed = 0;
    for (let client = 0; client < 10_000; client++) passed += passing(each, `made-up-${client}`, 5_000, 3);
    expect(passed).to.equal(100 * 2 + 2);
    expect(each.size).to.be.at.most(200);
    for (let second = 6; second < 20; second++) {
      for (let client = 0; client < 500; client++) each.take(`again-${second}-${client}`, second * 1_001);
      expect(each.size).to.be.at.most(200);
    }
  });

  it('forgets an identity only when its bucket is full again', () => {
    const each = limiter({ identityPerSecond: 2 });
    let passed = 0;
    for (let nowMs = 0; nowMs < 10_000; nowMs += 10) passed += each.take('a', nowMs) === null ? 1 : 0;
    expect(passed).to.equal(2 + 19);
  });

  it('without a number is no limit', () => {
    expect(passing(limiter({}), 'a', 0, 10_000)).to.equal(10_000);
  });
});
