import { Backoff, type BackoffOptions } from './backoff.ts';
import type { Random } from './clock.ts';

interface ReflectionBackoff extends BackoffOptions {
  /** Without a failure for so long, the next one counts as the first. */
  resetAfterMs: number;
}

/** How a kind of the API is followed, for operator and proxy alike; after client-go `tools/cache/reflector.go` where nothing else is said. */
export const REFLECTION = {
  pageSize: 500,
  /** The API server ends a watch after a random time between these, so that the watches of a fleet spread over the API servers. */
  watchMinSeconds: 300,
  watchMaxSeconds: 600,
  /** API servers send a bookmark about once a minute: two missed ones mean that nobody is there. */
  idleTimeoutMs: 120_000,
  /** A watch that ended sooner than this did not work. */
  shortWatchMs: 1_000,
  /** Ours: how often it is asked for a kind that the API server does not serve, and need not. Its definition may be installed at any time. */
  absentMs: 10_000,
  /** Up to as much again is added to a pause. */
  backoff: { initialMs: 800, maxMs: 30_000, spread: [1, 2], resetAfterMs: 120_000 } as ReflectionBackoff,
};

export type ReflectionTiming = typeof REFLECTION;

/** How long a watch is to last, as the API server is asked. */
export function watchSeconds({ watchMinSeconds, watchMaxSeconds }: ReflectionTiming, random: Random): number {
  return Math.round(watchMinSeconds + random() * (watchMaxSeconds - watchMinSeconds));
}

/** Why list or watch failed, as far as what comes next depends on it: `expired` = the version is not known (any more), `absent` = no such kind is served. */
export type ReflectionFailure = 'expired' | 'absent' | 'other';

/** Where one kind has been followed to: whether a list or a watch is next, from which version, and after which pause. Makes no request. */
export class Reflection {
  readonly #timing: ReflectionTiming;
  readonly #backoff: Backoff;
  #version = '';
  #listFrom = '0';
  #isAbsent = false;
  #listedMs = Number.NEGATIVE_INFINITY;
  #failedMs = Number.NEGATIVE_INFINITY;

  constructor(timing: ReflectionTiming, random: Random) {
    this.#timing = timing;
    this.#backoff = new Backoff(timing.backoff, random);
  }

  /** What to watch from; empty: list first. */
  get version(): string {
    return this.#version;
  }

  /** What to list at: the first list takes what the server has at hand (`0`), one after an expiry must be the newest (empty). */
  get listFrom(): string {
    return this.#listFrom;
  }

  /** The API server has answered that it serves no such kind; a list ends it. */
  get isAbsent(): boolean {
    return this.#isAbsent;
  }

  listed(version: string, nowMs: number): void {
    this.#version = version;
    this.#listFrom = '';
    this.#isAbsent = false;
    this.#listedMs = nowMs;
  }

  /** An event, or a bookmark: the watch goes on from here. */
  advanced(version: string): void {
    this.#version = version;
  }

  /** The pause before the next request. `atLeastMs` is what the server asked for (Retry-After). */
  failed(failure: ReflectionFailure, nowMs: number, atLeastMs = 0): number {
    if (failure !== 'other') {
      this.#version = '';
      this.#listFrom = '';
    }
    this.#isAbsent = failure === 'absent' || (failure === 'other' && this.#isAbsent);
    if (failure === 'absent') return this.#timing.absentMs;
    // A version that expires right after its list would otherwise mean lists without end.
    if (failure === 'expired' && nowMs - this.#listedMs > this.#timing.shortWatchMs) return 0;
    return this.#pause(nowMs, atLeastMs);
  }

  #pause(nowMs: number, atLeastMs: number): number {
    if (nowMs - this.#failedMs > this.#timing.backoff.resetAfterMs) this.#backoff.reset();
    const delayMs = this.#backoff.nextMs(atLeastMs);
    // Counted from the end of the pause: a pause as long as `resetAfterMs` is not health.
    this.#failedMs = nowMs + delayMs;
    return delayMs;
  }
}
