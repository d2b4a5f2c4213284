export type SeriesNumbers = Float64Array | Int32Array | Uint32Array | Uint8Array;

/** Numbers beside the series of a table, which makes room with every new series: what a proxy may have at most costs nothing before it has it. */
export class Column<T extends SeriesNumbers = Float64Array> {
  /** By series; replaced when it grows. */
  values: T;
  readonly #make: (length: number) => T;
  readonly #perSeries: number;
  readonly #initial: number;

  constructor(make: (length: number) => T, rows: number, perSeries = 1, initial = 0) {
    this.#make = make;
    this.#perSeries = perSeries;
    this.#initial = initial;
    this.values = make(rows * perSeries);
    if (initial !== 0) this.values.fill(initial);
  }

  /** For `rows` series, more than before. */
  grow(rows: number): void {
    const before = this.values;
    const values = this.#make(rows * this.#perSeries);
    values.set(before);
    if (this.#initial !== 0) values.fill(this.#initial, before.length);
    this.values = values;
  }
}

export const counts = (length: number): Float64Array => new Float64Array(length);
export const codes = (length: number): Int32Array => new Int32Array(length);
export const bytes = (length: number): Uint8Array => new Uint8Array(length);
export const epochs = (length: number): Uint32Array => new Uint32Array(length);
