/** Rows that are made at a time. */
const CHUNK_BITS = 10;
const CHUNK_ROWS = 1 << CHUNK_BITS;
const IN_CHUNK = CHUNK_ROWS - 1;
const WRAP: number = 2 ** 32;
/** Instead of a row. */
export const NO_ROW = -1;

interface Chunk {
  readonly cells: Uint32Array;
  /** Newest slot of each row. What is older than a window before it is gone. */
  readonly newest: Int32Array;
}

/**
 * Counts over time: a row has a cell for each slot of the window, used again as time goes on. Slots are numbered by time; the cell of a slot is its number
 * modulo the length of a row. Rows lie in chunks, so that more of them never means to copy those that are there.
 */
export class CounterRows {
  readonly #slots: number;
  readonly #maxRows: number;
  readonly #chunks: Chunk[] = [];
  readonly #free: number[] = [];
  #made = 0;

  constructor(slots: number, maxRows: number) {
    this.#slots = slots;
    this.#maxRows = maxRows;
  }

  static bytesPerRow(slots: number): number {
    return (slots + 1) * Uint32Array.BYTES_PER_ELEMENT;
  }

  get inUse(): number {
    return this.#made - this.#free.length;
  }

  /** Octets that are taken from the machine; what is freed is used again. */
  get bytes(): number {
    return this.#chunks.length * CHUNK_ROWS * CounterRows.bytesPerRow(this.#slots);
  }

  /** A row of zeros whose newest slot is this one; `NO_ROW`: there are as many as may be. */
  open(slot: number): number {
    const row = this.#free.pop() ?? this.#make();
    if (row === NO_ROW) return NO_ROW;
    const { cells, newest } = this.#chunks[row >>> CHUNK_BITS]!;
    const start = (row & IN_CHUNK) * this.#slots;
    cells.fill(0, start, start + this.#slots);
    newest[row & IN_CHUNK] = slot;
    return row;
  }

  #make(): number {
    if (this.#made >= this.#maxRows) return NO_ROW;
    if (this.#made === this.#chunks.length * CHUNK_ROWS) {
      this.#chunks.push({
        cells: new Uint32Array(CHUNK_ROWS * this.#slots),
        newest: new Int32Array(CHUNK_ROWS),
      });
    }
    this.#made += 1;
    return this.#made - 1;
  }

  close(row: number): void {
    this.#free.push(row);
  }

  newest(row: number): number {
    return this.#chunks[row >>> CHUNK_BITS]!.newest[row & IN_CHUNK]!;
  }

  /** Adds what is below 2^32 to a slot of the window; returns what the cell cannot hold: 0 or 1, in units of 2^32. */
  add(row: number, slot: number, count: number): 0 | 1 {
    const { cells, newest } = this.#chunks[row >>> CHUNK_BITS]!;
    const at = row & IN_CHUNK;
    const start = at * this.#slots;
    if (slot > newest[at]!) {
      this.#clear(cells, start, newest[at]!, slot);
      newest[at] = slot;
    }
    const cell = start + (slot % this.#slots);
    const sum = cells[cell]! + count;
    cells[cell] = sum;
    return sum >= WRAP ? 1 : 0;
  }

  /** As much as a cell holds, of a slot that was too small. */
  saturate(row: number, slot: number): void {
    const { cells } = this.#chunks[row >>> CHUNK_BITS]!;
    cells[(row & IN_CHUNK) * this.#slots + (slot % this.#slots)] = WRAP - 1;
  }

  /** The cells of the slots after `before` up to `slot`: they still hold what was a window ago. */
  #clear(cells: Uint32Array, start: number, before: number, slot: number): void {
    const count = Math.min(slot - before, this.#slots);
    for (let each = slot - count + 1; each <= slot; each++) cells[start + (each % this.#slots)] = 0;
  }

  /** Of the slots from `first` to `last`, both included; the window reaches back from `last`. */
  sum(row: number, first: number, last: number): number {
    const { cells, newest } = this.#chunks[row >>> CHUNK_BITS]!;
    const at = row & IN_CHUNK;
    const until = Math.min(last, newest[at]!);
    const from = Math.max(first, newest[at]! - this.#slots + 1);
    const start = at * this.#slots;
    let sum = 0;
    for (let slot = from; slot <= until; slot++) sum += cells[start + (slot % this.#slots)]!;
    return sum;
  }
}
