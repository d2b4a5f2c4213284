import { type Clock, sleep } from '../../runtime/clock.ts';

/** Of the time of the process, at the most, goes to what is run here. */
const SHARE = 1 / 4;

/**
 * Runs one thing after the other, and pauses between them in proportion to how long they take: proxies wait for nobody who asks in a loop. What comes after a
 * pause is run at once.
 */
export class Pace {
  readonly #clock: Clock;
  #freeAtMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Rejects with the signal's reason when it aborts before its turn. */
  async run<R>(work: () => R, signal: AbortSignal): Promise<R> {
    for (;;) {
      const waitMs = this.#freeAtMs - this.#clock.nowMs();
      if (waitMs <= 0) break;
      await sleep(this.#clock, waitMs, signal);
      if (signal.aborted) throw signal.reason;
    }
    const startMs = this.#clock.nowMs();
    try {
      return work();
    } finally {
      const endMs = this.#clock.nowMs();
      this.#freeAtMs = endMs + (endMs - startMs) * (1 / SHARE - 1);
    }
  }
}
