import type { Timer, TimerOwner, Timers } from '../transport/types.ts';

/** What a connection waits for. */
export const HANDSHAKE = 0;
export const BLOCK = 1;
export const DRAIN = 2;
export const LINGER = 3;
export const STALL = 4;
export const KEEP_ALIVE = 5;
export const KEEP_ALIVE_ANSWER = 6;
const KINDS = 7;
const NEVER = Number.POSITIVE_INFINITY;

/** Several deadlines on one timer. */
export class Deadlines {
  readonly #timers: Timers;
  readonly #timer: Timer;
  readonly #atMs: Float64Array = new Float64Array(KINDS).fill(NEVER);
  #armedMs = NEVER;

  constructor(timers: Timers, owner: TimerOwner) {
    this.#timers = timers;
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
    for (let kind = 0; kind < KINDS; kind++) {
      const atMs = this.#atMs[kind]!;
      if (atMs <= nowMs) {
        this.#atMs[kind] = NEVER;
        return kind;
      }
      nextMs = Math.min(nextMs, atMs);
    }
    this.#armedMs = nextMs;
    if (nextMs !== NEVER) this.#timers.set(this.#timer, nextMs - nowMs);
    return -1;
  }
}
