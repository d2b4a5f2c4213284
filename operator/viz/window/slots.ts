export interface WindowTimes {
  /** How far back it reaches. */
  windowMs: number;
  /** How fine it is. */
  slotMs: number;
}

/** Time in slots: numbers that grow with the monotonic clock, greater than the length of the window from the start. */
export class Slots {
  readonly slotMs: number;
  /** In a window: one more than it is long, for the newest has only begun. */
  readonly count: number;

  constructor({ windowMs, slotMs }: WindowTimes) {
    this.slotMs = slotMs;
    this.count = Math.ceil(windowMs / slotMs) + 1;
  }

  at(ms: number): number {
    return Math.floor(ms / this.slotMs) + 2 * this.count;
  }

  startMs(slot: number): number {
    return (slot - 2 * this.count) * this.slotMs;
  }

  /** The oldest slot that is not over yet at `nowMs`. */
  oldest(nowMs: number): number {
    return this.at(nowMs) - this.count + 1;
  }

  /** First slot of a look back over so long: all of the slots that lie in it, and the one that has begun. */
  since(nowMs: number, lastMs: number): number {
    return Math.max(this.at(nowMs) - Math.ceil(lastMs / this.slotMs), this.oldest(nowMs));
  }
}

/**
 * Shares out what was counted over a time that touches several slots, as if it had come evenly. Whole numbers, whose sum is what was counted, but for
 * what lies before the window.
 */
export class Spread {
  readonly first: number;
  readonly last: number;
  /** Share of the time that was over at the end of each slot; before them that of what came before `first`. */
  readonly #over: number[] = [];

  /** `oldest`: nothing before it is looked at. `endMs` is not before it. */
  constructor(slots: Slots, endMs: number, overMs: number, oldest: number) {
    const startMs = endMs - overMs;
    this.last = slots.at(endMs);
    this.first = Math.max(oldest, Math.min(slots.at(startMs), this.last));
    if (this.first === this.last && startMs >= slots.startMs(this.first)) return;
    for (let slot = this.first; slot <= this.last; slot++) {
      this.#over.push(Math.max(0, slots.startMs(slot) - startMs) / overMs);
    }
    this.#over.push(1);
  }

  /** Of a count, what came in `slot`. */
  of(count: number, slot: number): number {
    if (this.#over.length === 0) return count;
    const at = slot - this.first;
    return Math.round(count * this.#over[at + 1]!) - Math.round(count * this.#over[at]!);
  }
}
