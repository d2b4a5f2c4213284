import type { Timer, TimerOwner, Timers } from './types.ts';

const NEVER = Number.POSITIVE_INFINITY;

/** Several deadlines on one timer, told apart by small numbers. */
export class Deadlines {
  readonly #timers: Timers;
  readonly #timer: Timer;
  readonly #atMs: Float64Array;
  #armedMs = NEVER;

  /** Kinds are 0 to `kinds` - 1. */
  constructor(timers: Timers, owner: TimerOwner, kinds: number) {
    this.#timers = timers;
    this.#atMs = new Float64Array(kinds).fill(NEVER);
    this.#timer = timers.create(owner);
  }

  isSet(kind: number): boolean {
    return this.#atMs[kind] !== NEVER;
  }

  set(kind: number, delayMs: number): void {
    const atMs = this.#timers.nowMs() + delayMs;
    this.#atMs[kind] = atMs;
    if (atMs >= this.#armedMs) return;
    this.#armedMs = atMs;
    this.#timers.set(this.#timer, delayMs);
  }

  /** The timer is left as it is: it finds nothing due. */
  clear(kind: number): void {
    this.#atMs[kind] = NEVER;
  }

  clearAll(): void {
    this.#atMs.fill(NEVER);
    this.#armedMs = NEVER;
    this.#timers.clear(this.#timer);
  }

  /** On the timer: a deadline that has passed, which is cleared, or -1 once there is none; then the timer is armed for the next. */
  takeDue(): number {
    const nowMs = this.#timers.nowMs();
    let nextMs = NEVER;
    for (let kind = 0; kind < this.#atMs.length; kind++) {
      const atMs = this.#atMs[kind]!;
      if (atMs <= nowMs) {
        this.#atMs[kind] = NEVER;
        // What is set meanwhile arms the timer by itself, whatever becomes of this one.
        this.#armedMs = NEVER;
        return kind;
      }
      nextMs = Math.min(nextMs, atMs);
    }
    this.#armedMs = nextMs;
    if (nextMs !== NEVER) this.#timers.set(this.#timer, nextMs - nowMs);
    return -1;
  }
}
