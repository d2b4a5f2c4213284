import type { CompiledClass } from '../classify/classify.ts';
import type { SeriesHolder } from '../series.ts';
import type { RequestFacts } from './request.ts';

export type Direction = 'inbound' | 'outbound';

/** What the requests of a rule are counted and classified by. */
export interface RouteEntry extends SeriesHolder {
  readonly direction: Direction;
  /** `rt_route`: the name of the route of a profile, or of the rule; empty for the implicit default route. */
  readonly name: string;
  /** `dst` label: authority with port; empty where there is no profile to count for. */
  readonly dst: string;
  readonly classes: readonly CompiledClass[];
}

/** A compiled match. `path` is that of the target, without the query; `request` for what else there is. */
export interface CompiledMatch {
  matches(method: string, path: string, request: RequestFacts): boolean;
}

/** A compiled match with what can be known of its paths in advance. */
export interface MatchPlan {
  readonly match: CompiledMatch;
  /** The only path that can match, or `null`. */
  readonly exactPath: string | null;
  /** Every matching path starts with it; may be empty. */
  readonly prefix: string;
  /** It looks at more than method and path. */
  readonly looksFurther: boolean;
}

interface IndexedRule {
  /** Position in the list. */
  readonly order: number;
  readonly match: CompiledMatch;
  readonly prefix: string;
}

/** What `find` says of requests that no rule matches. */
export const NO_RULE = -1;

/** Decisions remembered per table, in two generations of this size: what is used stays, and a flood of unique paths cannot grow it. */
const CACHED_DECISIONS = 512;
/** Up to so many candidates are tried faster than a decision is looked up. */
const UNCACHED_CANDIDATES = 2;

type Decisions = Map<string, Map<string, number>>;

/** Stands for a cache that nothing was written to: most tables are never asked. */
const NO_DECISIONS: Decisions = new Map();

/**
 * Rules in order of precedence, each with what it decides. Immutable but for its cache of decisions, which therefore dies with it. Decisions are remembered by
 * method and path, hence only where no rule looks at anything else: another header must never be given the decision of the first.
 */
export class RouteTable<E> {
  readonly entries: readonly E[];
  /** For requests that no rule matches. */
  readonly fallback: E;
  readonly #byPath = new Map<string, IndexedRule[]>();
  readonly #others: IndexedRule[] = [];
  readonly #isCached: boolean;
  #young: Decisions = NO_DECISIONS;
  #old: Decisions = NO_DECISIONS;
  #youngSize = 0;

  /** `plans` and `entries` are in the same order. */
  constructor(plans: readonly MatchPlan[], entries: readonly E[], fallback: E) {
    this.entries = entries;
    this.fallback = fallback;
    for (const [order, plan] of plans.entries()) this.#index(plan, order);
    this.#isCached = this.#others.length > UNCACHED_CANDIDATES && !plans.some(({ looksFurther }) => looksFurther);
  }

  #index({ exactPath, match, prefix }: MatchPlan, order: number): void {
    const rule = { order, match, prefix };
    if (exactPath === null) {
      this.#others.push(rule);
      return;
    }
    const known = this.#byPath.get(exactPath);
    if (known === undefined) this.#byPath.set(exactPath, [rule]);
    else known.push(rule);
  }

  get isEmpty(): boolean {
    return this.entries.length === 0;
  }

  /** What the first rule that matches decides, or the fallback. */
  match(request: RequestFacts): E {
    return this.at(this.find(request));
  }

  at(rule: number): E {
    return rule === NO_RULE ? this.fallback : this.entries[rule]!;
  }

  /** The first rule that matches, or `NO_RULE`. */
  find(request: RequestFacts): number {
    if (this.entries.length === 0) return NO_RULE;
    const { method, target } = request;
    const query = target.indexOf('?');
    const path = query === -1 ? target : target.slice(0, query);
    if (!this.#isCached) return this.#decide(method, path, request);
    return this.#remembered(method, path) ?? this.#remember(method, path, this.#decide(method, path, request));
  }

  #decide(method: string, path: string, request: RequestFacts): number {
    const exact = firstMatch(this.#byPath.get(path), method, path, request);
    const others = this.#others;
    // Of most rules only the prefix is looked at: of fifty, each field that is read of every one is felt (hack/adr/0007-cost-of-a-request.md).
    for (let at = 0; at < others.length; at++) {
      const rule = others[at]!;
      if (exact !== NO_RULE && exact < rule.order) break;
      if (path.startsWith(rule.prefix) && rule.match.matches(method, path, request)) return rule.order;
    }
    return exact;
  }

  #remembered(method: string, path: string): number | undefined {
    const young = this.#young.get(method)?.get(path);
    if (young !== undefined) return young;
    const old = this.#old.get(method)?.get(path);
    return old === undefined ? undefined : this.#remember(method, path, old);
  }

  #remember(method: string, path: string, rule: number): number {
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
    byPath.set(path, rule);
    this.#youngSize++;
    return rule;
  }
}

function firstMatch(
  candidates: readonly IndexedRule[] | undefined,
  method: string,
  path: string,
  request: RequestFacts,
): number {
  if (candidates === undefined) return NO_RULE;
  for (const { order, match } of candidates) {
    if (match.matches(method, path, request)) return order;
  }
  return NO_RULE;
}
