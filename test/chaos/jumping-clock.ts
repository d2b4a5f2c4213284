import { type Clock, systemClock, type Timer } from '../../operator/runtime/clock.ts';

/** The machine's clock, but that somebody sets its wall time now and then. The monotonic time goes on. */
export class JumpingClock implements Clock {
  #offsetMs = 0;

  nowMs(): number {
    return systemClock.nowMs();
  }

  wallMs(): number {
    return systemClock.wallMs() + this.#offsetMs;
  }

  schedule(delayMs: number, run: () => void): Timer {
    return systemClock.schedule(delayMs, run);
  }

  /** From now on it is so much later, or earlier, than it was. */
  jump(byMs: number): void {
    this.#offsetMs += byMs;
  }

  /** Somebody has set it right. */
  set(): void {
    this.#offsetMs = 0;
  }
}
