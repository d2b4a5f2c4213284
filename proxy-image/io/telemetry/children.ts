import { bytes, type Column } from './column.ts';
import { OVERFLOW, type SeriesTable } from './series-table.ts';

/** Outcomes per series before they share the overflow: an upstream that makes up statuses must not fill the memory. */
const OUTCOMES_PER_SERIES = 4;
/** … and of one series, however much room the others leave: every status of gRPC and as many again of HTTP and of the proxy's own errors. */
const OUTCOMES_OF_ONE_SERIES = 64;
/** Room for one outcome code. */
const CODES = 2 ** 19;
const NONE = -1;

/** The part of a table's series that is split further, by status and the like. Index 0 is the overflow. */
export class Children {
  readonly #byKey = new Map<number, number>();
  readonly #keys: number[] = [NONE];
  readonly #free: number[] = [];
  readonly #capacity: number;
  readonly #perSeries: Column<Uint8Array>;
  readonly #open: (index: number) => void;

  constructor(table: SeriesTable, capacity: number, open: (index: number) => void) {
    this.#capacity = capacity * OUTCOMES_PER_SERIES;
    this.#perSeries = table.column(bytes);
    this.#open = open;
    open(OVERFLOW);
  }

  resolve(series: number, code: number): number {
    const key = series * CODES + code;
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    if (this.#byKey.size >= this.#capacity || this.#perSeries.values[series]! >= OUTCOMES_OF_ONE_SERIES)
      return OVERFLOW;
    this.#perSeries.values[series]!++;
    const index = this.#free.pop() ?? this.#keys.length;
    this.#keys[index] = key;
    this.#byKey.set(key, index);
    this.#open(index);
    return index;
  }

  forget(series: ReadonlySet<number>): void {
    for (const [key, index] of this.#byKey) {
      if (!series.has(Math.floor(key / CODES))) continue;
      this.#byKey.delete(key);
      this.#keys[index] = NONE;
      this.#free.push(index);
    }
    for (const index of series) this.#perSeries.values[index] = 0;
  }

  *[Symbol.iterator](): Generator<{ series: number; code: number; index: number }> {
    for (const [key, index] of this.#byKey) {
      yield { series: Math.floor(key / CODES), code: key % CODES, index };
    }
  }
}
