import { DIMENSIONS } from '../../../crds/viz/dimensions.ts';
import { COUNTER, COUNTERS } from '../../../proxy-image/contract/traffic/counters.ts';
import { Counts, NO_COUNTS } from './counts.ts';
import type { TrafficSum } from './traffic-sum.ts';

/** Counts of each counter, and of what octets have above 2^32 in a slot. */
const KEPT: number = COUNTERS + 2;
const HIGH_READ = COUNTERS;
const HIGH_WRITTEN: number = COUNTERS + 1;
const HIGH_UNIT: number = 2 ** 32;
/** Series that there is room for from the start, and how many times as many there is when they are used up: twice as many would leave 10 MiB unused at the worst. */
const FIRST_SERIES = 256;
const GROWTH = 1.25;
/** Instead of a series. */
export const NO_SERIES = -1;

/**
 * All series: labels as numbers of texts, and counts of each counter that has counted within the window. A counter that never counts takes four
 * octets: most series use ten of them.
 */
export class SeriesTable {
  readonly counts: Counts;
  readonly #maxSeries: number;
  readonly #free: number[] = [];
  #made = 0;
  #labels = new Uint32Array(FIRST_SERIES * DIMENSIONS.length);
  #countsOf = new Int32Array(FIRST_SERIES * KEPT).fill(NO_COUNTS);
  #open = new Uint32Array(FIRST_SERIES);

  constructor(maxSeries: number, counts: Counts) {
    this.#maxSeries = maxSeries;
    this.counts = counts;
  }

  /** Octets of a series all of whose counters count; its share of the texts is not in it. */
  static mostBytesPerSeries(slots: number): number {
    return KEPT * Counts.mostBytes(slots) + SeriesTable.#leastBytesPerSeries();
  }

  static #leastBytesPerSeries(): number {
    return 4 * (DIMENSIONS.length + KEPT + 1);
  }

  get size(): number {
    return this.#made - this.#free.length;
  }

  get bytes(): number {
    return this.counts.bytes + this.#labels.byteLength + this.#countsOf.byteLength + this.#open.byteLength;
  }

  /** `NO_SERIES`: there are as many as may be. `labels`: a number for each of `DIMENSIONS`. */
  create(labels: ArrayLike<number>): number {
    const series = this.#free.pop() ?? this.#make();
    if (series !== NO_SERIES) this.#labels.set(labels, series * DIMENSIONS.length);
    return series;
  }

  #make(): number {
    if (this.#made >= this.#maxSeries) return NO_SERIES;
    if (this.#made === this.#open.length) this.#grow(Math.min(this.#maxSeries, Math.ceil(this.#made * GROWTH)));
    this.#made += 1;
    return this.#made - 1;
  }

  #grow(series: number): void {
    const countsOf = new Int32Array(series * KEPT);
    countsOf.set(this.#countsOf);
    countsOf.fill(NO_COUNTS, this.#countsOf.length);
    this.#countsOf = countsOf;
    this.#labels = larger(this.#labels, series * DIMENSIONS.length);
    this.#open = larger(this.#open, series);
  }

  remove(series: number): void {
    for (let at = series * KEPT; at < (series + 1) * KEPT; at++) {
      if (this.#countsOf[at] !== NO_COUNTS) this.counts.close(this.#countsOf[at]!);
      this.#countsOf[at] = NO_COUNTS;
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

  /** False: there is no room for it, and nothing was added. */
  add(series: number, counter: number, slot: number, count: number): boolean {
    if (!this.#addTo(series * KEPT + counter, slot, count % HIGH_UNIT)) return false;
    const above = Math.floor(count / HIGH_UNIT) + this.counts.runOver;
    if (above > 0) this.#addAbove(series, counter, slot, above);
    return true;
  }

  #addAbove(series: number, counter: number, slot: number, above: number): void {
    const high = highOf(counter);
    if (high !== null && this.#addTo(series * KEPT + high, slot, above)) return;
    // Of anything but octets 2^32 in a slot are more than a proxy can carry; octets come here when memory is full.
    this.counts.saturate(this.#countsOf[series * KEPT + counter]!, slot);
  }

  #addTo(at: number, slot: number, count: number): boolean {
    const before = this.#countsOf[at] === NO_COUNTS ? this.counts.open(slot) : this.#countsOf[at]!;
    if (before === NO_COUNTS) return false;
    const after = this.counts.add(before, slot, count);
    this.#countsOf[at] = after === NO_COUNTS ? before : after;
    return after !== NO_COUNTS;
  }

  /** Adds to `sum` what the series has counted from slot `first` to `last`, and what it has open; false when that is nothing. */
  addTo(sum: TrafficSum, series: number, first: number, last: number): boolean {
    const { numbers } = sum;
    const start = series * KEPT;
    const open = this.#open[series]!;
    let any = open > 0;
    numbers[COUNTER.open]! += open;
    for (let counter = 0; counter < KEPT; counter++) {
      const counts = this.#countsOf[start + counter]!;
      const count = counts === NO_COUNTS ? 0 : this.counts.sum(counts, first, last);
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
    for (let at = series * KEPT; at < (series + 1) * KEPT; at++) {
      const counts = this.#countsOf[at]!;
      if (counts === NO_COUNTS) continue;
      if (this.counts.newest(counts) >= since) {
        left = true;
        continue;
      }
      this.counts.close(counts);
      this.#countsOf[at] = NO_COUNTS;
    }
    return !left;
  }

  /** Takes the room that every counter can need, so that there is some whatever becomes of the rest. */
  reserve(series: number): void {
    for (let at = series * KEPT; at < (series + 1) * KEPT; at++) this.#countsOf[at] = this.counts.openWide(0);
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
