import type { Clock } from '../../operator/runtime/clock.ts';
import type { Timer, TimerOwner, Timers } from '../../proxy-image/io/transport/types.ts';

interface FakeTimer extends Timer {
  cancel: (() => void) | null;
}

/** The proxy's shared timers on a hand-turned clock. */
export class FakeTimers implements Timers {
  readonly resolutionMs: number = 1;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  awakeMs(): number {
    return this.#clock.nowMs();
  }

  create(owner: TimerOwner): Timer {
    const timer: FakeTimer = { owner, cancel: null };
    return timer;
  }

  set(timer: Timer, delayMs: number): void {
    this.clear(timer);
    const pending = this.#clock.schedule(delayMs, () => timer.owner.onTimer(timer));
    (timer as FakeTimer).cancel = () => pending.cancel();
  }

  clear(timer: Timer): void {
    (timer as FakeTimer).cancel?.();
    (timer as FakeTimer).cancel = null;
  }
}
