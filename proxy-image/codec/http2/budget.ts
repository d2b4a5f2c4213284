import type { Timers } from '../../io/transport/types.ts';

/** A bucket of tokens. The clock is read only when the bucket is empty, which for a well-behaved peer is never. */
export class Budget {
  readonly #timers: Timers;
  readonly #burst: number;
  readonly #perSecond: number;
  #tokens: number;
  #refilledMs: number;

  constructor(timers: Timers, burst: number, perSecond: number) {
    this.#timers = timers;
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#tokens = burst;
    this.#refilledMs = timers.nowMs();
  }

  /** Useful work pays for some overhead. */
  earn(tokens: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + tokens);
  }

  /** False: there is nothing left to spend. */
  spend(tokens: number): boolean {
    this.#tokens -= tokens;
    return this.#tokens >= 0 || this.#refill();
  }

  #refill(): boolean {
    const nowMs = this.#timers.nowMs();
    this.earn(((nowMs - this.#refilledMs) / 1000) * this.#perSecond);
    this.#refilledMs = nowMs;
    return this.#tokens >= 0;
  }
}
