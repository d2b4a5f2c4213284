import { Backoff, type BackoffOptions } from '../../lib/backoff.ts';
import type { Clock, Random } from '../../lib/clock.ts';

export interface ReflectorBackoffOptions extends BackoffOptions {
  /** Without a failure for so long, the next one starts from `initialMs` again. */
  resetAfterMs: number;
}

/** Of list and watch (client-go `tools/cache/reflector.go`): up to as much again is added. */
export const REFLECTOR_BACKOFF: ReflectorBackoffOptions = {
  initialMs: 800,
  maxMs: 30_000,
  spread: [1, 2],
  resetAfterMs: 120_000,
};

/** A backoff that health resets. */
export class ReflectorBackoff {
  readonly #backoff: Backoff;
  readonly #resetAfterMs: number;
  readonly #clock: Clock;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(options: ReflectorBackoffOptions, clock: Clock, random: Random) {
    this.#backoff = new Backoff(options, random);
    this.#resetAfterMs = options.resetAfterMs;
    this.#clock = clock;
  }

  /** Notes a failure. `atLeastMs` is what the server asked for (Retry-After). */
  nextMs(atLeastMs = 0): number {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#lastMs > this.#resetAfterMs) this.#backoff.reset();
    const delayMs = this.#backoff.nextMs(atLeastMs);
    // Counted from the end of the pause: a pause as long as `resetAfterMs` is not health.
    this.#lastMs = nowMs + delayMs;
    return delayMs;
  }
}
