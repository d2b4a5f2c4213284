import type { Clock as Time } from '../../lib/clock.ts';

/** A pending call of `Clock.schedule`. Cancelling twice, or after it ran, does nothing. */
export interface Timer {
  cancel(): void;
}

/** The system's in production, a hand-turned one in tests. */
export interface Clock extends Time {
  schedule(delayMs: number, run: () => void): Timer;
}

/** Node fires a longer timeout at once (its delay is a signed 32-bit number). */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  schedule(delayMs, run) {
    const timer = setTimeout(run, Math.min(Math.max(delayMs, 0), LONGEST_TIMEOUT_MS));
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Resolves after `delayMs`, or at once when `signal` aborts; it never rejects, callers look at the signal. */
export function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const wake = () => {
      timer.cancel();
      signal.removeEventListener('abort', wake);
      resolve();
    };
    const timer = clock.schedule(delayMs, wake);
    signal.addEventListener('abort', wake);
  });
}

/**
 * Runs `work` with a signal that aborts with `outer` or after `limitMs`. Settles no later than that, even when `work` ignores its signal: a
 * request that hangs must not hang its caller. After an abort it rejects with the signal's reason.
 */
export async function withDeadline<R>(
  clock: Clock,
  limitMs: number,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<R>,
): Promise<R> {
  const inner = new AbortController();
  const cancel = () => inner.abort(outer.reason);
  if (outer.aborted) cancel();
  outer.addEventListener('abort', cancel);
  const timer = clock.schedule(limitMs, () => inner.abort(new DeadlineExceeded(limitMs)));
  try {
    return await abortable(work(inner.signal), inner.signal);
  } finally {
    timer.cancel();
    outer.removeEventListener('abort', cancel);
  }
}

export function isDeadline(error: unknown): boolean {
  return error instanceof DeadlineExceeded || (error instanceof Error && error.cause instanceof DeadlineExceeded);
}

export class DeadlineExceeded extends Error {
  readonly limitMs: number;
  constructor(limitMs: number) {
    super('no answer within the time limit');
    this.name = 'DeadlineExceeded';
    this.limitMs = limitMs;
  }
}

/** `promise`, or a rejection with the signal's reason as soon as it aborts. A later rejection of `promise` is swallowed. */
export function abortable<R>(promise: Promise<R>, signal: AbortSignal): Promise<R> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
