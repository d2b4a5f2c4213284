import { CounterRows, NO_ROW, type Room } from './counter-rows.ts';

/** Bit of a number of `Counts` that says whether its row is wide. The least, so that the number stays a small integer. */
const WIDE = 1;
const NARROW_CELL: number = 2 ** 16;
/** Instead of the number of counts. */
export const NO_COUNTS: number = NO_ROW;

/**
 * Counts of one counter over the window, by number. They begin with cells of 16 bits, which hold 6,000 requests a second, and go on in cells of 32 bits when one
 * of them runs over: nearly all never do, which halves the memory of the window.
 */
export class Counts {
  readonly #narrow: CounterRows;
  readonly #wide: CounterRows;
  #runOver = 0;

  constructor(slots: number, maxBytes: number) {
    const room: Room = { bytes: maxBytes };
    this.#narrow = new CounterRows(slots, 16, room);
    this.#wide = new CounterRows(slots, 32, room);
  }

  static mostBytes(slots: number): number {
    return CounterRows.bytesPerRow(slots, 32);
  }

  get inUse(): number {
    return this.#narrow.inUse + this.#wide.inUse;
  }

  get bytes(): number {
    return this.#narrow.bytes + this.#wide.bytes;
  }

  /** `NO_COUNTS`: there is no room. */
  open(slot: number): number {
    const row = this.#narrow.open(slot);
    return row === NO_ROW ? NO_COUNTS : row << 1;
  }

  openWide(slot: number): number {
    const row = this.#wide.open(slot);
    return row === NO_ROW ? NO_COUNTS : (row << 1) | WIDE;
  }

  close(counts: number): void {
    this.#rowsOf(counts).close(counts >> 1);
  }

  newest(counts: number): number {
    return this.#rowsOf(counts).newest(counts >> 1);
  }

  sum(counts: number, first: number, last: number): number {
    return this.#rowsOf(counts).sum(counts >> 1, first, last);
  }

  /**
   * Adds what is below 2^32 to a slot. Returns `counts`, or the number that they have from now on because they have become wide; `NO_COUNTS`: there is no room
   * for that, and nothing was added.
   */
  add(counts: number, slot: number, count: number): number {
    this.#runOver = 0;
    if ((counts & WIDE) !== 0) {
      this.#runOver = this.#wide.add(counts >> 1, slot, count);
      return counts;
    }
    const over = this.#narrow.add(counts >> 1, slot, count);
    return over === 0 ? counts : this.#widen(counts, slot, count, over);
  }

  /** What the last `add` has run over 32 bits, in units of 2^32: it is in no cell. */
  get runOver(): number {
    return this.#runOver;
  }

  #widen(counts: number, slot: number, count: number, over: number): number {
    const narrow = counts >> 1;
    const wide = this.#wide.open(slot);
    if (wide === NO_ROW) {
      this.#narrow.add(narrow, slot, -count);
      return NO_COUNTS;
    }
    this.#wide.copy(wide, this.#narrow, narrow);
    this.#runOver = this.#wide.add(wide, slot, over * NARROW_CELL);
    this.#narrow.close(narrow);
    return (wide << 1) | WIDE;
  }

  /** As much as a cell holds. */
  saturate(counts: number, slot: number): void {
    this.#rowsOf(counts).saturate(counts >> 1, slot);
  }

  #rowsOf(counts: number): CounterRows {
    return (counts & WIDE) === 0 ? this.#narrow : this.#wide;
  }
}
