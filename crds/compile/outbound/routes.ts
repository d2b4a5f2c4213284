import type { Backend } from '../../../proxy-image/contract/policy/backend.ts';
import type { Distribution } from '../../../proxy-image/contract/policy/distribution.ts';
import { NO_RULE_MATCHES } from '../../../proxy-image/contract/policy/failure-texts.ts';
import type { Filter } from '../../../proxy-image/contract/policy/filter.ts';
import type { Meta } from '../../../proxy-image/contract/policy/meta.ts';
import type { Rule } from '../../../proxy-image/contract/policy/outbound.ts';
import type { RetryPolicy, StatusRetry } from '../../../proxy-image/contract/policy/retry.ts';
import { NO_TIMEOUTS, type RouteTimeouts } from '../../../proxy-image/contract/policy/timeouts.ts';
import type { Timeouts } from '../../annotations/retry.ts';
import { type HttpFaultModel, isFault } from '../../kinds/http-fault/model.ts';
import { inOrder } from '../../kinds/route/attachment.ts';
import type {
  BackendRef,
  MatchRank,
  ObjectTarget,
  RouteFilter,
  RouteModel,
  RouteRule,
} from '../../kinds/route/model.ts';
import { failing, INVALID_RULE, metaOfRoute } from '../shared/routes.ts';
import type { PolicyTables } from './tables.ts';

/** What the rules of routes are compiled with. */
export interface RouteContext {
  /** What traffic to a backend comes to: a Service as any other, or `dispatch` `fail` with `status` for one that is not valid. */
  backendOf(target: ObjectTarget, status: number): Backend;
  /** `null`: there is none. */
  faultOf(namespace: string, name: string): HttpFaultModel | null;
  /** What the annotations of the Service say, for rules that say nothing themselves. */
  retry: StatusRetry | null;
  timeouts: Timeouts;
}

/** HTTPRouteRule and GRPCRouteRule, `backendRefs`: 500, or UNAVAILABLE, which is 503 in HTTP. */
const INVALID_BACKEND: Readonly<Record<RouteModel['kind'], number>> = { HTTPRoute: 500, GRPCRoute: 503 };

/** Of requests that are told so: no object decided. */
const NO_ROUTE: Meta = { group: '', kind: 'default', namespace: '', name: 'not-found', section: '', port: 0 };

interface RankedMatch {
  rank: MatchRank;
  rule: Rule;
}

/**
 * Adds the rules of routes, in order of precedence: one for each match. `routes` are those that speak for a port, in the order of `byPrecedence`.
 *
 * @returns the policy for requests that no rule matches: 404 (Gateway API: HTTPRouteRule `matches`)
 */
export function compileRoutes(tables: PolicyTables, routes: readonly RouteModel[], context: RouteContext): number {
  const ranked: RankedMatch[] = [];
  for (const route of routes) {
    const compiler = new RuleCompiler(tables, route, context);
    for (const rule of route.rules) {
      const policy = compiler.compile(rule);
      for (const { match, rank } of rule.matches) ranked.push({ rank, rule: { match, section: rule.name, policy } });
    }
  }
  tables.rules.push(...inOrder(ranked));
  return notFound(tables);
}

function notFound(tables: PolicyTables): number {
  return tables.policy({
    origin: tables.origin(NO_ROUTE),
    filters: [failing(404, NO_RULE_MATCHES)],
    distribution: tables.distribution([]),
    retry: null,
    timeouts: { ...NO_TIMEOUTS },
    classes: [],
  });
}

/** The rules of one route. */
class RuleCompiler {
  readonly #tables: PolicyTables;
  readonly #route: RouteModel;
  readonly #context: RouteContext;
  readonly #failure: number;

  constructor(tables: PolicyTables, route: RouteModel, context: RouteContext) {
    this.#tables = tables;
    this.#route = route;
    this.#context = context;
    this.#failure = INVALID_BACKEND[route.kind];
  }

  compile(rule: RouteRule): number {
    const filters = rule.broken.length > 0 ? null : this.#filters(rule.filters);
    const shares = filters === null ? null : this.#shares(rule.backends);
    const carriedOut = filters !== null && shares !== null;
    return this.#tables.policy({
      origin: this.#tables.origin(metaOfRoute(this.#route, '')),
      filters: carriedOut ? filters : [INVALID_RULE],
      distribution: this.#tables.distribution(carriedOut ? shares : []),
      retry: this.#retry(rule),
      timeouts: this.#timeouts(rule),
      classes: [],
    });
  }

  /** `null`: one of them cannot be had. */
  #filters(filters: readonly RouteFilter[]): Filter[] | null {
    const compiled = filters.map((filter) => this.#filter(filter));
    return compiled.every((each) => each !== null) ? compiled.flat() : null;
  }

  #filter(filter: RouteFilter): Filter[] | null {
    switch (filter.type) {
      case 'mirrorTo': {
        const backend = this.#context.backendOf(filter.to, this.#failure);
        // A mirror that cannot be had is left out, and nothing else (Gateway API: HTTPRequestMirrorFilter `backendRef`).
        if (backend.dispatch.type === 'fail') return [];
        return [{ type: 'mirror', backend: this.#tables.backend(backend), ratio: filter.ratio }];
      }
      case 'extension':
        return this.#fault(filter);
      default:
        return [filter];
    }
  }

  #fault({ group, kind, name }: Extract<RouteFilter, { type: 'extension' }>): Filter[] | null {
    if (!isFault(group, kind)) return null;
    const fault = this.#context.faultOf(this.#route.meta.namespace, name);
    if (fault === null) return null;
    const { delay, fail } = fault;
    return [
      ...(delay === null ? [] : [{ type: 'delay', ...delay } as const]),
      ...(fail === null ? [] : [{ type: 'fail', ...fail } as const]),
    ];
  }

  /** Without any, the answer is that of an invalid one: there is nobody to ask. */
  #shares(backends: readonly BackendRef[]): Distribution | null {
    const shares: Distribution = [];
    for (const ref of backends) {
      const filters = this.#filters(ref.filters);
      if (filters === null) return null;
      const backend = this.#tables.backend(this.#context.backendOf(targetOf(ref), this.#failure));
      shares.push({ backend, weight: ref.weight, filters });
    }
    return shares;
  }

  /** The annotations of the route, else its rule, else the Service. */
  #retry(rule: RouteRule): RetryPolicy | null {
    const { traffic } = this.#route;
    const statuses = traffic.retry === undefined ? (rule.retry ?? this.#context.retry) : traffic.retry;
    return statuses === null ? null : { type: 'statuses', ...statuses };
  }

  #timeouts(rule: RouteRule): RouteTimeouts {
    const { timeouts } = this.#route.traffic;
    const { requestMs, responseMs, idleMs } = timeouts ?? this.#context.timeouts;
    const annotated = timeouts === undefined ? 0 : requestMs;
    return {
      requestMs: annotated > 0 ? annotated : (rule.requestMs ?? requestMs),
      untilResponse: false,
      responseMs,
      idleMs,
      attemptMs: rule.attemptMs,
    };
  }
}

function targetOf({ group, kind, namespace, name, port }: BackendRef): ObjectTarget {
  return { group, kind, namespace, name, port };
}
