/** Holds several full frames: at full speed a system call per 64 KiB, and one that writes less costs no more memory, because buffers are shared. */
export const GATHER_BYTES: number = 64 * 1024;
/** Buffers kept for the next event, which may write to many connections. Memory that is never touched costs nothing: what counts is what is written. */
const KEPT_BUFFERS = 32;

/** What connections gather in, from their first byte of an event to its end. */
class GatherBuffers {
  readonly #free: Buffer[] = [];

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(GATHER_BYTES);
  }

  give(buffer: Buffer): void {
    if (this.#free.length < KEPT_BUFFERS) this.#free.push(buffer);
  }
}

/** A connection with bytes to write. */
export interface Flushable {
  flush(): void;
}

/**
 * Coalesces what one turn of the event loop writes: connections only gather bytes, and each is written once, when all that was ready has been read and
 * before the loop waits again. A connection that many others write to is written once for all of them.
 */
export class FlushQueue {
  readonly buffers: GatherBuffers = new GatherBuffers();
  readonly #schedule: ((run: () => void) => void) | null;
  readonly #run = (): void => this.#flush();
  readonly #dirty: Flushable[] = [];
  #depth = 0;
  #next = 0;
  #scheduled = false;

  /**
   * `schedule` runs something at the end of the turn. Without it, bytes are written at the end of the event (`enter` … `leave`) in which they were
   * gathered, and at once outside of events: for those who have no event loop.
   */
  constructor(schedule: ((run: () => void) => void) | null = null) {
    this.#schedule = schedule;
  }

  /** Within an event: what is added now is flushed later. */
  get active(): boolean {
    return this.#depth > 0;
  }

  enter(): void {
    this.#depth++;
  }

  leave(): void {
    if (this.#depth === 1 && this.#schedule === null && this.#dirty.length > 0) this.#flushWithin();
    else this.#depth--;
  }

  /** The caller must see to it that it is not already in the queue. */
  add(target: Flushable): void {
    if (this.#schedule === null && this.#depth === 0) {
      target.flush();
      return;
    }
    this.#dirty.push(target);
    if (this.#scheduled || this.#schedule === null) return;
    this.#scheduled = true;
    this.#schedule(this.#run);
  }

  #flush(): void {
    this.#scheduled = false;
    this.#depth++;
    this.#flushWithin();
  }

  /**
   * Counts as part of an event while it flushes: that may find more to write (an ended stream makes room for another). A target that throws keeps the
   * others waiting until the next event, no longer.
   */
  #flushWithin(): void {
    try {
      while (this.#next < this.#dirty.length) this.#dirty[this.#next++]!.flush();
      this.#dirty.length = 0;
      this.#next = 0;
    } finally {
      this.#depth--;
    }
  }
}
