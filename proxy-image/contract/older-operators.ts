import { isObject } from '../../lib/json.ts';
import { BACKEND_MISSING } from './policy/backend.ts';
import { DEFAULT_ROUTE, type Meta, PROFILE_KIND, serviceMeta } from './policy/meta.ts';
import { DEFAULT_QUEUE } from './policy/queue.ts';
import { NO_TIMEOUTS } from './policy/timeouts.ts';
import type { Fields } from './read/reader.ts';

/** Of a `service`, from an operator or a proxy of the revision before: it is told by what it lacks. */
export function isOlderBody(body: unknown): boolean {
  return isObject(body) && body['type'] === 'service' && body['policy'] === undefined;
}

/** Index of the one distribution and of the profile's and the Service's own policy. */
const ALL = 0;
const ORIGIN = 0;
const FALLBACK = 0;

/**
 * A `service` body of revision 1 as one of this, so that one reader reads both. It is as hostile as any other: what is not of the expected shape is passed on
 * as it is, and the reader refuses it. There, all routes share one split, and what no route matches has what the Service's annotations
 * say.
 */
export function newerService(body: Fields): Fields {
  const { namespace, service, port, authority, sources, protocol, retryBudget } = body;
  const backends = listOf(body['backends']);
  const routes = listOf(body['routes']);
  const shared = new SharedPolicies(fallbackPolicy(body));
  const rules = each(routes, (route) => {
    return { match: route['match'], section: route['name'], policy: shared.indexOf(routePolicy(route)) };
  });
  return {
    type: 'service',
    namespace,
    service,
    port,
    authority,
    policy: {
      protocol,
      parent: metaOf(namespace, service, port),
      origins: [routes.length === 0 ? DEFAULT_ROUTE : profileMeta(namespace, authority)],
      backends: each(backends, (backend) => newerBackend(backend, body)),
      distributions: [each(backends, ({ weight }, backend) => ({ backend, weight, filters: [] }))],
      policies: shared.policies,
      rules: Array.isArray(body['routes']) ? rules : body['routes'],
      fallback: FALLBACK,
      streams: ALL,
      retryBudget,
    },
    sources,
  };
}

/** A profile may stand in the namespace of the client, which such a body does not tell. */
function profileMeta(namespace: unknown, authority: unknown): object {
  const name = typeof authority === 'string' ? authority.replace(/:[0-9]+$/, '') : authority;
  return { ...DEFAULT_ROUTE, group: 'linkerd.io', kind: PROFILE_KIND, namespace, name };
}

function metaOf(namespace: unknown, service: unknown, port: unknown): object {
  const meta: Record<keyof Meta, unknown> = { ...serviceMeta('', '', 0), namespace, name: service, port };
  return meta;
}

/** What the Service's own annotations said held for all of its backends. */
function newerBackend(backend: Fields, body: Fields): object {
  const { namespace, service, port, authority, endpoints } = backend;
  const { balancer, localTrafficOnly, slowStartMs, breaker, penalty, queue } = body;
  const balance = {
    type: 'balance',
    endpoints,
    balancer,
    localTrafficOnly,
    slowStartMs: slowStartMs ?? 0,
    breaker: breaker ?? null,
    penalty: penalty ?? null,
    queue: queue ?? DEFAULT_QUEUE,
  };
  const dispatch = backend['unavailable'] === false ? balance : BACKEND_MISSING;
  return { meta: metaOf(namespace, service, port), authority, dispatch };
}

function fallbackPolicy(body: Fields): object {
  const { retry, timeouts } = body;
  return {
    origin: ORIGIN,
    filters: [],
    distribution: ALL,
    retry: isObject(retry) ? { ...retry, type: 'statuses' } : (retry ?? null),
    timeouts: isObject(timeouts) ? { ...NO_TIMEOUTS, ...timeouts } : (timeouts ?? NO_TIMEOUTS),
    classes: [],
  };
}

function routePolicy(route: Fields): object {
  const { isRetryable, timeoutMs, responseClasses } = route;
  return {
    origin: ORIGIN,
    filters: [],
    distribution: ALL,
    retry: isRetryable === true ? { type: 'budget' } : null,
    timeouts: timeoutMs === 0 ? NO_TIMEOUTS : { ...NO_TIMEOUTS, requestMs: timeoutMs, untilResponse: true },
    classes: responseClasses,
  };
}

/** Thousands of routes differ in few ways. */
class SharedPolicies {
  readonly policies: object[];
  readonly #indexes = new Map<string, number>();

  constructor(fallback: object) {
    this.policies = [fallback];
  }

  indexOf(policy: object): number {
    const text = JSON.stringify(policy);
    const known = this.#indexes.get(text);
    if (known !== undefined) return known;
    const index = this.policies.push(policy) - 1;
    this.#indexes.set(text, index);
    return index;
  }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function each(list: readonly unknown[], convert: (entry: Fields, index: number) => unknown): unknown[] {
  return list.map((entry, index) => (isObject(entry) ? convert(entry, index) : entry));
}
