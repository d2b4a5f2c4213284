import { expect } from 'chai';
import { Xoshiro } from '../../../proxy-image/core/rng.ts';
import { compileSplit, pickShare } from '../../../proxy-image/core/split/split.ts';
import { ScriptedRng } from './fixtures.ts';

describe('split', () => {
  it('adds weights up as integers', () => {
    expect(compileSplit([900, 0, 100])).to.deep.equal({ cumulative: [900, 900, 1000], total: 1000 });
  });

  it('uses no randomness for one backend', () => {
    expect(pickShare(compileSplit([1000]), new ScriptedRng())).to.equal(0);
  });

  it('gives each integer of the total to the backend that owns it', () => {
    // 4 divides 2^32, so every draw is taken as it is: value mod 4.
    const split = compileSplit([1, 0, 2, 1]);
    expect([0, 1, 2, 3].map((value) => pickShare(split, new ScriptedRng(value)))).to.deep.equal([0, 2, 2, 3]);
  });

  it('never picks weight 0, first, last or between, in 100,000 draws', () => {
    const split = compileSplit([0, 500, 0, 500, 0]);
    const rng = new Xoshiro(3);
    const counts = [0, 0, 0, 0, 0];
    for (let i = 0; i < 100_000; i++) counts[pickShare(split, rng)]!++;
    expect([counts[0], counts[2], counts[4]]).to.deep.equal([0, 0, 0]);
  });

  it('keeps shares within 4 sigma: 90/10 and 1/999', () => {
    for (const weights of [
      [900, 100],
      [1, 999],
    ]) {
      const split = compileSplit(weights);
      const rng = new Xoshiro(11);
      const draws = 50_000;
      let first = 0;
      for (let i = 0; i < draws; i++) if (pickShare(split, rng) === 0) first++;
      const share = weights[0]! / 1000;
      expect(Math.abs(first - draws * share)).to.be.lessThan(4 * Math.sqrt(draws * share * (1 - share)));
    }
  });

  it('handles weights beyond 32 bits', () => {
    const split = compileSplit([2 ** 40, 2 ** 40]);
    const rng = new Xoshiro(5);
    let first = 0;
    for (let i = 0; i < 10_000; i++) if (pickShare(split, rng) === 0) first++;
    expect(Math.abs(first - 5000)).to.be.lessThan(4 * 50);
  });
});
