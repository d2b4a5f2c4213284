import { REPORTER_LABELS, type Reporter } from '../../../crds/viz/dimensions.ts';
import { OVERFLOW_SERIES } from '../../../proxy-image/contract/traffic/labels.ts';
import { Counts } from './counts.ts';
import { type Group, groupSeries, type TrafficQuery } from './query.ts';
import { ReportingProxy } from './reporting-proxy.ts';
import { SeriesTable } from './series-table.ts';
import { Slots, type WindowTimes } from './slots.ts';
import { Texts } from './texts.ts';
import { type StreamContext, TrafficStream } from './traffic-stream.ts';

export interface WindowLimits extends WindowTimes {
  /** Of all proxies together; what comes beyond is counted together. */
  maxSeries: number;
  /** Octets of counts; what finds no room is counted together. */
  maxCountBytes: number;
  /** Octets of the texts of labels; a series that comes when they are taken is counted with others. */
  maxTextBytes: number;
}

const MIB = 1024 * 1024;
const NOBODY: Reporter = { namespace: '', kind: '', name: '', pod: '', identity: '' };

export const DEFAULT_WINDOW: WindowLimits = {
  windowMs: 10 * 60_000,
  slotMs: 10_000,
  // 2,500 proxies with 40 each.
  maxSeries: 100_000,
  // As many series with a dozen counters that count, and some that are busy.
  maxCountBytes: 192 * MIB,
  // A hundred thousand names.
  maxTextBytes: 24 * MIB,
};

export interface WindowFigures {
  proxies: number;
  series: number;
  /** Different texts of labels that are kept. */
  texts: number;
  /** Octets of counts and labels; texts, and what keeps the proxies apart, are beside it. */
  bytes: number;
  /** How often something was counted together with others for want of room, since the start. */
  overflowed: number;
}

/**
 * The last minutes of traffic of the proxies that are connected to this replica, and of those that were. Pure: time comes with each call, milliseconds of a
 * monotonic clock.
 */
export class TrafficWindow implements StreamContext {
  readonly slots: Slots;
  readonly texts: Texts;
  readonly table: SeriesTable;
  readonly overflow: readonly number[];
  readonly #proxies = new Map<string, ReportingProxy>();
  /** What found no room, whoever has reported it. */
  readonly #together: ReportingProxy;
  #sweeping: MapIterator<[string, ReportingProxy]>;
  #overflowed = 0;

  constructor(limits: WindowLimits = DEFAULT_WINDOW) {
    this.slots = new Slots(limits);
    this.texts = new Texts(limits.maxTextBytes);
    this.table = new SeriesTable(limits.maxSeries, new Counts(this.slots.count, limits.maxCountBytes));
    this.#together = new ReportingProxy(this, NOBODY);
    this.overflow = OVERFLOW_SERIES.map((labels) => this.#together.declare(labels));
    for (const series of this.overflow) this.table.reserve(series);
    this.#sweeping = this.#proxies.entries();
  }

  /** A proxy has connected, and will be asked for reports. One that was there before goes on with its series. */
  connected(reporter: Reporter): TrafficStream {
    const key = REPORTER_LABELS.map((label) => reporter[label]).join('\n');
    let proxy = this.#proxies.get(key);
    if (proxy === undefined) {
      proxy = new ReportingProxy(this, reporter);
      this.#proxies.set(key, proxy);
    }
    return new TrafficStream(this, proxy);
  }

  overflowed(): void {
    this.#overflowed += 1;
  }

  query(query: TrafficQuery, nowMs: number): Group[] {
    const first = this.slots.since(nowMs, query.lastMs);
    const span = { first, last: this.slots.at(nowMs), sinceMs: this.slots.startMs(first), nowMs };
    return groupSeries(this, this.#all(), query, span);
  }

  *#all(): Generator<ReportingProxy> {
    yield* this.#proxies.values();
    yield this.#together;
  }

  /** Frees what has not counted within the window, of so many proxies; the next call goes on with others. */
  sweep(nowMs: number, proxies: number): void {
    const oldest = this.slots.oldest(nowMs);
    for (let left = Math.min(proxies, this.#proxies.size); left > 0; left--) {
      const [key, proxy] = this.#nextToSweep();
      proxy.expire(oldest);
      if (proxy.leave()) this.#proxies.delete(key);
    }
  }

  /** There is at least one. */
  #nextToSweep(): [string, ReportingProxy] {
    const next = this.#sweeping.next();
    if (next.done !== true) return next.value;
    this.#sweeping = this.#proxies.entries();
    return this.#nextToSweep();
  }

  figures(): WindowFigures {
    const { table, texts } = this;
    return {
      proxies: this.#proxies.size,
      series: table.size,
      texts: texts.size,
      bytes: table.bytes,
      overflowed: this.#overflowed,
    };
  }
}
