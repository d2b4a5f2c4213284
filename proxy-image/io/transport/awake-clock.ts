/** While deadlines on peers run, the loop is looked at so often; and each look counts for so much of them, however long it took to come. */
export const LOOK_MS = 100;
/** Runtimes are a millisecond or two late, collections of garbage some more. */
const LATE_MS = 20;
const LAG_BUCKETS_SECONDS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** How late the event loop came to its timers. */
export class LoopLag {
  /** Upper bounds; one bucket more is for what is above them. */
  readonly boundsSeconds: readonly number[] = LAG_BUCKETS_SECONDS;
  readonly counts: Float64Array = new Float64Array(LAG_BUCKETS_SECONDS.length + 1);
  sumSeconds = 0;

  record(seconds: number): void {
    let bucket = 0;
    while (bucket < LAG_BUCKETS_SECONDS.length && seconds > LAG_BUCKETS_SECONDS[bucket]!) bucket++;
    this.counts[bucket]!++;
    this.sumSeconds += seconds;
  }
}

/**
 * Tells time in which this process was there to notice what its peers do from time in which it was not: in one long turn of its event loop, or not
 * scheduled by the kernel. Either shows as a timer that comes late. The awake clock stands still for what is lost so, but each look is worth LOOK_MS: a
 * deadline of a second passes after ten looks at the latest, so that a process that is always late still ends what is silent.
 */
export class AwakeClock {
  readonly lag: LoopLag = new LoopLag();
  /** Milliseconds by which the awake clock is behind. Only grows. */
  lostMs = 0;
  #lookedMs = 0;

  /**
   * The loop has come, at `nowMs`, to what was due at `dueMs`. True: so late that what its sockets have to say comes before any deadline is judged.
   */
  look(nowMs: number, dueMs: number): boolean {
    const sinceMs = nowMs - this.#lookedMs;
    const lateMs = Math.max(0, Math.min(nowMs - dueMs, sinceMs));
    this.#lookedMs = nowMs;
    this.lag.record(lateMs / 1000);
    if (lateMs <= LATE_MS) return false;
    this.lostMs += Math.max(0, Math.min(lateMs, sinceMs - LOOK_MS));
    return true;
  }
}
