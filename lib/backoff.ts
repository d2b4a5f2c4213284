import type { Random } from './clock.ts';

export interface BackoffOptions {
  initialMs: number;
  maxMs: number;
  /** A delay is multiplied by a random number between these, so that a thousand do not return together. */
  spread: readonly [least: number, most: number];
}

/** Each delay is taken at random from its upper half. */
export const UPPER_HALF: BackoffOptions['spread'] = [0.5, 1];

/** `baseMs` doubled `failures` times, at most `maxMs`. */
export function exponentialMs(baseMs: number, failures: number, maxMs: number): number {
  return Math.min(maxMs, baseMs * 2 ** Math.min(failures, 60));
}

/** Delays between attempts of one thing that keeps failing: doubling. */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: Random;
  #failures = 0;

  constructor(options: BackoffOptions, random: Random) {
    this.#options = options;
    this.#random = random;
  }

  get failures(): number {
    return this.#failures;
  }

  /** Notes a failure and returns the pause after it. `atLeastMs` is what the other side asked for. */
  nextMs(atLeastMs = 0): number {
    const { initialMs, maxMs, spread } = this.#options;
    const [least, most] = spread;
    const delayMs = exponentialMs(initialMs, this.#failures, maxMs) * (least + (most - least) * this.#random());
    this.#failures += 1;
    return Math.max(atLeastMs, delayMs);
  }

  reset(): void {
    this.#failures = 0;
  }
}
