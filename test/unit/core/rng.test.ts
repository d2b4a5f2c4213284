import { expect } from 'chai';
import { below, fraction, Xoshiro } from '../../../proxy-image/core/rng.ts';
import { ScriptedRng } from './fixtures.ts';

describe('random numbers', () => {
  it('gives the same stream for the same seed, another for another', () => {
    const draw = (seed: number) =>
      Array.from(
        { length: 8 },
        (
          (rng) => () =>
            rng.uint32()
        )(new Xoshiro(seed)),
      );
    expect(draw(1)).to.deep.equal(draw(1));
    expect(draw(1)).to.not.deep.equal(draw(2));
  });

  it('steps as the published xoshiro128** does', () => {
    const rng = new Xoshiro(42);
    const outputs = Array.from({ length: 50 }, () => rng.uint32());
    expect(outputs).to.deep.equal(Array.from({ length: 50 }, reference(42n)));
  });

  it('draws again below the threshold, so that no residue is favoured', () => {
    // 2^32 mod 3 = 1: the value 0 would give residue 0 once too often.
    expect(below(new ScriptedRng(0, 4), 3)).to.equal(1);
    expect(below(new ScriptedRng(1), 3)).to.equal(1);
  });

  it('needs exactly one draw for bounds that are powers of two', () => {
    expect(below(new ScriptedRng(0), 8)).to.equal(0);
    expect(below(new ScriptedRng(0xffffffff), 8)).to.equal(7);
    expect(below(new ScriptedRng(0xffffffff), 2 ** 32)).to.equal(0xffffffff);
  });

  it('uses 53 bits for bounds above 2^32', () => {
    expect(below(new ScriptedRng(0xffffffff, 0xffffffff), 2 ** 53)).to.equal(2 ** 53 - 1);
    expect(below(new ScriptedRng(1 << 11, 5), 2 ** 40)).to.equal(2 ** 32 + 5);
  });

  it('is uniform over a small bound within 4 sigma', () => {
    const rng = new Xoshiro(7);
    const counts = new Array<number>(7).fill(0);
    const draws = 70_000;
    for (let i = 0; i < draws; i++) counts[below(rng, 7)]!++;
    const sigma = Math.sqrt(draws * (1 / 7) * (6 / 7));
    for (const count of counts) expect(Math.abs(count - draws / 7)).to.be.lessThan(4 * sigma);
  });

  it('gives fractions in [0, 1)', () => {
    expect(fraction(new ScriptedRng(0))).to.equal(0);
    expect(fraction(new ScriptedRng(0xffffffff))).to.be.lessThan(1);
  });
});

/** splitmix32 and xoshiro128** written out with BigInt, where no sign or overflow can hide. */
function reference(seed: bigint): () => number {
  const mask = 0xffffffffn;
  const rotate = (x: bigint, k: bigint) => ((x << k) | (x >> (32n - k))) & mask;
  let x = seed;
  const expand = () => {
    x = (x + 0x9e3779b9n) & mask;
    let z = x;
    z = ((z ^ (z >> 16n)) * 0x21f0aaadn) & mask;
    z = ((z ^ (z >> 15n)) * 0x735a2d97n) & mask;
    return z ^ (z >> 15n);
  };
  const s = [expand(), expand(), expand(), expand() | 1n];
  return () => {
    const result = (rotate((s[1]! * 5n) & mask, 7n) * 9n) & mask;
    const t = (s[1]! << 9n) & mask;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = rotate(s[3]!, 11n);
    return Number(result);
  };
}
