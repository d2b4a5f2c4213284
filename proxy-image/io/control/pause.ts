import type { Timer, TimerOwner, Timers } from '../transport/types.ts';

class Pause implements TimerOwner {
  readonly done: Promise<void>;
  #resolve: () => void = () => {};

  constructor() {
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  onTimer(_timer: Timer | null): void {
    this.#resolve();
  }
}

/** Resolves after `delayMs`, or at once when `signal` aborts. Never rejects: callers look at the signal. */
export async function pause(timers: Timers, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const pausing = new Pause();
  const timer = timers.create(pausing);
  const wake = () => pausing.onTimer(null);
  signal.addEventListener('abort', wake, { once: true });
  timers.set(timer, delayMs);
  await pausing.done;
  timers.clear(timer);
  signal.removeEventListener('abort', wake);
}
