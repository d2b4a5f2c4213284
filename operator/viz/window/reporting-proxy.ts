import { DIMENSIONS, REPORTER_LABELS, type Reporter } from '../../../crds/viz/dimensions.ts';
import { type SeriesLabels, TRAFFIC_LABELS } from '../../../proxy-image/contract/traffic/labels.ts';
import { MAX_SERIES } from '../../../proxy-image/contract/traffic/report.ts';
import { Sequence } from './sequence.ts';
import { NO_SERIES, type SeriesTable } from './series-table.ts';
import type { Texts } from './texts.ts';

/** Where series and the texts of their labels are kept. */
export interface SeriesStore {
  readonly texts: Texts;
  readonly table: SeriesTable;
}

/** Series of a proxy, those included that it has withdrawn: twice as many as it may have at a time. One that makes up labels takes its own room, not that of others. */
const MOST_SERIES: number = 2 * MAX_SERIES;
/** Characters of their labels; those of 512 series, as long as names usually are, are 300,000. */
const MOST_CHARACTERS: number = 512 * 1024;

/** One proxy, connected or not long gone: its series, and how much of time its reports have told of. */
export class ReportingProxy {
  readonly sequence = new Sequence();
  /** The stream that it reports on; `null` = none: it is gone. */
  stream: object | null = null;
  readonly #store: SeriesStore;
  readonly #labels: readonly number[];
  /** Series → numbers that stand for it on streams. */
  readonly #series = new Map<number, number>();
  /** Of the labels of all its series. */
  #characters = 0;
  #toldUntilMs = Number.NEGATIVE_INFINITY;
  #intervalMs = 0;

  constructor(store: SeriesStore, reporter: Reporter) {
    this.#store = store;
    this.#labels = REPORTER_LABELS.map((label) => store.texts.use(reporter[label]));
  }

  /** Series, those that have not expired. */
  get series(): MapIterator<number> {
    return this.#series.keys();
  }

  /** One number more stands for this series, which is made when there is none; `NO_SERIES`: there is no room for it. */
  declare(labels: SeriesLabels): number {
    const { table, texts } = this.#store;
    const numbers = [...this.#labels, ...TRAFFIC_LABELS.map((label) => texts.use(labels[label] ?? ''))];
    let series = this.#find(numbers);
    const isNew = series === NO_SERIES;
    if (isNew && !texts.full && this.#hasRoomFor(numbers)) {
      series = table.create(numbers);
      if (series !== NO_SERIES) this.#characters += this.#charactersOf(numbers);
    }
    if (!isNew || series === NO_SERIES) this.#releaseTexts((label) => numbers[label]!);
    if (series !== NO_SERIES) this.#series.set(series, (this.#series.get(series) ?? 0) + 1);
    return series;
  }

  #hasRoomFor(labels: readonly number[]): boolean {
    return this.#series.size < MOST_SERIES && this.#characters + this.#charactersOf(labels) <= MOST_CHARACTERS;
  }

  #charactersOf(labels: readonly number[]): number {
    return labels.reduce((sum, label) => sum + this.#store.texts.text(label).length, 0);
  }

  #find(labels: readonly number[]): number {
    for (const series of this.#series.keys()) {
      if (this.#store.table.hasLabels(series, labels)) return series;
    }
    return NO_SERIES;
  }

  #releaseTexts(numberOf: (label: number) => number): void {
    const first = REPORTER_LABELS.length;
    for (let label = first; label < first + TRAFFIC_LABELS.length; label++) {
      this.#store.texts.release(numberOf(label));
    }
  }

  /** One number less stands for it. What it has counted stays as long as the window. */
  withdraw(series: number): void {
    const left = (this.#series.get(series) ?? 1) - 1;
    this.#series.set(series, left);
    if (left === 0) this.#store.table.setOpen(series, 0);
  }

  /** Its connections are those of the stream that it reports on now. */
  forgetOpen(): void {
    for (const series of this.#series.keys()) this.#store.table.setOpen(series, 0);
  }

  toldUntil(endMs: number, intervalMs: number): void {
    this.#toldUntilMs = Math.max(this.#toldUntilMs, endMs);
    this.#intervalMs = intervalMs;
  }

  /** Milliseconds of the time since `sinceMs` that it has told of. It keeps silent when nothing happens, but for no longer than an interval otherwise. */
  coveredMs(sinceMs: number, nowMs: number): number {
    const untilMs = this.stream === null ? nowMs : Math.max(this.#toldUntilMs, nowMs - this.#intervalMs);
    return Math.max(1, Math.round(untilMs - sinceMs));
  }

  /** Frees what has not counted since slot `since`. A series that a number stands for keeps its labels. */
  expire(since: number): void {
    const { table } = this.#store;
    for (const [series, numbers] of this.#series) {
      if (!table.expire(series, since) || numbers > 0) continue;
      this.#characters -= this.#charactersOf(DIMENSIONS.map((_, label) => table.label(series, label)));
      this.#releaseTexts((label) => table.label(series, label));
      table.remove(series);
      this.#series.delete(series);
    }
  }

  /** Nothing of it is left; true when that is so. */
  leave(): boolean {
    if (this.stream !== null || this.#series.size > 0) return false;
    for (const label of this.#labels) this.#store.texts.release(label);
    return true;
  }
}
