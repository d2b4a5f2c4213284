import { expect } from 'chai';
import fc from 'fast-check';
import { Slots, Spread } from '../../../operator/viz/window/slots.ts';

/** Of the products that are compared, which are as great as 2^48. */
const ROUNDING = 0.1;
const SLOTS = new Slots({ windowMs: 60_000, slotMs: 10_000 });

describe('a count that is shared out over slots', () => {
  it('keeps its sum but for what lies before the window, and gives each slot its share to within one', () => {
    const property = fc.property(
      fc.integer({ min: 0, max: 500_000 }),
      fc.integer({ min: 0, max: 300_000 }),
      fc.integer({ min: 0, max: 60_000 }),
      fc.integer({ min: 0, max: 2 ** 48 }),
      (nowMs, overMs, agoMs, count) => {
        const oldest = SLOTS.oldest(nowMs);
        const endMs = nowMs - agoMs;
        fc.pre(SLOTS.at(endMs) >= oldest);
        const spread = new Spread(SLOTS, endMs, overMs, oldest);
        const shareOf = (fromMs: number, toMs: number) =>
          overMs === 0 ? 1 : Math.max(0, Math.min(toMs, endMs) - Math.max(fromMs, endMs - overMs)) / overMs;
        let sum = 0;
        for (let slot = spread.first; slot <= spread.last; slot++) {
          const part = spread.of(count, slot);
          const exact = count * shareOf(SLOTS.startMs(slot), SLOTS.startMs(slot + 1));
          expect(part).to.be.at.least(0);
          expect(Math.abs(part - exact)).to.be.at.most(1 + ROUNDING);
          sum += part;
        }
        const within = count * shareOf(SLOTS.startMs(oldest), Number.POSITIVE_INFINITY);
        expect(Math.abs(sum - within)).to.be.at.most(1 + ROUNDING);
        if (endMs - overMs >= SLOTS.startMs(oldest)) expect(sum).to.equal(count);
      },
    );
    fc.assert(property, { numRuns: 1_000 });
  });
});
