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
  #dirty: Flushable[] = [];
  #spare: Flushable[] = [];

  enter(): void {
    this.#depth++;
  }

  leave(): void {
    if (--this.#depth === 0) this.#flush();
  }

  /** The caller must see to it that it is not already in the queue. */
  add(target: Flushable): void {
    if (this.#depth === 0) target.flush();
    else this.#dirty.push(target);
  }

  #flush(): void {
    // Flushing may find more to write (a drained window wakes a stream): until nothing is left.
    while (this.#dirty.length > 0) {
      const targets = this.#dirty;
      this.#dirty = this.#spare;
      this.#spare = targets;
      for (const target of targets) target.flush();
      targets.length = 0;
    }
  }
}
