import { COUNTER, COUNTERS } from '../../../proxy-image/contract/traffic/counters.ts';
import { CounterRows, NO_ROW } from './counter-rows.ts';
import { DIMENSIONS } from './dimensions.ts';
import type { TrafficSum } from './traffic-sum.ts';

/** A row for each counter, and for what octets have above 2^32 in a slot. */
const ROWS: number = COUNTERS + 2;
const HIGH_READ = COUNTERS;
const HIGH_WRITTEN: number = COUNTERS + 1;
const HIGH_UNIT: number = 2 ** 32;
/** Series that there is room for from the start. */
const FIRST_SERIES = 256;
/** Instead of a series. */
export const NO_SERIES = -1;

/**
 * All series: labels as numbers of texts, and a row of counts for each counter that has counted within the window. A counter that never counts takes four
 * octets: most series use ten of them.
 */
export class SeriesTable {
  readonly rows: CounterRows;
  readonly #maxSeries: number;
  readonly #free: number[] = [];
  #made = 0;
  #labels = new Uint32Array(FIRST_SERIES * DIMENSIONS.length);
  #rowOf = new Int32Array(FIRST_SERIES * ROWS).fill(NO_ROW);
  #open = new Uint32Array(FIRST_SERIES);

  constructor(maxSeries: number, rows: CounterRows) {
    this.#maxSeries = maxSeries;
    this.rows = rows;
  }

  /** Octets of a series all of whose counters count; its share of the texts is not in it. */
  static mostBytesPerSeries(slots: number): number {
    return ROWS * CounterRows.bytesPerRow(slots) + SeriesTable.#leastBytesPerSeries();
  }

  static #leastBytesPerSeries(): number {
    return 4 * (DIMENSIONS.length + ROWS + 1);
  }

  get size(): number {
    return this.#made - this.#free.length;
  }

  get bytes(): number {
    return this.rows.bytes + this.#labels.byteLength + this.#rowOf.byteLength + this.#open.byteLength;
  }

  /** `NO_SERIES`: there are as many as may be. `labels`: a number for each of `DIMENSIONS`. */
  create(labels: ArrayLike<number>): number {
    const series = this.#free.pop() ?? this.#make();
    if (series !== NO_SERIES) this.#labels.set(labels, series * DIMENSIONS.length);
    return series;
  }

  #make(): number {
    if (this.#made >= this.#maxSeries) return NO_SERIES;
    if (this.#made === this.#open.length) this.#grow(Math.min(this.#maxSeries, this.#made * 2));
    this.#made += 1;
    return this.#made - 1;
  }

  #grow(series: number): void {
    const rowOf = new Int32Array(series * ROWS);
    rowOf.set(this.#rowOf);
    rowOf.fill(NO_ROW, this.#rowOf.length);
    this.#rowOf = rowOf;
    this.#labels = larger(this.#labels, series * DIMENSIONS.length);
    this.#open = larger(this.#open, series);
  }

  remove(series: number): void {
    for (let at = series * ROWS; at < (series + 1) * ROWS; at++) {
      if (this.#rowOf[at] !== NO_ROW) this.rows.close(this.#rowOf[at]!);
      this.#rowOf[at] = NO_ROW;
    }
    this.#open[series] = 0;
    this.#free.push(series);
  }

  label(series: number, dimension: number): number {
    return this.#labels[series * DIMENSIONS.length + dimension]!;
  }

  hasLabels(series: number, labels: ArrayLike<number>): boolean {
    const start = series * DIMENSIONS.length;
    for (let at = 0; at < DIMENSIONS.length; at++) {
      if (this.#labels[start + at] !== labels[at]) return false;
    }
    return true;
  }

  setOpen(series: number, connections: number): void {
    this.#open[series] = connections;
  }

  /** False: there is no room for another counter. */
  add(series: number, counter: number, slot: number, count: number): boolean {
    const row = this.#rowFor(series * ROWS + counter, slot);
    if (row === NO_ROW) return false;
    const above = Math.floor(count / HIGH_UNIT) + this.rows.add(row, slot, count % HIGH_UNIT);
    if (above === 0) return true;
    const high = highOf(counter);
    const highRow = high === null ? NO_ROW : this.#rowFor(series * ROWS + high, slot);
    // Of anything but octets 2^32 in a slot are more than a proxy can carry.
    if (highRow === NO_ROW) this.rows.saturate(row, slot);
    else this.rows.add(highRow, slot, above);
    return true;
  }

  #rowFor(at: number, slot: number): number {
    if (this.#rowOf[at] === NO_ROW) this.#rowOf[at] = this.rows.open(slot);
    return this.#rowOf[at]!;
  }

  /** Adds to `sum` what the series has counted from slot `first` to `last`, and what it has open; false when that is nothing. */
  addTo(sum: TrafficSum, series: number, first: number, last: number): boolean {
    const { numbers } = sum;
    const start = series * ROWS;
    const open = this.#open[series]!;
    let any = open > 0;
    numbers[COUNTER.open]! += open;
    for (let counter = 0; counter < ROWS; counter++) {
      const row = this.#rowOf[start + counter]!;
      const count = row === NO_ROW ? 0 : this.rows.sum(row, first, last);
      if (count === 0) continue;
      any = true;
      if (counter < COUNTERS) numbers[counter]! += count;
      else numbers[counter === HIGH_READ ? COUNTER.readBytes : COUNTER.writtenBytes]! += count * HIGH_UNIT;
    }
    return any;
  }

  /** Frees the counters that have not counted since slot `since`; true when none is left and nothing is open. */
  expire(series: number, since: number): boolean {
    let left = this.#open[series]! > 0;
    for (let at = series * ROWS; at < (series + 1) * ROWS; at++) {
      const row = this.#rowOf[at]!;
      if (row === NO_ROW) continue;
      if (this.rows.newest(row) >= since) {
        left = true;
        continue;
      }
      this.rows.close(row);
      this.#rowOf[at] = NO_ROW;
    }
    return !left;
  }

  /** Rows for every counter, so that there is room whatever becomes of the rest. */
  reserve(series: number): void {
    for (let at = series * ROWS; at < (series + 1) * ROWS; at++) this.#rowFor(at, 0);
  }
}

function highOf(counter: number): number | null {
  if (counter === COUNTER.readBytes) return HIGH_READ;
  return counter === COUNTER.writtenBytes ? HIGH_WRITTEN : null;
}

function larger(array: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const copy = new Uint32Array(length);
  copy.set(array);
  return copy;
}
