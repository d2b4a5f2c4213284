/** Randomness as an argument: decisions ask for integers, so that shares are exact and a seeded generator replays them. */
export interface Rng {
  /** Uniform in 0..2^32-1. */
  uint32(): number;
}

const TWO_32 = 0x1_0000_0000;
const TWO_53 = 0x20_0000_0000_0000;

/**
 * xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators"): 32-bit operations only, which a JIT keeps in registers.
 * Not for secrets. The state comes from `seed`, expanded by splitmix32 so that similar seeds do not give similar streams.
 */
export class Xoshiro implements Rng {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: number) {
    let x = seed | 0;
    const next = (): number => {
      x = (x + 0x9e3779b9) | 0;
      let z = x;
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      return z ^ (z >>> 15);
    };
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#d = next() | 1; // the all-zero state would stay zero
  }

  uint32(): number {
    const scrambled = Math.imul(rotateLeft(Math.imul(this.#b, 5), 7), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = rotateLeft(this.#d, 11);
    return scrambled;
  }
}

function rotateLeft(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}

/** Uniform integer in 0..bound-1 without modulo bias, for 1 <= bound <= 2^53. */
export function below(rng: Rng, bound: number): number {
  if (bound <= TWO_32) {
    // Values under the threshold would favour the low residues; they are drawn again (at most half of all draws).
    const threshold = (TWO_32 - bound) % bound;
    for (;;) {
      const value = rng.uint32();
      if (value >= threshold) return value % bound;
    }
  }
  const threshold = (TWO_53 - bound) % bound;
  for (;;) {
    const value = (rng.uint32() >>> 11) * TWO_32 + rng.uint32();
    if (value >= threshold) return value % bound;
  }
}

/** Uniform in [0, 1). */
export function fraction(rng: Rng): number {
  return rng.uint32() / TWO_32;
}
