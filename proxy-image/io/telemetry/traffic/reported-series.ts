import type { SeriesLabels } from '../../../contract/traffic/labels.ts';
import type { ReportWriter } from './report-writer.ts';

/** A series of reports, and how many of the recorder's count in it. */
export interface ReportedSeries {
  readonly key: string;
  readonly number: number;
  uses: number;
}

/** Series of reports by their labels: the recorder tells more apart (the address of an endpoint, its zone). */
export class ReportedSeriesTable {
  readonly #writer: ReportWriter;
  readonly #byKey = new Map<string, ReportedSeries>();

  constructor(writer: ReportWriter) {
    this.#writer = writer;
  }

  take(labels: SeriesLabels): ReportedSeries {
    const key = JSON.stringify(labels);
    let series = this.#byKey.get(key);
    if (series === undefined) {
      series = { key, number: this.#writer.open(labels), uses: 0 };
      this.#byKey.set(key, series);
    }
    series.uses += 1;
    return series;
  }

  release(series: ReportedSeries): void {
    series.uses -= 1;
    if (series.uses > 0) return;
    this.#byKey.delete(series.key);
    this.#writer.close(series.number);
  }
}
