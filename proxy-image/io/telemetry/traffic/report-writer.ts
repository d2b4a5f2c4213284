import { SILENCE_TIMEOUT_MS } from '../../../contract/messages.ts';
import { COUNTER, COUNTERS } from '../../../contract/traffic/counters.ts';
import { OVERFLOW_SERIES, overflowOf, type SeriesLabels } from '../../../contract/traffic/labels.ts';
import { MAX_SERIES, mostOf, TRAFFIC_VERSION, type TrafficReport } from '../../../contract/traffic/report.ts';

const FIRST_NUMBER = OVERFLOW_SERIES.length;
/** A stream that has died is known to be dead before so long: what was sent earlier has arrived. */
const SWALLOWED_MS: number = 2 * SILENCE_TIMEOUT_MS;

/** One series, as its number stands for it. */
interface Series {
  readonly labels: SeriesLabels;
  /** What each counter has grown by since the last report; `open`: what is open. */
  readonly counts: Float64Array;
  /** Of `open`, what the reader knows. */
  toldOpen: number;
  changed: boolean;
  /** On the stream of now. */
  declared: boolean;
  closed: boolean;
}

/**
 * Reports of one run of the proxy: numbers the series, and says in each report only what has changed since the last. Counts that are not reported yet are kept
 * while there is no stream. What is beyond the most series counts in those for overflow.
 */
export class ReportWriter {
  readonly #run: string;
  readonly #maxSeries: number;
  readonly #series: (Series | undefined)[] = OVERFLOW_SERIES.map(seriesOf);
  readonly #free: number[] = [];
  /** Numbers whose series are closed and are still to be withdrawn. */
  #closed: number[] = [];
  /** The last report, for it may not have arrived, and the series that its changes are of. */
  #last: { report: TrafficReport; series: [number: number, series: Series][] } | null = null;
  #seq = 0;

  /** `run` is like that of no other run of this proxy. `maxSeries`: those for overflow included. */
  constructor(run: string, maxSeries: number = MAX_SERIES) {
    this.#run = run;
    this.#maxSeries = Math.min(maxSeries, MAX_SERIES);
  }

  /** The number of a new series; of one for overflow when there are as many as may be. Its labels are texts as `labelText` makes them. */
  open(labels: SeriesLabels): number {
    const number = this.#free.pop() ?? this.#series.length;
    if (number >= this.#maxSeries) return overflowOf(labels);
    this.#series[number] = seriesOf(labels);
    return number;
  }

  /** Nothing more comes of it. What it has counted is still reported. */
  close(number: number): void {
    const series = this.#series[number];
    if (number < FIRST_NUMBER || series === undefined || series.closed) return;
    series.closed = true;
    series.counts[COUNTER.open] = 0;
    this.#closed.push(number);
  }

  /** Of any counter but `open`. */
  count(number: number, counter: number, grownBy: number): void {
    this.#add(number, counter, grownBy);
  }

  /** So many connections more are open, or fewer where it is negative. */
  opened(number: number, by: number): void {
    this.#add(number, COUNTER.open, by);
  }

  #add(number: number, counter: number, by: number): void {
    const series = this.#series[number];
    if (series === undefined || by === 0) return;
    series.counts[counter]! += by;
    series.changed = true;
  }

  /**
   * A new stream has begun, `agoMs` after the last report was made. Returns that report as it is to be sent again, for the stream of before may have swallowed it:
   * the reader knows by its number whether it has it. `null`: there is none, or it is so old that it has arrived.
   */
  connected(agoMs: number): TrafficReport | null {
    for (const series of this.#series) {
      if (series === undefined) continue;
      series.declared = false;
      series.toldOpen = 0;
      if (series.counts[COUNTER.open]! > 0) series.changed = true;
    }
    if (this.#last === null || agoMs > SWALLOWED_MS) return null;
    const { report, series } = this.#last;
    const declared: TrafficReport['declared'] = [];
    for (const [number, of] of series) {
      of.declared = true;
      if (number >= FIRST_NUMBER) declared.push([number, of.labels]);
    }
    return { ...report, agoMs: Math.round(agoMs), declared, changed: report.changed.map(withoutOpen) };
  }

  /** What has changed in the `overMs` since the last report; `null`: nothing has. */
  report(overMs: number): TrafficReport | null {
    const declared: TrafficReport['declared'] = this.#withdrawn();
    const changed: number[][] = [];
    const told: [number: number, series: Series][] = [];
    for (const [number, series] of this.#series.entries()) {
      if (series?.changed !== true) continue;
      if (!series.declared && number >= FIRST_NUMBER) declared.push([number, series.labels]);
      series.declared = true;
      changed.push(take(number, series));
      told.push([number, series]);
    }
    if (changed.length === 0 && declared.length === 0) return null;
    this.#seq += 1;
    const head = { type: 'traffic', version: TRAFFIC_VERSION, run: this.#run, seq: this.#seq } as const;
    const report: TrafficReport = { ...head, overMs: Math.round(overMs), agoMs: 0, declared, changed };
    this.#last = { report, series: told };
    return report;
  }

  /** Numbers that stand for nothing from now on. A series that has something to tell yet is withdrawn the next time. */
  #withdrawn(): TrafficReport['declared'] {
    const ready = this.#closed.filter((number) => this.#series[number]?.changed === false);
    this.#closed = this.#closed.filter((number) => this.#series[number]?.changed === true);
    const withdrawn: TrafficReport['declared'] = [];
    for (const number of ready) {
      if (this.#series[number]?.declared === true) withdrawn.push([number, null]);
      this.#series[number] = undefined;
      this.#free.push(number);
    }
    return withdrawn;
  }
}

function seriesOf(labels: SeriesLabels): Series {
  return { labels, counts: new Float64Array(COUNTERS), toldOpen: 0, changed: false, declared: false, closed: false };
}

/** The change of a series, which is told with it. What one report cannot tell of a count is left for the next. */
function take(number: number, series: Series): number[] {
  const change = [number];
  series.changed = false;
  const open = Math.max(0, Math.min(series.counts[COUNTER.open]!, mostOf(COUNTER.open)));
  if (open !== series.toldOpen) change.push(COUNTER.open, open);
  series.toldOpen = open;
  for (const [counter, count] of series.counts.entries()) {
    if (count === 0 || counter === COUNTER.open) continue;
    const told = Math.min(count, mostOf(counter));
    change.push(counter, told);
    series.counts[counter] = count - told;
    if (told < count) series.changed = true;
  }
  return change;
}

/** What was open when the report was made is not so any more: the next one says what is. */
function withoutOpen(change: readonly number[]): number[] {
  const left = change.slice(0, 1);
  for (let at = 1; at < change.length; at += 2) {
    if (change[at] !== COUNTER.open) left.push(change[at]!, change[at + 1]!);
  }
  return left;
}
