/** Rows that are made at a time: little enough that the last ones hardly matter. */
const CHUNK_BITS = 8;
const CHUNK_ROWS = 1 << CHUNK_BITS;
const IN_CHUNK = CHUNK_ROWS - 1;
/** Instead of a row. */
export const NO_ROW = -1;

/** Of a cell. Of those of 4 bits two lie in an octet. */
export type CellBits = 4 | 8 | 16 | 32;
type Cells = Uint8Array | Uint16Array | Uint32Array;
const HALF = 0xf;

interface Chunk {
  readonly cells: Cells;
  /** Newest slot of each row. What is older than a window before it is gone. */
  readonly newest: Int32Array;
}

const ARRAYS = { 4: Uint8Array, 8: Uint8Array, 16: Uint16Array, 32: Uint32Array } as const satisfies Record<
  CellBits,
  unknown
>;

/** Octets of counts that may still be taken from the machine, by rows of any width. */
export interface Room {
  bytes: number;
}

/**
 * Counts over time, in cells of one width: a row has a cell for each slot of the window, used again as time goes on. Slots are numbered by time; the cell of a
 * slot is its number modulo the length of a row. Rows lie in chunks, so that more of them never means to copy those that are there.
 */
export class CounterRows {
  readonly #slots: number;
  readonly #isHalved: boolean;
  /** Elements of an array that a row takes. */
  readonly #length: number;
  readonly #cells: (length: number) => Cells;
  /** The least number that a cell does not hold. */
  readonly wrap: number;
  readonly #room: Room;
  readonly #bytesPerRow: number;
  readonly #chunks: Chunk[] = [];
  readonly #free: number[] = [];
  #made = 0;

  constructor(slots: number, bits: CellBits, room: Room) {
    this.#slots = slots;
    this.#isHalved = bits === 4;
    this.#length = this.#isHalved ? Math.ceil(slots / 2) : slots;
    const Cells = ARRAYS[bits];
    this.#cells = (length) => new Cells(length);
    this.wrap = 2 ** bits;
    this.#room = room;
    this.#bytesPerRow = CounterRows.bytesPerRow(slots, bits);
  }

  static bytesPerRow(slots: number, bits: CellBits): number {
    return Math.ceil((slots * bits) / 8) + Int32Array.BYTES_PER_ELEMENT;
  }

  get inUse(): number {
    return this.#made - this.#free.length;
  }

  /** Octets that are taken from the machine; what is freed is used again. */
  get bytes(): number {
    return this.#chunks.length * CHUNK_ROWS * this.#bytesPerRow;
  }

