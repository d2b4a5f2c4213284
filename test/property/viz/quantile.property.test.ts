import { expect } from 'chai';
import fc from 'fast-check';
import { quantile } from '../../../operator/viz/window/quantile.ts';
import { LATENCY_BUCKETS_MS } from '../../../proxy-image/contract/traffic/latency-buckets.ts';

const MOST_MS = LATENCY_BUCKETS_MS.at(-1)!;
const latency = fc.oneof(
  fc.double({ min: 0, max: 20, noNaN: true }),
  fc.double({ min: 0, max: MOST_MS, noNaN: true }),
  fc.constantFrom(...LATENCY_BUCKETS_MS),
);

function bucketOf(value: number): number {
  return LATENCY_BUCKETS_MS.findIndex((bound) => value <= bound);
}

describe('a quantile of a histogram', () => {
  it('lies in the bucket of the exact one: it is wrong by no more than the bucket is wide', () => {
    const property = fc.property(
      fc.array(latency, { minLength: 1, maxLength: 200 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (values, share) => {
        const buckets = new Float64Array(LATENCY_BUCKETS_MS.length + 1);
        for (const value of values) buckets[bucketOf(value)]! += 1;
        const inOrder = values.toSorted((a, b) => a - b);
        const exact = inOrder[Math.max(0, Math.ceil(share * values.length) - 1)]!;
        const bucket = bucketOf(exact);
        const found = quantile(buckets, share)!;
        expect(found).to.be.at.most(LATENCY_BUCKETS_MS[bucket]!);
        expect(found).to.be.at.least(LATENCY_BUCKETS_MS[bucket - 1] ?? 0);
      },
    );
    fc.assert(property, { numRuns: 1_000 });
  });

  it('grows with the share', () => {
    const property = fc.property(
      fc.array(fc.nat({ max: 1_000 }), { minLength: 26, maxLength: 26 }),
      fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
      (counts, [a, b]) => {
        const buckets = Float64Array.from(counts);
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        expect(quantile(buckets, low) ?? 0).to.be.at.most(quantile(buckets, high) ?? 0);
      },
    );
    fc.assert(property);
  });

  it('is none of nothing, and the last bound of what is above it', () => {
    const buckets = new Float64Array(LATENCY_BUCKETS_MS.length + 1);
    expect(quantile(buckets, 0.5)).to.equal(null);
    buckets[LATENCY_BUCKETS_MS.length] = 3;
    expect(quantile(buckets, 0.5)).to.equal(MOST_MS);
  });
});
