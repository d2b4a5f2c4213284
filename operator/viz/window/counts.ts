import { type CellBits, CounterRows, NO_ROW, type Room } from './counter-rows.ts';

/** Bits of a cell, which hold more than anything but octets comes to. */
const MOST_BITS = 32;
const WIDTHS: readonly CellBits[] = [4, 8, 16, MOST_BITS];
const WIDEST = WIDTHS.length - 1;
/** Least bits of a number of `Counts`, which say which of the widths its row has: so the number stays a small integer. */
const WIDTH_BITS = 2;
const WIDTH = (1 << WIDTH_BITS) - 1;
/** Instead of the number of counts. */
export const NO_COUNTS: number = NO_ROW;

/**
 * Counts of one counter over the window, by number. They begin with cells of 4 bits, which hold 15 in ten seconds, and go on in wider ones when one of them runs
 * over: failures and slow responses are seldom so many, and most of the others are content with 8 bits, 25 a second.
 */
export class Counts {
  readonly #rows: readonly CounterRows[];
  #runOver = 0;

  constructor(slots: number, maxBytes: number) {
    const room: Room = { bytes: maxBytes };
    this.#rows = WIDTHS.map((bits) => new CounterRows(slots, bits, room));
  }

  static mostBytes(slots: number): number {
    return CounterRows.bytesPerRow(slots, MOST_BITS);
  }

  get inUse(): number {
    return this.#rows.reduce((sum, rows) => sum + rows.inUse, 0);
  }

  get bytes(): number {
    return this.#rows.reduce((sum, rows) => sum + rows.bytes, 0);
  }

  /** `NO_COUNTS`: there is no room. */
  open(slot: number): number {
    return this.#open(0, slot);
  }

  openWide(slot: number): number {
    return this.#open(WIDEST, slot);
  }

  #open(width: number, slot: number): number {
    const row = this.#rows[width]!.open(slot);
    return row === NO_ROW ? NO_COUNTS : (row << WIDTH_BITS) | width;
  }

  close(counts: number): void {
    this.#rowsOf(counts).close(counts >> WIDTH_BITS);
  }

  newest(counts: number): number {
    return this.#rowsOf(counts).newest(counts >> WIDTH_BITS);
  }

  sum(counts: number, first: number, last: number): number {
    return this.#rowsOf(counts).sum(counts >> WIDTH_BITS, first, last);
  }

  /**
   * Adds what is below 2^32 to a slot. Returns `counts`, or the number that they have from now on because they have become wider; `NO_COUNTS`: there is no room
   * for that, and nothing was added.
   */
  add(counts: number, slot: number, count: number): number {
    const over = this.#rowsOf(counts).add(counts >> WIDTH_BITS, slot, count);
    const isWidest = (counts & WIDTH) === WIDEST;
    this.#runOver = isWidest ? over : 0;
    return isWidest || over === 0 ? counts : this.#widen(counts, slot, count, over);
  }

  /** What the last `add` has run over 32 bits, in units of 2^32: it is in no cell. */
  get runOver(): number {
    return this.#runOver;
  }

  /** `over`: what the cell lacks, in units of the least number that it does not hold. */
  #widen(counts: number, slot: number, count: number, over: number): number {
    const from = this.#rowsOf(counts);
    const row = counts >> WIDTH_BITS;
    const width = widthFor((counts & WIDTH) + 1, (over + 1) * from.wrap);
    const wider = this.#open(width, slot);
    if (wider === NO_COUNTS) {
      from.add(row, slot, -count);
      return NO_COUNTS;
    }
    const to = this.#rows[width]!;
    to.copy(wider >> WIDTH_BITS, from, row);
    const left = to.add(wider >> WIDTH_BITS, slot, over * from.wrap);
    this.#runOver = width === WIDEST ? left : 0;
    from.close(row);
    return wider;
  }

  /** As much as a cell holds. */
  saturate(counts: number, slot: number): void {
    this.#rowsOf(counts).saturate(counts >> WIDTH_BITS, slot);
  }

  #rowsOf(counts: number): CounterRows {
    return this.#rows[counts & WIDTH]!;
  }
}

/** The least from `width` on that holds what is below `bound`. */
function widthFor(width: number, bound: number): number {
  let fit = width;
  while (fit < WIDEST && 2 ** WIDTHS[fit]! < bound) fit++;
  return fit;
}
