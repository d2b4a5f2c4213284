import type { Timer, TimerOwner, Timers } from '../io/transport/types.ts';

/** The whole exchange, retries included. */
export const REQUEST = 0;
/** From the end of the request to the end of the response. */
export const RESPONSE = 1;
/** A look at whether anything moves. */
export const IDLE = 2;
/** From the end of the request to the response head of the present try. */
export const TRY = 3;
/** Before the next try, or the next look for an endpoint. */
export const PAUSE = 4;

const KINDS = 5;
const NEVER = Number.POSITIVE_INFINITY;

export interface DeadlineOwner {
  due(kind: number): void;
}

/** The deadlines of a call on one timer. Made for the first call that has any, and reused with it. */
export class CallDeadlines implements TimerOwner {
  readonly #timers: Timers;
  readonly #owner: DeadlineOwner;
  readonly #timer: Timer;
  readonly #atMs: Float64Array = new Float64Array(KINDS).fill(NEVER);
  #armedMs: number = NEVER;

  constructor(timers: Timers, owner: DeadlineOwner) {
    this.#timers = timers;
    this.#owner = owner;
    this.#timer = timers.create(this);
  }

  set(kind: number, delayMs: number): void {
    const nowMs = this.#timers.nowMs();
    const atMs = nowMs + delayMs;
    this.#atMs[kind] = atMs;
    if (atMs >= this.#armedMs) return;
    this.#armedMs = atMs;
    this.#timers.set(this.#timer, delayMs);
  }

  clear(kind: number): void {
    this.#atMs[kind] = NEVER;
  }

  clearAll(): void {
    this.#atMs.fill(NEVER);
    if (this.#armedMs === NEVER) return;
    this.#armedMs = NEVER;
    this.#timers.clear(this.#timer);
  }

  onTimer(): void {
    const nowMs = this.#timers.nowMs();
    this.#armedMs = NEVER;
    for (let kind = 0; kind < KINDS; kind++) {
      if (this.#atMs[kind]! > nowMs) continue;
      this.#atMs[kind] = NEVER;
      this.#owner.due(kind);
    }
    this.#rearm(nowMs);
  }

  /** For what is still to come; an owner may have armed it already. */
  #rearm(nowMs: number): void {
    let nextMs = NEVER;
    for (let kind = 0; kind < KINDS; kind++) nextMs = Math.min(nextMs, this.#atMs[kind]!);
    if (nextMs >= this.#armedMs) return;
    this.#armedMs = nextMs;
    this.#timers.set(this.#timer, Math.max(0, nextMs - nowMs));
  }
}
