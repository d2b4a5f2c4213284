import type { Clock, Random } from './clock.ts';

export interface BackoffOptions {
  initialMs: number;
  maxMs: number;
  /** Up to this share is added at random: 1 spreads a delay over [d, 2d). */
  jitter: number;
  /** Without a failure for so long, the next one starts from `initialMs` again. */
  resetAfterMs: number;
}

/** Of list and watch (client-go `tools/cache/reflector.go`). */
export const REFLECTOR_BACKOFF: BackoffOptions = { initialMs: 800, maxMs: 30_000, jitter: 1, resetAfterMs: 120_000 };

/** `baseMs` doubled `failures` times, at most `maxMs`. */
export function exponentialMs(baseMs: number, failures: number, maxMs: number): number {
  return Math.min(maxMs, baseMs * 2 ** Math.min(failures, 60));
}

/** Delay before the next try of one thing that keeps failing. */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  #failures = 0;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(options: BackoffOptions, clock: Clock, random: Random) {
    this.#options = options;
    this.#clock = clock;
    this.#random = random;
  }

  /** Notes a failure. `atLeastMs` is what the server asked for (Retry-After). */
  nextMs(atLeastMs = 0): number {
    const { initialMs, maxMs, jitter, resetAfterMs } = this.#options;
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#lastMs > resetAfterMs) this.#failures = 0;
    const delayMs = exponentialMs(initialMs, this.#failures, maxMs) * (1 + jitter * this.#random());
    this.#failures += 1;
    // Counted from the end of the pause: a pause as long as `resetAfterMs` is not health.
    this.#lastMs = nowMs + Math.max(delayMs, atLeastMs);
    return Math.max(delayMs, atLeastMs);
  }
}
