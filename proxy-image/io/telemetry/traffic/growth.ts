import { COUNTER, COUNTERS } from '../../../contract/traffic/counters.ts';
import type { SeriesLabels } from '../../../contract/traffic/labels.ts';
import { OVERFLOW, type SeriesTable } from '../series-table.ts';
import { readLabels } from './label-text.ts';
import type { ReportWriter } from './report-writer.ts';
import type { ReportedSeries, ReportedSeriesTable } from './reported-series.ts';

type Labels = ReadonlyMap<string, string>;

/** What is reported of the series of one table of the recorder. */
export interface GrowthSource {
  readonly table: SeriesTable;
  /** Of what the recorder counts together for want of room; `null`: it is not reported, here and below. */
  readonly overflow: SeriesLabels | null;
  labelsOf(labels: Labels): SeriesLabels | null;
  /** What `labelsOf` says of a series may change. */
  readonly isRelabelled?: boolean;
  /** Adds what every series has counted since the start: of series n from `n * COUNTERS` on. `totals` are zeros. */
  read(totals: Float64Array): void;
}

interface Followed {
  readonly generation: number;
  readonly labels: Labels;
  /** `null`: it has not grown since it is followed, or is not reported. */
  series: ReportedSeries | null;
}

/** By how much the series of one table have grown since it was looked at last. Requests pay nothing for it: what the recorder counts is read when a report is due. */
export class Growth {
  readonly #source: GrowthSource;
  readonly #writer: ReportWriter;
  readonly #reported: ReportedSeriesTable;
  readonly #followed: (Followed | undefined)[] = [];
  #before = new Float64Array(0);
  #now = new Float64Array(0);

  constructor(source: GrowthSource, writer: ReportWriter, reported: ReportedSeriesTable) {
    this.#source = source;
    this.#writer = writer;
    this.#reported = reported;
  }

  /** `counts` false: what has grown up to now is not reported, only what is open. */
  collect(counts: boolean): void {
    const { table } = this.#source;
    this.#makeRoom(table.end);
    this.#now.fill(0);
    this.#source.read(this.#now);
    for (let index = OVERFLOW; index < table.end; index++) {
      const followed = this.#follow(index);
      if (followed !== null) this.#compare(index, followed, counts);
    }
    [this.#before, this.#now] = [this.#now, this.#before];
  }

  #makeRoom(rows: number): void {
    if (rows * COUNTERS <= this.#now.length) return;
    const before = new Float64Array(2 * rows * COUNTERS);
    before.set(this.#before);
    this.#before = before;
    this.#now = new Float64Array(before.length);
  }

  /** `null`: there is no such series. One whose index stands for another now begins at nothing. */
  #follow(index: number): Followed | null {
    const { table } = this.#source;
    const text = table.text(index);
    // That of the overflow says only that others may have room now.
    const generation = index === OVERFLOW ? 0 : table.generation(index);
    const known = this.#followed[index];
    if (known !== undefined && known.generation === generation && text !== null) {
      this.#relabel(index, known);
      return known;
    }
    if (known !== undefined) this.#forget(index, known);
    if (text === null) return null;
    const followed = { generation, labels: readLabels(text), series: null };
    this.#followed[index] = followed;
    return followed;
  }

  #relabel(index: number, followed: Followed): void {
    const { series } = followed;
    if (series === null || this.#source.isRelabelled !== true) return;
    if (JSON.stringify(this.#labelsOf(index, followed)) === series.key) return;
    const open = this.#before[index * COUNTERS + COUNTER.open]!;
    this.#release(series, open);
    followed.series = this.#take(index, followed);
    if (followed.series !== null) this.#writer.opened(followed.series.number, open);
  }

  #forget(index: number, { series }: Followed): void {
    const start = index * COUNTERS;
    if (series !== null) this.#release(series, this.#before[start + COUNTER.open]!);
    this.#before.fill(0, start, start + COUNTERS);
    this.#followed[index] = undefined;
  }

  #release(series: ReportedSeries, open: number): void {
    this.#writer.opened(series.number, -open);
    this.#reported.release(series);
  }

  #compare(index: number, followed: Followed, counts: boolean): void {
    const start = index * COUNTERS;
    for (let counter = 0; counter < COUNTERS; counter++) {
      const by = this.#now[start + counter]! - this.#before[start + counter]!;
      if (by === 0 || !(counts || counter === COUNTER.open)) continue;
      followed.series ??= this.#take(index, followed);
      if (followed.series === null) return;
      if (counter === COUNTER.open) this.#writer.opened(followed.series.number, by);
      else this.#writer.count(followed.series.number, counter, by);
    }
  }

  #take(index: number, followed: Followed): ReportedSeries | null {
    const labels = this.#labelsOf(index, followed);
    return labels === null ? null : this.#reported.take(labels);
  }

  #labelsOf(index: number, { labels }: Followed): SeriesLabels | null {
    return index === OVERFLOW ? this.#source.overflow : this.#source.labelsOf(labels);
  }
}
