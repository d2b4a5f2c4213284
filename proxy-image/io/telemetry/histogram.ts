import { LATENCY_BUCKETS_MS } from '../../contract/traffic/latency-buckets.ts';
import { joinLabels } from './labels.ts';
import { formatValue, type TextWriter } from './text-writer.ts';

const INITIAL_HISTOGRAMS = 16;

/** Histograms of one family in one array: per histogram a count for each bucket and one for what is above, then the sum. */
export class Histograms {
  readonly #bounds: readonly number[];
  readonly #labels: readonly string[];
  readonly #stride: number;
  #cells: Float64Array;

  constructor(bounds: readonly number[] = LATENCY_BUCKETS_MS) {
    this.#bounds = bounds;
    this.#labels = [...bounds, Number.POSITIVE_INFINITY].map((bound) => `le="${formatValue(bound)}"`);
    this.#stride = bounds.length + 2;
    this.#cells = new Float64Array(INITIAL_HISTOGRAMS * this.#stride);
  }

  /** Makes room for an index, and empties it. */
  open(index: number): void {
    const end = (index + 1) * this.#stride;
    if (end > this.#cells.length) {
      const larger = new Float64Array(Math.max(end, this.#cells.length * 2));
      larger.set(this.#cells);
      this.#cells = larger;
    }
    this.#cells.fill(0, index * this.#stride, end);
  }

  record(index: number, value: number): void {
    const base = index * this.#stride;
    const bounds = this.#bounds;
    // From below: most responses are fast, so this is one or two comparisons.
    let bucket = 0;
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++;
    this.#cells[base + bucket]!++;
    this.#cells[base + bounds.length + 1]! += value;
  }

  /** For each bound, and above the last: how many came to it and not to the one before. Valid until the next `open`. */
  bucketsOf(index: number): Float64Array {
    const base = index * this.#stride;
    return this.#cells.subarray(base, base + this.#bounds.length + 1);
  }

  countOf(index: number): number {
    return this.bucketsOf(index).reduce((sum, count) => sum + count, 0);
  }

  write(writer: TextWriter, name: string, labels: string, index: number): void {
    const base = index * this.#stride;
    let count = 0;
    for (let bucket = 0; bucket < this.#labels.length; bucket++) {
      count += this.#cells[base + bucket]!;
      writer.sample(`${name}_bucket`, joinLabels(labels, this.#labels[bucket]!), count);
    }
    writer.sample(`${name}_sum`, labels, this.#cells[base + this.#stride - 1]!);
    writer.sample(`${name}_count`, labels, count);
  }
}
