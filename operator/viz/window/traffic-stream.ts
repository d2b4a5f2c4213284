import { COUNTER } from '../../../proxy-image/contract/traffic/counters.ts';
import { OVERFLOW_SERIES, overflowOf, type SeriesLabels } from '../../../proxy-image/contract/traffic/labels.ts';
import type { TrafficReport } from '../../../proxy-image/contract/traffic/report.ts';
import type { ReportingProxy } from './reporting-proxy.ts';
import { NO_SERIES, type SeriesTable } from './series-table.ts';
import { type Slots, Spread } from './slots.ts';

/** What all streams share. */
export interface StreamContext {
  readonly slots: Slots;
  readonly table: SeriesTable;
  /** Series that take what finds no room, in the order of `OVERFLOW_SERIES`. */
  readonly overflow: readonly number[];
  /** A series, or a counter of one, has found no room. */
  overflowed(): void;
}

/**
 * Why a report did not count, or that it did: `duplicate`, it has counted before (sent again, or too far out of order to know); `late`, what it tells of is
 * older than the window; `closed`, the stream has ended.
 */
export type ReportVerdict = 'taken' | 'duplicate' | 'late' | 'closed';

export interface ReportOutcome {
  verdict: ReportVerdict;
  /** Changes that were left out, for nothing says what their number stands for. */
  undeclared: number;
}

interface Declared {
  readonly series: number;
  /** Index of the overflow for its kind. */
  readonly kind: number;
}

/** Reports of one proxy on one connection. */
export class TrafficStream {
  readonly #context: StreamContext;
  readonly #proxy: ReportingProxy;
  readonly #declared: (Declared | undefined)[] = [];
  #isClosed = false;

  constructor(context: StreamContext, proxy: ReportingProxy) {
    this.#context = context;
    this.#proxy = proxy;
    // A proxy that comes back says anew what it has open, and the connection of before may be dead and not known to be.
    proxy.forgetOpen();
    proxy.stream = this;
  }

  /** `report` is checked, and was received at `nowMs` of a monotonic clock. What it declares holds, whether or not it counts. */
  take(report: TrafficReport, nowMs: number): ReportOutcome {
    if (this.#isClosed) return { verdict: 'closed', undeclared: 0 };
    for (const [number, labels] of report.declared) this.#declare(number, labels);
    const { slots } = this.#context;
    const endMs = nowMs - report.agoMs;
    const oldest = slots.oldest(nowMs);
    if (slots.at(endMs) < oldest) return { verdict: 'late', undeclared: 0 };
    const counts = this.#proxy.sequence.take(report.run, report.seq);
    const isNewest = this.#proxy.stream === this && this.#proxy.sequence.isNewest(report.seq);
    const spread = counts ? new Spread(slots, endMs, report.overMs, oldest) : null;
    if (counts) this.#proxy.toldUntil(endMs, report.overMs);
    let undeclared = 0;
    for (const change of report.changed) {
      const declared = this.#seriesOf(change[0]!);
      if (declared === null) undeclared += 1;
      else this.#count(declared, change, spread, isNewest);
    }
    return { verdict: counts ? 'taken' : 'duplicate', undeclared };
  }

  /** The connection has ended. What was counted stays as long as the window. */
  close(): void {
    this.#isClosed = true;
    for (let number = 0; number < this.#declared.length; number++) this.#withdraw(number);
    if (this.#proxy.stream !== this) return;
    this.#proxy.stream = null;
    this.#proxy.forgetOpen();
  }

  #declare(number: number, labels: SeriesLabels | null): void {
    // Before the old one is withdrawn: they may be the same.
    const next = labels === null ? undefined : this.#resolve(labels);
    this.#withdraw(number);
    this.#declared[number] = next;
  }

  #resolve(labels: SeriesLabels): Declared {
    const kind = overflowOf(labels);
    const series = this.#proxy.declare(labels);
    if (series === NO_SERIES) this.#context.overflowed();
    return { series, kind };
  }

  #withdraw(number: number): void {
    const declared = this.#declared[number];
    this.#declared[number] = undefined;
    if (declared !== undefined && declared.series !== NO_SERIES) this.#proxy.withdraw(declared.series);
  }

  #seriesOf(number: number): Declared | null {
    const declared = this.#declared[number];
    if (declared !== undefined) return declared;
    const labels = OVERFLOW_SERIES[number];
    if (labels === undefined) return null;
    this.#declared[number] = this.#resolve(labels);
    return this.#declared[number] ?? null;
  }

  #count({ series, kind }: Declared, change: readonly number[], spread: Spread | null, isNewest: boolean): void {
    const { table } = this.#context;
    for (let at = 1; at < change.length; at += 2) {
      const counter = change[at]!;
      const count = change[at + 1]!;
      if (counter === COUNTER.open) {
        if (isNewest && series !== NO_SERIES) table.setOpen(series, count);
      } else if (spread !== null) this.#spread(series, kind, counter, count, spread);
    }
  }

  #spread(series: number, kind: number, counter: number, count: number, spread: Spread): void {
    const { table, overflow } = this.#context;
    for (let slot = spread.first; slot <= spread.last; slot++) {
      const part = spread.of(count, slot);
      if (part === 0 || (series !== NO_SERIES && table.add(series, counter, slot, part))) continue;
      if (series !== NO_SERIES) this.#context.overflowed();
      table.add(overflow[kind]!, counter, slot, part);
    }
  }
}
