import { microsOf, type TapEndpoint, type TapShown } from '../../crds/viz/tap.ts';
import { isFailure } from '../../proxy-image/core/classify/classify.ts';

/** Requests that are alike in what the table shows of them. */
export interface TopRow {
  source: string;
  destination: string;
  method: string;
  path: string;
  route: string;
  count: number;
  /** Microseconds from the request to the end of its response. */
  bestUs: number;
  worstUs: number;
  lastUs: number;
  successes: number;
}

export interface TopOptions {
  /** Requests of whatever source are one. */
  hideSources: boolean;
  /** By route, and not by method and path. */
  routes: boolean;
}

/** Beyond these a request that has begun is forgotten: its end may have been lost on the way. */
const MAX_PENDING = 20_000;
/** Paths may have any number in them. What comes when there are so many rows is counted together. */
const MAX_ROWS = 1_000;
/** Stands for what a row beyond `MAX_ROWS` would have said. */
const OTHERS = '…';
/** Linkerd's name for what no route has matched. */
const DEFAULT = '[DEFAULT]';
/** The classes of the route are not told: what it comes to without. */
const NO_CLASSES = { classes: [] };

/** Puts together what tap tells of: a row for each source, destination, method and path. A request counts when it has ended. */
export class TopRows {
  readonly #options: TopOptions;
  readonly #pending = new Map<string, TapShown>();
  readonly #rows = new Map<string, TopRow>();

  constructor(options: TopOptions) {
    this.#options = options;
  }

  add(event: TapShown): void {
    const { requestInitEvent, responseEndEvent } = event;
    if (requestInitEvent !== undefined) this.#begin(keyOf(requestInitEvent.id), event);
    if (responseEndEvent === undefined) return;
    const key = keyOf(responseEndEvent.id);
    const begun = this.#pending.get(key);
    this.#pending.delete(key);
    // One that had begun before somebody looked is not known.
    if (begun !== undefined) this.#end(begun, responseEndEvent);
  }

  /** The most requested first. */
  rows(): TopRow[] {
    return [...this.#rows.values()].toSorted((a, b) => b.count - a.count);
  }

  #begin(key: string, event: TapShown): void {
    this.#pending.set(key, event);
    if (this.#pending.size <= MAX_PENDING) return;
    // A Map iterates in order of insertion.
    const [oldest = ''] = this.#pending.keys();
    this.#pending.delete(oldest);
  }

  #end(begun: TapShown, end: NonNullable<TapShown['responseEndEvent']>): void {
    const row = this.#rowOf(begun);
    const us = microsOf(end.sinceRequestInit);
    row.count += 1;
    row.bestUs = Math.min(row.bestUs, us);
    row.worstUs = Math.max(row.worstUs, us);
    row.lastUs = us;
    const isBroken = end.end !== 'complete' || end.error !== '' || end.resetErrorCode !== undefined;
    if (!isBroken && !isFailure(NO_CLASSES, end.httpStatus, end.grpcStatusCode)) row.successes += 1;
  }

  #rowOf({ source, destination, requestInitEvent, routeMeta }: TapShown): TopRow {
    const { hideSources, routes } = this.#options;
    const what = {
      source: hideSources ? '' : endpointOf(source),
      destination: endpointOf(destination),
      method: routes ? '' : (requestInitEvent?.method ?? ''),
      // What is behind a question mark is not the path.
      path: routes ? '' : (requestInitEvent?.path ?? '').replace(/\?.*/s, ''),
      route: routes ? routeOf(routeMeta) : '',
    };
    const known = this.#rows.get(JSON.stringify(what));
    if (known !== undefined) return known;
    const isFull = this.#rows.size >= MAX_ROWS;
    const shown = isFull ? { source: OTHERS, destination: OTHERS, method: OTHERS, path: OTHERS, route: OTHERS } : what;
    const key = JSON.stringify(shown);
    const row = this.#rows.get(key) ?? {
      ...shown,
      count: 0,
      bestUs: Number.POSITIVE_INFINITY,
      worstUs: 0,
      lastUs: 0,
      successes: 0,
    };
    this.#rows.set(key, row);
    return row;
  }
}

function keyOf({ base, stream }: { base: number; stream: number }): string {
  return `${base}:${stream}`;
}

/** The pod, where one has the address. */
function endpointOf({ ip, metadata }: TapEndpoint): string {
  return metadata['pod'] ?? ip;
}

function routeOf(labels: Readonly<Record<string, string>>): string {
  return labels['route_kind'] === 'default' ? DEFAULT : labels['route_name'] || DEFAULT;
}
