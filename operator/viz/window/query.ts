import { DIMENSIONS, type Dimension } from '../../../crds/viz/dimensions.ts';
import type { ReportingProxy, SeriesStore } from './reporting-proxy.ts';
import { TrafficSum } from './traffic-sum.ts';

export interface TrafficQuery {
  /** Series that are alike in these are put together; see `BY`. */
  by: readonly Dimension[];
  /** Only series with these labels. */
  where: Readonly<Partial<Record<Dimension, string>>>;
  /** How far to look back. The slots that lie in it count whole, and the one that has begun. */
  lastMs: number;
}

export interface Group {
  /** As many as `by` has, in its order. */
  labels: readonly string[];
  sum: TrafficSum;
}

/** Slots from `first` to `last`, of which `first` began at `sinceMs`. */
export interface Span {
  first: number;
  last: number;
  sinceMs: number;
  nowMs: number;
}

interface OpenGroup {
  readonly sum: TrafficSum;
  /** One of the series in it. */
  readonly example: number;
  /** The last proxy that was counted in it. */
  proxy: ReportingProxy | null;
}

/** Puts together the series of all proxies; groups in which nothing has counted are left out. */
export function groupSeries(
  store: SeriesStore,
  proxies: Iterable<ReportingProxy>,
  query: Pick<TrafficQuery, 'by' | 'where'>,
  span: Span,
): Group[] {
  const filter = filterOf(store, query.where);
  if (filter === null) return [];
  const by = query.by.map((dimension) => DIMENSIONS.indexOf(dimension));
  const groups = new Groups(store, by);
  const part = new TrafficSum();
  for (const proxy of proxies) {
    for (const series of proxy.series) {
      if (!filter.every(({ dimension, text }) => store.table.label(series, dimension) === text)) continue;
      part.numbers.fill(0);
      if (store.table.addTo(part, series, span.first, span.last)) groups.add(series, part, proxy, span);
    }
  }
  return groups.finished();
}

interface Wanted {
  dimension: number;
  text: number;
}

/** `null`: no series has such labels. */
function filterOf({ texts }: SeriesStore, where: TrafficQuery['where']): Wanted[] | null {
  const filter: Wanted[] = [];
  for (const [at, dimension] of DIMENSIONS.entries()) {
    const wanted = where[dimension];
    if (wanted === undefined) continue;
    const text = texts.find(wanted);
    if (text === null) return null;
    filter.push({ dimension: at, text });
  }
  return filter;
}

class Groups {
  readonly #store: SeriesStore;
  readonly #by: readonly number[];
  readonly #groups = new Map<string, OpenGroup>();

  constructor(store: SeriesStore, by: readonly number[]) {
    this.#store = store;
    this.#by = by;
  }

  add(series: number, part: TrafficSum, proxy: ReportingProxy, { sinceMs, nowMs }: Span): void {
    const group = this.#groupOf(series);
    group.sum.add(part);
    if (group.proxy === proxy) return;
    group.proxy = proxy;
    group.sum.addProxy(proxy.coveredMs(sinceMs, nowMs));
  }

  #groupOf(series: number): OpenGroup {
    let key = '';
    for (const dimension of this.#by) key += `${this.#store.table.label(series, dimension)},`;
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const group = { sum: new TrafficSum(), example: series, proxy: null };
    this.#groups.set(key, group);
    return group;
  }

  finished(): Group[] {
    const { table, texts } = this.#store;
    return [...this.#groups.values()].map(({ sum, example }) => ({
      labels: this.#by.map((dimension) => texts.text(table.label(example, dimension))),
      sum,
    }));
  }
}
