import type { Column } from './column.ts';
import { joinLabels } from './labels.ts';
import { OVERFLOW, type SeriesTable } from './series-table.ts';
import type { TextWriter } from './text-writer.ts';

/** A counter per label set of one table, for decisions and errors: resolved by text where that happens once per connection, else by index. */
export class Counters {
  readonly #table: SeriesTable;
  /** By series. */
  readonly counts: Column;

  constructor(table: SeriesTable) {
    this.#table = table;
    this.counts = table.counts();
  }

  add(series: number): void {
    this.counts.values[series]!++;
    this.#table.used(series);
  }

  forget(evicted: readonly number[]): void {
    for (const index of evicted) this.counts.values[index] = 0;
  }

  write(writer: TextWriter, name: string, extra = ''): void {
    for (let series = OVERFLOW; series < this.#table.end; series++) {
      const labels = this.#table.text(series);
      const count = this.counts.values[series]!;
      if (labels !== null && count > 0) writer.sample(name, joinLabels(labels, extra), count);
    }
  }
}

/** Counters by a closed set of values of one label, all present from the start so that dashboards never show "no data". */
export class ClosedCounters<K extends string> {
  readonly #label: string;
  readonly #counts: Map<K, number>;

  constructor(label: string, values: readonly K[]) {
    this.#label = label;
    this.#counts = new Map(values.map((value) => [value, 0]));
  }

  has(value: K): boolean {
    return this.#counts.has(value);
  }

  add(value: K): void {
    this.#counts.set(value, (this.#counts.get(value) ?? 0) + 1);
  }

  write(writer: TextWriter, name: string, extra = ''): void {
    for (const [value, count] of this.#counts) {
      writer.sample(name, joinLabels(extra, `${this.#label}="${value}"`), count);
    }
  }
}
