import type { Timeouts } from '../../contract/resources.ts';
import type { CompiledClass } from '../classify/classify.ts';
import type { SeriesHolder } from '../series.ts';
import { UNRESOLVED } from '../series.ts';

export type Direction = 'inbound' | 'outbound';

/** One compiled route of a ServiceProfile, or the implicit default (empty name). */
export interface RouteEntry extends SeriesHolder {
  readonly direction: Direction;
  /** `rt_route`; empty for the implicit default route. */
  readonly name: string;
  /** `dst` label: authority with port; empty where there is no profile to count for. */
  readonly dst: string;
  readonly isRetryable: boolean;
  /** The whole request including retries; 0 = none. */
  readonly timeoutMs: number;
  /** `timeoutMs` as the one timeout that a route has. */
  readonly timeouts: Timeouts;
  readonly classes: readonly CompiledClass[];
}

/** A compiled request match. `path` is without query. */
export interface CompiledMatch {
  matches(method: string, path: string): boolean;
}

/** A route with what can be said about its paths without running its whole match. */
export interface IndexedRoute {
  /** Position in the profile's list. */
  readonly order: number;
  readonly entry: RouteEntry;
  readonly match: CompiledMatch;
  /** The only path that can match, or `null`. */
  readonly exactPath: string | null;
  /** Every matching path starts with it; may be empty. */
  readonly prefix: string;
}

/** Decisions remembered per table, in two generations of this size: what is used stays, and a flood of unique paths cannot grow it. */
const CACHED_DECISIONS = 512;
/** Up to so many candidates are tried faster than a decision is looked up. */
const UNCACHED_CANDIDATES = 2;

type Decisions = Map<string, Map<string, RouteEntry>>;

/** Stands for a cache that nothing was written to: most tables are never asked. */
const NO_DECISIONS: Decisions = new Map();

/** The routes of one destination in order of evaluation. Immutable but for its cache of decisions, which therefore dies with it. */
export class RouteTable {
  readonly routes: readonly RouteEntry[];
  /** The implicit default: no name, no retry, no timeout. */
  readonly fallback: RouteEntry;
  readonly #byPath = new Map<string, IndexedRoute[]>();
  readonly #others: IndexedRoute[] = [];
  #young: Decisions = NO_DECISIONS;
  #old: Decisions = NO_DECISIONS;
  #youngSize = 0;

  constructor(direction: Direction, dst: string, routes: readonly IndexedRoute[]) {
    this.routes = routes.map((route) => route.entry);
    this.fallback = defaultRoute(direction, dst);
    for (const route of routes) this.#index(route);
  }

  #index(route: IndexedRoute): void {
    if (route.exactPath === null) {
      this.#others.push(route);
      return;
    }
    const known = this.#byPath.get(route.exactPath);
    if (known === undefined) this.#byPath.set(route.exactPath, [route]);
    else known.push(route);
  }

  /** The first route that matches, or the default. `target` is the request target in origin form; its query does not take part (Linkerd). */
  match(method: string, target: string): RouteEntry {
    if (this.routes.length === 0) return this.fallback;
    const query = target.indexOf('?');
    const path = query === -1 ? target : target.slice(0, query);
    if (this.#others.length <= UNCACHED_CANDIDATES) return this.#decide(method, path);
    return this.#remembered(method, path) ?? this.#remember(method, path, this.#decide(method, path));
  }

  #decide(method: string, path: string): RouteEntry {
    const exact = firstMatch(this.#byPath.get(path), method, path);
    for (const route of this.#others) {
      if (exact !== null && exact.order < route.order) break;
      if (path.startsWith(route.prefix) && route.match.matches(method, path)) return route.entry;
    }
    return exact === null ? this.fallback : exact.entry;
  }

  #remembered(method: string, path: string): RouteEntry | undefined {
    const young = this.#young.get(method)?.get(path);
    if (young !== undefined) return young;
    const old = this.#old.get(method)?.get(path);
    return old === undefined ? undefined : this.#remember(method, path, old);
  }

  #remember(method: string, path: string, entry: RouteEntry): RouteEntry {
    if (this.#youngSize >= CACHED_DECISIONS) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngSize = 0;
    }
    if (this.#young === NO_DECISIONS) this.#young = new Map();
    let byPath = this.#young.get(method);
    if (byPath === undefined) {
      byPath = new Map();
      this.#young.set(method, byPath);
    }
    byPath.set(path, entry);
    this.#youngSize++;
    return entry;
  }
}

function firstMatch(
  candidates: readonly IndexedRoute[] | undefined,
  method: string,
  path: string,
): IndexedRoute | null {
  if (candidates === undefined) return null;
  for (const candidate of candidates) {
    if (candidate.match.matches(method, path)) return candidate;
  }
  return null;
}

const NO_TIMEOUTS: Timeouts = { requestMs: 0, responseMs: 0, idleMs: 0 };

function defaultRoute(direction: Direction, dst: string): RouteEntry {
  const series = { series: UNRESOLVED, generation: UNRESOLVED };
  return { direction, name: '', dst, isRetryable: false, timeoutMs: 0, timeouts: NO_TIMEOUTS, classes: [], ...series };
}

/** Where no profile applies: everything is the default route, and nothing is counted under `route_*`. */
export const NO_ROUTES: RouteTable = new RouteTable('outbound', '', []);
