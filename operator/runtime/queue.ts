import { exponentialMs } from '../../lib/backoff.ts';
import type { Clock, Timer } from './clock.ts';

/** Retry of one key: 5 ms × 2ⁿ, as client-go's default, but capped at 5 min instead of 1,000 s: users watch their canaries. */
const RETRY_BASE_MS = 5;
const RETRY_MAX_MS = 300_000;

/** What happens in a queue, in seconds where there is a time (client-go `workqueue_*` metrics). */
export interface QueueObserver {
  added(): void;
  started(waitedSeconds: number): void;
  finished(workedSeconds: number): void;
  retried(): void;
}

const UNOBSERVED: QueueObserver = { added() {}, started() {}, finished() {}, retried() {} };

export interface QueueOptions {
  clock: Clock;
  observer?: QueueObserver;
  retryBaseMs?: number;
  retryMaxMs?: number;
}

export type Priority = 'high' | 'low';

interface Waiting {
  addedMs: number;
  priority: Priority;
}

/**
 * Keys to be worked on (client-go `util/workqueue/queue.go`, `default_rate_limiters.go`). A burst for one key collapses to one run, a key never runs
 * twice at once, and a change during a run causes exactly one more. Low priority is for the flood of a first list: real changes overtake it.
 */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #observer: QueueObserver;
  readonly #retryBaseMs: number;
  readonly #retryMaxMs: number;
  /** Keys waiting to be taken, in order. */
  readonly #high = new Set<string>();
  readonly #low = new Set<string>();
  /** Keys that need a run: the waiting ones, and those that changed while they run. */
  readonly #dirty = new Map<string, Waiting>();
  /** Running keys and when they were taken. */
  readonly #processing = new Map<string, number>();
  readonly #failures = new Map<string, number>();
  readonly #delayed = new Map<string, { readyMs: number; timer: Timer }>();
  readonly #takers: ((key: string | null) => void)[] = [];
  #closed = false;

  constructor(options: QueueOptions) {
    this.#clock = options.clock;
    this.#observer = options.observer ?? UNOBSERVED;
    this.#retryBaseMs = options.retryBaseMs ?? RETRY_BASE_MS;
    this.#retryMaxMs = options.retryMaxMs ?? RETRY_MAX_MS;
  }

  /** Keys waiting now. */
  get depth(): number {
    return this.#high.size + this.#low.size;
  }

  /** Monotonic times at which the running keys were taken. */
  get runningSinceMs(): number[] {
    return [...this.#processing.values()];
  }

  add(key: string, priority: Priority = 'high'): void {
    if (this.#closed) return;
    const waiting = this.#dirty.get(key);
    if (waiting !== undefined) {
      this.#promote(key, waiting, priority);
      return;
    }
    this.#observer.added();
    this.#dirty.set(key, { addedMs: this.#clock.nowMs(), priority });
    if (!this.#processing.has(key)) this.#enqueue(key, priority);
  }

  /** Adds after a delay. Of two delays for one key the earlier counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.#closed) return;
    if (delayMs <= 0) {
      this.add(key);
      return;
    }
    const readyMs = this.#clock.nowMs() + delayMs;
    const pending = this.#delayed.get(key);
    if (pending !== undefined && pending.readyMs <= readyMs) return;
    pending?.timer.cancel();
    const timer = this.#clock.schedule(delayMs, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { readyMs, timer });
  }

  /** Adds after the key's own back-off, which grows with each call until `forget`. Returns the delay. */
  retry(key: string): number {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#observer.retried();
    const delayMs = exponentialMs(this.#retryBaseMs, failures, this.#retryMaxMs);
    this.addAfter(key, delayMs);
    return delayMs;
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** The next key, as soon as there is one; null once the queue is closed. Each key taken must be given back by `done`. */
  take(): Promise<string | null> {
    const key = this.#closed ? null : this.#dequeue();
    if (key !== null || this.#closed) return Promise.resolve(key);
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  done(key: string): void {
    const takenMs = this.#processing.get(key);
    if (takenMs === undefined) return;
    this.#processing.delete(key);
    this.#observer.finished((this.#clock.nowMs() - takenMs) / 1000);
    const waiting = this.#dirty.get(key);
    if (waiting !== undefined && !this.#closed) this.#enqueue(key, waiting.priority);
  }

  /** Nothing is given out any more; running keys may still be given back. */
  close(): void {
    this.#closed = true;
    for (const { timer } of this.#delayed.values()) timer.cancel();
    this.#delayed.clear();
    this.#dirty.clear();
    this.#high.clear();
    this.#low.clear();
    for (const give of this.#takers.splice(0)) give(null);
  }

  #promote(key: string, waiting: Waiting, priority: Priority): void {
    if (priority === 'low' || waiting.priority === 'high') return;
    waiting.priority = 'high';
    if (this.#low.delete(key)) this.#high.add(key);
  }

  #enqueue(key: string, priority: Priority): void {
    (priority === 'high' ? this.#high : this.#low).add(key);
    const taker = this.#takers.shift();
    if (taker !== undefined) taker(this.#dequeue());
  }

  #dequeue(): string | null {
    const from = this.#high.size > 0 ? this.#high : this.#low;
    for (const key of from) {
      from.delete(key);
      this.#begin(key);
      return key;
    }
    return null;
  }

  #begin(key: string): void {
    const nowMs = this.#clock.nowMs();
    const waiting = this.#dirty.get(key);
    this.#dirty.delete(key);
    this.#processing.set(key, nowMs);
    this.#observer.started((nowMs - (waiting?.addedMs ?? nowMs)) / 1000);
  }
}
