import { Deadlines } from '../../io/transport/deadlines.ts';
import type { TimerOwner, Timers } from '../../io/transport/types.ts';

/** The whole exchange, retries included. */
export const REQUEST = 0;
/** From the end of the request to the end of the response. */
export const RESPONSE = 1;
/** A look at whether anything moves. */
export const IDLE = 2;
/** From the end of the request to the response head of the present attempt. */
export const HEAD = 3;
/** Before the next attempt. */
export const PAUSE = 4;

/** Injected by a filter. */
export const DELAY = 5;
/** From when an attempt is sent to the end of its response. */
export const ATTEMPT = 6;

const KINDS = 7;

export interface DeadlineOwner {
  due(kind: number): void;
}

/** The deadlines of a call. Made for the first call that has any, and reused with it. */
export class CallDeadlines implements TimerOwner {
  readonly #owner: DeadlineOwner;
  readonly #deadlines: Deadlines;

  constructor(timers: Timers, owner: DeadlineOwner) {
    this.#owner = owner;
    this.#deadlines = new Deadlines(timers, this, KINDS);
  }

  set(kind: number, delayMs: number): void {
    this.#deadlines.set(kind, delayMs);
  }

  clear(kind: number): void {
    this.#deadlines.clear(kind);
  }

  clearAll(): void {
    this.#deadlines.clearAll();
  }

  onTimer(): void {
    for (let kind = this.#deadlines.takeDue(); kind !== -1; kind = this.#deadlines.takeDue()) this.#owner.due(kind);
  }
}
