import { expect } from 'chai';
import fc from 'fast-check';
import { handOver, sliceOf } from '../../../operator/serve/hand-over.ts';
import { DEFAULT_LIMITS } from '../../../operator/serve/limits.ts';
import { FakeClock, settle } from '../../fakes/clock.ts';

const PACE = { perSecond: DEFAULT_LIMITS.handOverPerSecond, withinMs: DEFAULT_LIMITS.handOverMs };

/** How many were ended in each tenth of a second. */
async function ended(count: number, pace = PACE): Promise<number[]> {
  const clock = new FakeClock();
  const slices: number[] = [];
  const all = Array.from({ length: count }, (_, i) => i);
  const seen = new Set<number>();
  const end = (each: number) => {
    seen.add(each);
    const slice = clock.nowMs() / 100;
    slices[slice] = (slices[slice] ?? 0) + 1;
  };
  const done = handOver(all, end, pace, clock);
  await settle();
  while (seen.size < count) await clock.advance(100);
  await done;
  return slices;
}

describe('handing proxies over', () => {
  it('takes no time with few of them, and none without any', async () => {
    expect(await ended(0)).to.deep.equal([]);
    expect(await ended(20)).to.deep.equal([20]);
  });

  it('tells two hundred a second: a third of 2,000 in less than four seconds', async () => {
    const slices = await ended(667);
    expect(Math.max(...slices)).to.equal(20);
    expect(slices).to.have.length(34);
  });

  it('tells more at a time where they are so many that it would take too long', async () => {
    const slices = await ended(6_000);
    expect(slices).to.have.length(150);
    expect(new Set(slices)).to.deep.equal(new Set([40]));
  });

  it('never takes longer than it may', () => {
    fc.assert(
      fc.property(
        fc.nat(30_000),
        fc.integer({ min: 1, max: 1_000 }),
        fc.integer({ min: 1, max: 60_000 }),
        (n, r, ms) => {
          const slice = sliceOf(n, { perSecond: r, withinMs: ms });
          expect(Math.max(0, Math.ceil(n / slice) - 1) * 100).to.be.at.most(Math.max(ms, 100));
        },
      ),
    );
  });
});
