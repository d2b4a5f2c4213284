/** Proxies come, go and acknowledge all the time; what a status says of their number is brought up to date this often. */
export const COUNTERS_EVERY_MS = 10_000;

/** Remembers of each object when its counters were written last, as long as that matters. */
export class CounterPace {
  /** Monotonic times, the oldest first. */
  readonly #writtenMs = new Map<string, number>();

  /** How long counters that differ have to wait; 0: they may be written now. */
  waitMs(key: string, nowMs: number): number {
    const writtenMs = this.#writtenMs.get(key);
    return writtenMs === undefined ? 0 : Math.max(0, writtenMs + COUNTERS_EVERY_MS - nowMs);
  }

  wrote(key: string, nowMs: number): void {
    this.#writtenMs.delete(key);
    this.#writtenMs.set(key, nowMs);
    for (const [oldest, writtenMs] of this.#writtenMs) {
      if (writtenMs + COUNTERS_EVERY_MS > nowMs) return;
      this.#writtenMs.delete(oldest);
    }
  }

  forget(key: string): void {
    this.#writtenMs.delete(key);
  }
}

/** The earlier of two delays, each of which is 0 where there is none. */
export function sooner(aMs: number, bMs: number): number {
  return aMs === 0 || bMs === 0 ? Math.max(aMs, bMs) : Math.min(aMs, bMs);
}
