import { expect } from 'chai';
import fc from 'fast-check';
import { Counts, NO_COUNTS } from '../../../operator/viz/window/counts.ts';

const SLOTS = 7;
const FIRST = 2 * SLOTS;
const ENOUGH_BYTES = 1_000_000;

/** Which of three rows, how many slots later, and what is added: least often what takes the widest cells. */
const additions = fc.array(
  fc.record({
    row: fc.nat({ max: 2 }),
    later: fc.nat({ max: SLOTS + 2 }),
    count: fc.oneof(
      { weight: 6, arbitrary: fc.nat({ max: 9 }) },
      { weight: 2, arbitrary: fc.nat({ max: 300 }) },
      { weight: 1, arbitrary: fc.nat({ max: 70_000 }) },
    ),
  }),
  { maxLength: 40 },
);

describe('counts over a window', () => {
  it('are what was added to each slot, whatever the width of their cells becomes, between any two slots', () => {
    fc.assert(
      fc.property(additions, fc.nat({ max: SLOTS - 1 }), fc.nat({ max: SLOTS - 1 }), (added, back, length) => {
        const counts = new Counts(SLOTS, ENOUGH_BYTES);
        const rows = [0, 1, 2].map(() => ({ number: counts.open(FIRST), slots: new Map<number, number>() }));
        let slot = FIRST;
        for (const { row, later, count } of added) {
          slot += later > SLOTS ? 0 : later % 3;
          const of = rows[row]!;
          of.number = counts.add(of.number, slot, count);
          expect(of.number).not.to.equal(NO_COUNTS);
          of.slots.set(slot, (of.slots.get(slot) ?? 0) + count);
        }
        const last = slot - back;
        const first = Math.max(slot - SLOTS + 1, last - length);
        for (const { number, slots } of rows) {
          let sum = 0;
          for (let each = first; each <= last; each++) sum += slots.get(each) ?? 0;
          expect(counts.sum(number, first, last)).to.equal(sum);
        }
      }),
    );
  });

  it('that find no room for wider cells are what they were before', () => {
    const one = new Counts(SLOTS, 0);
    expect(one.open(FIRST)).to.equal(NO_COUNTS);
    // Room for the narrowest rows alone: a chunk of 256 with four octets of cells and four for the newest slot each.
    const counts = new Counts(SLOTS, 256 * 8);
    const [left, right] = [counts.open(FIRST), counts.open(FIRST)];
    for (const number of [left, right]) {
      for (let slot = FIRST; slot < FIRST + SLOTS; slot++) expect(counts.add(number, slot, 15)).to.equal(number);
    }
    expect(counts.add(left, FIRST + 1, 1)).to.equal(NO_COUNTS);
    expect(counts.add(left, FIRST + 2, 70_000)).to.equal(NO_COUNTS);
    for (const number of [left, right]) {
      for (let slot = FIRST; slot < FIRST + SLOTS; slot++) expect(counts.sum(number, slot, slot)).to.equal(15);
      expect(counts.sum(number, FIRST, FIRST + SLOTS - 1)).to.equal(15 * SLOTS);
    }
  });
});
