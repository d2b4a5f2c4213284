import { type Clock, sleep, withDeadline } from './runtime/clock.ts';
import type { Log } from './runtime/log.ts';

/** Keys that wait for their event; a cluster that starts anew brings thousands of pods of some hundred owners within seconds. */
const WAITING_MAX = 1_000;
/** Between two events: the API server has more important writers. Also the time in which what is about one key arrives together. */
const PAUSE_MS = 100;
const REQUEST_TIMEOUT_MS = 5_000;

/** Writes one event. What it rejects with is forgotten. */
export type WriteEvent = (signal: AbortSignal) => Promise<void>;

/** Events that are written behind what gives rise to them, which never waits: of one key the newest is kept, beyond `WAITING_MAX` keys nothing is. */
export class PacedEvents {
  readonly #clock: Clock;
  readonly #log: Log;
  /** What the events are of, for the log. */
  readonly #of: string;
  readonly #waiting = new Map<string, WriteEvent>();
  readonly #abort = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #isRunning = false;
  #isFull = false;

  constructor(of: string, clock: Clock, log: Log) {
    this.#of = of;
    this.#clock = clock;
    this.#log = log;
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  /** Never throws and never waits. */
  offer(key: string, write: WriteEvent): void {
    if (this.#abort.signal.aborted || !this.#hasRoom(key)) return;
    this.#waiting.set(key, write);
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#running = this.#drain();
  }

  #hasRoom(key: string): boolean {
    const wasFull = this.#isFull;
    this.#isFull = this.#waiting.size >= WAITING_MAX && !this.#waiting.has(key);
    if (this.#isFull && !wasFull) this.#log.warn(`events of ${this.#of} are left out: too many wait`, {});
    return !this.#isFull;
  }

  async #drain(): Promise<void> {
    const { signal } = this.#abort;
    while (this.#waiting.size > 0 && !signal.aborted) {
      await sleep(this.#clock, PAUSE_MS, signal);
      if (signal.aborted) break;
      const [key, write] = this.#waiting.entries().next().value!;
      this.#waiting.delete(key);
      await this.#write(write);
    }
    this.#isRunning = false;
  }

  async #write(write: WriteEvent): Promise<void> {
    try {
      await withDeadline(this.#clock, REQUEST_TIMEOUT_MS, this.#abort.signal, write);
    } catch {
      this.#log.debug(`an event of ${this.#of} took too long`, {});
    }
  }
}
