import type { Clock } from './clock.ts';

/** The lease is asked for every 4.4 s at the least: where nothing was answered for longer, it is not one kind or one request that fails. */
const AWAY_MS = 5_000;

/**
 * Whether the API server answers, as the requests of this process have shown. Those who pause because it did not are told when it does again: their pauses have
 * grown as long as it was away, and one request of somebody else knows better than any of them.
 */
export class Reach {
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #waiting = new Set<() => void>();
  #answeredMs = Number.NEGATIVE_INFINITY;
  #hasFailed = false;

  constructor(clock: Pick<Clock, 'nowMs'>) {
    this.#clock = clock;
  }

  note(isAnswered: boolean): void {
    this.#hasFailed ||= !isAnswered;
    if (!isAnswered) return;
    const isBack = this.#hasFailed && this.#clock.nowMs() - this.#answeredMs > AWAY_MS;
    this.#hasFailed = false;
    this.#answeredMs = this.#clock.nowMs();
    if (isBack) for (const wake of [...this.#waiting]) wake();
  }

  /** Calls `wake` when it is back; returns how to be told no more. */
  onReturn(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  }
}
