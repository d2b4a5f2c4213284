import type { SeriesHolder } from '../../core/series.ts';
import { Column, counts, epochs, type SeriesNumbers } from './column.ts';
import { OVERFLOW_LABELS } from './overflow-labels.ts';

/** Index of the series that takes what no longer finds room. */
export const OVERFLOW = 0;

/** Series that there is room for from the start. A power of two. */
const FIRST_ROWS = 16;

/**
 * Label sets of a group of families, by index. At most `capacity`: a client that can make up identities, or a pool of thousands of endpoints, must not fill
 * the memory; what comes beyond shares the overflow series. A series unused for ten minutes is evicted (Linkerd: metrics retain idle), its index used again
 * under a new generation, which is how holders notice.
 */
export class SeriesTable {
  /** Coarse time, advanced by `evict`. */
  epoch = 0;
  readonly #texts: (string | null)[] = [OVERFLOW_LABELS];
  readonly #byText = new Map<string, number>();
  readonly #free: number[] = [];
  readonly #capacity: number;
  #rows = FIRST_ROWS;
  readonly #columns: { grow(rows: number): void }[] = [];
  readonly #generations: Column<Uint32Array>;
  readonly #lastUsed: Column<Uint32Array>;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#generations = this.column(epochs);
    this.#lastUsed = this.column(epochs);
  }

  /** Numbers of which each series has `perSeries`, at first `initial`. */
  column<T extends SeriesNumbers>(make: (length: number) => T, perSeries = 1, initial = 0): Column<T> {
    const column = new Column(make, this.#rows, perSeries, initial);
    this.#columns.push(column);
    return column;
  }

  counts(perSeries = 1): Column {
    return this.column(counts, perSeries);
  }

  #makeRoom(index: number): void {
    if (index < this.#rows) return;
    this.#rows *= 2;
    for (const column of this.#columns) column.grow(this.#rows);
  }

  /** Right after a recording. */
  used(series: number): void {
    this.#lastUsed.values[series] = this.epoch;
  }

  get size(): number {
    return this.#byText.size;
  }

  /** One more than the greatest index in use. */
  get end(): number {
    return this.#texts.length;
  }

  /** How often the index has stood for another series. */
  generation(index: number): number {
    return this.#generations.values[index]!;
  }

  /** Label text of a series; `null` = no such series. */
  text(index: number): string | null {
    return this.#texts[index] ?? null;
  }

  /** The series of a label set; `OVERFLOW` when there is no room. */
  resolve(text: string): number {
    const known = this.#byText.get(text);
    if (known !== undefined) return known;
    if (this.#byText.size >= this.#capacity) return OVERFLOW;
    const index = this.#free.pop() ?? this.#texts.length;
    this.#makeRoom(index);
    this.#texts[index] = text;
    this.#byText.set(text, index);
    this.used(index);
    return index;
  }

  /** True when what `holder` remembers is still its series. */
  holds(holder: SeriesHolder): boolean {
    return holder.series >= 0 && this.#generations.values[holder.series] === holder.generation;
  }

  bind(holder: SeriesHolder, text: string): number {
    holder.series = this.resolve(text);
    holder.generation = this.#generations.values[holder.series]!;
    return holder.series;
  }

  /** Frees series not used since epoch `before`, but those that `keep` names; returns their indexes. */
  evict(before: number, keep: (index: number) => boolean = () => false): number[] {
    const evicted: number[] = [];
    for (let index = OVERFLOW + 1; index < this.#texts.length; index++) {
      const text = this.#texts[index];
      if (text === null || text === undefined || this.#lastUsed.values[index]! >= before || keep(index)) continue;
      this.#byText.delete(text);
      this.#texts[index] = null;
      this.#free.push(index);
      this.#generations.values[index]!++;
      evicted.push(index);
    }
    // Those that were sent to the overflow may have room now.
    if (evicted.length > 0) this.#generations.values[OVERFLOW]!++;
    return evicted;
  }
}
