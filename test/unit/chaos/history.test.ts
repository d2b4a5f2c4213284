import { expect } from 'chai';
import { EVERY_FAULT, faultsIn, historyOf, told } from '../../chaos/history.ts';

describe('history of writes and faults', () => {
  it('is the same for the same seed, and another one for another', () => {
    expect(historyOf(7, 2)).to.deep.equal(historyOf(7, 2));
    expect(told(historyOf(7, 2))).not.to.equal(told(historyOf(8, 2)));
  });

  it('has every kind of fault among those that are always tried', () => {
    const kinds = (seeds: readonly number[]) => new Set(seeds.flatMap((seed) => [...faultsIn(historyOf(seed, 2))]));
    const all = kinds(Array.from({ length: 1_000 }, (_, at) => at));
    expect(all.size).to.equal(23);
    expect(kinds(EVERY_FAULT)).to.deep.equal(all);
  });
});