  /** A row of zeros whose newest slot is this one; `NO_ROW`: there are as many as may be. */
  open(slot: number): number {
    const row = this.#free.pop() ?? this.#make();
    if (row === NO_ROW) return NO_ROW;
    const { cells, newest } = this.#chunks[row >>> CHUNK_BITS]!;
    const start = (row & IN_CHUNK) * this.#length;
    cells.fill(0, start, start + this.#length);
    newest[row & IN_CHUNK] = slot;
    return row;
  }

  #make(): number {
    if (this.#made === this.#chunks.length * CHUNK_ROWS) {
      const bytes = CHUNK_ROWS * this.#bytesPerRow;
      if (this.#room.bytes < bytes) return NO_ROW;
      this.#room.bytes -= bytes;
      this.#chunks.push({ cells: this.#cells(CHUNK_ROWS * this.#length), newest: new Int32Array(CHUNK_ROWS) });
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

  /** Takes over what a row of another width holds. */
  copy(row: number, from: CounterRows, fromRow: number): void {
    const { cells, newest } = this.#chunks[row >>> CHUNK_BITS]!;
    const other = from.#chunks[fromRow >>> CHUNK_BITS]!;
    for (let cell = 0; cell < this.#slots; cell++) {
      this.#set(cells, row & IN_CHUNK, cell, from.#get(other.cells, fromRow & IN_CHUNK, cell));
    }
    newest[row & IN_CHUNK] = other.newest[fromRow & IN_CHUNK]!;
  }

  /** `at`: the row within its chunk. */
  #get(cells: Cells, at: number, cell: number): number {
    const start = at * this.#length;
    return this.#isHalved ? (cells[start + (cell >>> 1)]! >>> ((cell & 1) << 2)) & HALF : cells[start + cell]!;
  }

  /** What a cell does not hold of a number is cut off above. */
  #set(cells: Cells, at: number, cell: number, count: number): void {
    const start = at * this.#length;
    if (!this.#isHalved) {
      cells[start + cell] = count;
      return;
    }
    const shift = (cell & 1) << 2;
    const both = cells[start + (cell >>> 1)]!;
    cells[start + (cell >>> 1)] = (both & ~(HALF << shift)) | ((count & HALF) << shift);
  }

  /**
   * Adds to a slot of the window. Returns how often the cell has run over: it lacks so many times `wrap`. To add the negative of a count takes it back,
   * what has run over included.
   */
  add(row: number, slot: number, count: number): number {
    const { cells, newest } = this.#chunks[row >>> CHUNK_BITS]!;
    const at = row & IN_CHUNK;
    if (slot > newest[at]!) {
      this.#clear(cells, at, newest[at]!, slot);
      newest[at] = slot;
    }
    const cell = slot % this.#slots;
    const sum = this.#get(cells, at, cell) + count;
    this.#set(cells, at, cell, sum);
    return sum < this.wrap ? 0 : Math.floor(sum / this.wrap);
  }

  /** As much as a cell holds, of a slot for which that is too little. */
  saturate(row: number, slot: number): void {
    const { cells } = this.#chunks[row >>> CHUNK_BITS]!;
    this.#set(cells, row & IN_CHUNK, slot % this.#slots, this.wrap - 1);
  }

  /** The cells of the slots after `before` up to `slot`: they still hold what was a window ago. */
  #clear(cells: Cells, at: number, before: number, slot: number): void {
    const count = Math.min(slot - before, this.#slots);
    for (let each = slot - count + 1; each <= slot; each++) this.#set(cells, at, each % this.#slots, 0);
  }

  /** Of the slots from `first` to `last`, both included; the window reaches back from `last`. */
  sum(row: number, first: number, last: number): number {
    const { cells, newest } = this.#chunks[row >>> CHUNK_BITS]!;
    const at = row & IN_CHUNK;
    const until = Math.min(last, newest[at]!);
    const from = Math.max(first, newest[at]! - this.#slots + 1);
    if (from > until) return 0;
    const start = at * this.#length;
    const [begin, end] = [from % this.#slots, until % this.#slots];
    const sumOf = this.#isHalved ? sumOfHalves : sumOfCells;
    if (begin <= end) return sumOf(cells, start, begin, end);
    return sumOf(cells, start, begin, this.#slots - 1) + sumOf(cells, start, 0, end);
  }
}

/** Of a row that begins at `start`, from one cell to another, both included. */
function sumOfCells(cells: Cells, start: number, begin: number, end: number): number {
  let sum = 0;
  for (let at = start + begin; at <= start + end; at++) sum += cells[at]!;
  return sum;
}

/** The same of cells of 4 bits: two at a time where both are asked for. */
function sumOfHalves(cells: Cells, start: number, begin: number, end: number): number {
  let sum = 0;
  let cell = begin;
  if ((cell & 1) === 1) {
    sum += cells[start + (cell >>> 1)]! >>> 4;
    cell += 1;
  }
  for (; cell < end; cell += 2) {
    const both = cells[start + (cell >>> 1)]!;
    sum += (both & HALF) + (both >>> 4);
  }
  return cell === end ? sum + (cells[start + (cell >>> 1)]! & HALF) : sum;
}
