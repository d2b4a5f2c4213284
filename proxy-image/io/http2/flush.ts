/** A connection with bytes to write. */
export interface Flushable {
  flush(): void;
}

/**
 * Coalesces what one event writes: within `enter` … `leave` (a read event of any connection) connections only gather bytes, and each is written once at
 * the end, in the same turn of the event loop. Outside of an event bytes go at once.
 */
export class FlushQueue {
  #depth = 0;
  readonly #dirty: Flushable[] = [];
  #next = 0;

  /** Within an event: what is added now is flushed later. */
  get active(): boolean {
    return this.#depth > 0;
  }

  enter(): void {
    this.#depth++;
  }

  /** Counts as part of the event while it flushes: that may find more to write (an ended stream makes room for another). */
  leave(): void {
    try {
      if (this.#depth === 1 && this.#dirty.length > 0) this.#flush();
    } finally {
      this.#depth--;
    }
  }

  /** The caller must see to it that it is not already in the queue. */
  add(target: Flushable): void {
    if (this.#depth === 0) target.flush();
    else this.#dirty.push(target);
  }

  /** A target that throws keeps the others waiting until the next event, no longer. */
  #flush(): void {
    while (this.#next < this.#dirty.length) this.#dirty[this.#next++]!.flush();
    this.#dirty.length = 0;
    this.#next = 0;
  }
}
