import { expect } from 'chai';
import { Backoff, exponentialMs, UPPER_HALF } from '../../../lib/backoff.ts';

describe('pauses between attempts', () => {
  it('double from half to whole of their bound, and stay there', () => {
    const delays = (random: number) => {
      const backoff = new Backoff({ initialMs: 100, maxMs: 1000, spread: UPPER_HALF }, () => random);
      return [1, 2, 3, 4, 5, 6].map(() => backoff.nextMs());
    };
    expect(delays(0)).to.deep.equal([50, 100, 200, 400, 500, 500]);
    expect(delays(1)).to.deep.equal([100, 200, 400, 800, 1000, 1000]);
  });

  it('are at least what the other side asked for, and start again after success', () => {
    const backoff = new Backoff({ initialMs: 100, maxMs: 1000, spread: UPPER_HALF }, () => 0);
    expect(backoff.nextMs(7000)).to.equal(7000);
    expect(backoff.nextMs()).to.equal(100);
    backoff.reset();
    expect(backoff.nextMs()).to.equal(50);
  });
});

describe('exponential delays', () => {
  it('double up to their bound, however many failures there were', () => {
    expect([0, 1, 2, 3, 4].map((failures) => exponentialMs(25, failures, 250))).to.deep.equal([25, 50, 100, 200, 250]);
    expect(exponentialMs(100, Number.MAX_SAFE_INTEGER, 30_000)).to.equal(30_000);
  });
});
