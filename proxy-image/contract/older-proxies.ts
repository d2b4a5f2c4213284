import { quotePattern } from '../../lib/pattern.ts';
import { formatKey } from './keys.ts';
import type { Backend, Balance } from './policy/backend.ts';
import { type Balancer, DEFAULT_BALANCER } from './policy/balancer.ts';
import type { Breaker, LoadPenalty } from './policy/breaker.ts';
import type { Distribution, Share } from './policy/distribution.ts';
import type { Filter } from './policy/filter.ts';
import type { RequestMatch } from './policy/match.ts';
import type { OutboundPolicy, Rule } from './policy/outbound.ts';
import type { OutboundProtocol } from './policy/protocol.ts';
import { DEFAULT_QUEUE, type QueueLimits } from './policy/queue.ts';
import type { RetryBudget, StatusRetry } from './policy/retry.ts';
import type { RoutePolicy } from './policy/route-policy.ts';
import type { RouteTimeouts } from './policy/timeouts.ts';
import type { PortPolicy, ResourceBody, Route, ServiceDestination, Sourced, WorkloadResource } from './resources.ts';

/**
 * Fields of bodies on which nothing depends any more, but without which a proxy of before refuses the body: the operator goes on writing them, readers
 * ignore them. An operator of before writes them too.
 */
export const FOR_OLDER_PROXIES = {
  endpoint: { weight: 1 },
  settings(clusterNetworks: readonly string[]): object {
    return { clusterNetworks };
  },
} as const;

/** A share of the traffic in revision 1. `unavailable`: it fails with 503. */
export interface OlderBackend {
  authority: string;
  service: string;
  namespace: string;
  port: number;
  endpoints: string;
  weight: number;
  unavailable: boolean;
}

/** The `service` body of revision 1: one split for all requests and streams, routes that differ in retries, timeouts and classes. */
export interface OlderService extends Sourced {
  type: 'service';
  namespace: string;
  service: string;
  port: number;
  authority: string;
  protocol: OutboundProtocol;
  routes: Route[];
  retryBudget: RetryBudget;
  backends: OlderBackend[];
  balancer: Balancer;
  localTrafficOnly: boolean;
  slowStartMs: number;
  breaker: Breaker | null;
  penalty: LoadPenalty | null;
  /** Of requests that no route matches, as are the timeouts. */
  retry: Omit<StatusRetry, 'backoffMs'> | null;
  timeouts: Pick<RouteTimeouts, 'requestMs' | 'responseMs' | 'idleMs'>;
  queue: QueueLimits;
}

/** The body for proxies of the revision before; the same object where that says the same. */
export function olderBody(body: ResourceBody): object {
  if ('type' in body) return body.type === 'service' ? olderService(body) : body;
  return 'ports' in body ? olderWorkload(body) : body;
}

/**
 * Such proxies know no rules of inbound ports and no rate limits. Limits are left out. Where a port has rules, each authorizes all whom its Server authorizes, so
 * that these may be let in if every request is one of some rule; else requests that no rule is for would be let in too, and nobody is.
 */
function olderWorkload(body: WorkloadResource): WorkloadResource {
  const policies = [body.defaultPolicy, ...Object.values(body.ports), ...body.ranges.map(({ policy }) => policy)];
  if (policies.every((policy) => olderPolicy(policy) === policy)) return body;
  return {
    ...body,
    ports: Object.fromEntries(Object.entries(body.ports).map(([port, policy]) => [port, olderPolicy(policy)])),
    ranges: body.ranges.map((range) => ({ ...range, policy: olderPolicy(range.policy) })),
    defaultPolicy: olderPolicy(body.defaultPolicy),
  };
}

function olderPolicy(policy: PortPolicy): PortPolicy {
  const { rules } = policy;
  const closes = rules.length > 0 && !rules.some(({ match, filters }) => matchesAll(match) && filters.length === 0);
  return closes ? { ...policy, authorizations: [], audit: false } : policy;
}

const WHOLE = 1_000;

/**
 * A policy as revision 1 can say it; never laxer (hack/adr/0022-what-older-proxies-are-told.md). Rules that differ from what comes after them in retries, timeouts
 * and classes only are said as far as they can be, or left out. Where rules differ in where requests go or in what is done to them, no request may go where its
 * rule does not send it: the Service is then said to have no backend that exists, and answers 503.
 */
export function olderService(body: ServiceDestination): OlderService {
  const { sources, type, namespace, service, port, authority, policy } = body;
  const { rules, rest } = reachable(policy);
  const spoken = rules.flatMap((rule) => routeOf(rule, policy.policies[rule.policy]!));
  const distribution = commonDistribution(policy, [...rules.map((rule) => policy.policies[rule.policy]!), rest]);
  const backends = distribution === null ? [] : distribution.flatMap((share) => backendOf(share, policy.backends));
  const balance = balanceIn(distribution ?? [], policy.backends);
  const nobody = olderBackend({ authority, meta: policy.parent }, WHOLE, null);
  return {
    type,
    namespace,
    service,
    port,
    authority,
    protocol: policy.protocol,
    routes: spoken,
    retryBudget: policy.retryBudget,
    backends: backends.some(({ weight }) => weight > 0) ? backends : [nobody],
    balancer: balance?.balancer ?? DEFAULT_BALANCER,
    localTrafficOnly: balance?.localTrafficOnly ?? false,
    slowStartMs: balance?.slowStartMs ?? 0,
    breaker: balance?.breaker ?? null,
    penalty: balance?.penalty ?? null,
    retry: statusRetryOf(rest),
    timeouts: timeoutsOf(rest),
    queue: balance?.queue ?? { ...DEFAULT_QUEUE },
    sources,
  };
}

/** The rules that a request can get to, and the policy of those that none of them matches: of the rule that matches everything, if there is one. */
function reachable({ rules, policies, fallback }: OutboundPolicy): { rules: readonly Rule[]; rest: RoutePolicy } {
  const last = rules.findIndex(({ match, policy }) => matchesAll(match) && policies[policy]!.retry?.type !== 'budget');
  return last === -1
    ? { rules, rest: policies[fallback]! }
    : { rules: rules.slice(0, last), rest: policies[rules[last]!.policy]! };
}

function matchesAll(match: RequestMatch): boolean {
  if (match.type === 'pathPrefix') return match.path === '/';
  return match.type === 'all' && match.of.every(matchesAll);
}

/** `null` where not all requests go to the same backends and are left as they are. Bytes go the same way as requests. */
function commonDistribution(policy: OutboundPolicy, policies: readonly RoutePolicy[]): Distribution | null {
  const { distributions, streams, protocol } = policy;
  if (protocol === 'opaque') return distributions[streams]!;
  if (!policies.every(({ filters }) => filters.every(mayBeLeftOut))) return null;
  const [first, ...others] = new Set(policies.map(({ distribution }) => distribution));
  return first === undefined || others.length > 0 ? null : distributions[first]!;
}

/** A copy that is not made and a delay that does not happen let nobody through who would not be. */
function mayBeLeftOut({ type }: Filter): boolean {
  return type === 'mirror' || type === 'delay';
}

function backendOf({ backend, weight, filters }: Share, backends: readonly Backend[]): OlderBackend[] {
  const found = backends[backend];
  if (found === undefined) return [];
  const { dispatch } = found;
  const endpoints = dispatch.type === 'balance' && filters.every(mayBeLeftOut) ? dispatch.endpoints : null;
  return [olderBackend(found, weight, endpoints)];
}

function olderBackend(
  backend: Pick<Backend, 'authority' | 'meta'>,
  weight: number,
  endpoints: string | null,
): OlderBackend {
  const { namespace, name: service, port } = backend.meta;
  return {
    authority: backend.authority,
    service,
    namespace,
    port,
    endpoints: endpoints ?? formatKey({ kind: 'endpoints', namespace, service, port, family: 'ipv4' }),
    weight,
    unavailable: endpoints === null,
  };
}

/** How endpoints are chosen was one answer for all backends. */
function balanceIn(distribution: Distribution, backends: readonly Backend[]): Balance | null {
  for (const { backend } of distribution) {
    const dispatch = backends[backend]?.dispatch;
    if (dispatch?.type === 'balance') return dispatch;
  }
  return null;
}

/** Nothing where the match cannot be said: what the rule adds to those after it is fewer failures, no other way. */
function routeOf({ match, section }: Rule, { retry, timeouts, classes }: RoutePolicy): Route[] {
  const said = olderMatch(match);
  if (said === null) return [];
  return [
    {
      name: section,
      match: said,
      isRetryable: retry?.type === 'budget',
      timeoutMs: timeouts.requestMs,
      responseClasses: classes,
    },
  ];
}

/** `null` where revision 1 has no words for it. */
function olderMatch(match: RequestMatch): RequestMatch | null {
  switch (match.type) {
    case 'method':
    case 'path':
      return match;
    case 'pathExact':
      return { type: 'path', regex: quotePattern(match.path) };
    case 'pathPrefix':
      return { type: 'path', regex: `${quotePattern(match.path.replace(/\/$/, ''))}(?:/.*)?` };
    case 'all':
    case 'any': {
      const of = match.of.map(olderMatch);
      return of.every((part) => part !== null) ? { type: match.type, of } : null;
    }
    case 'not': {
      const of = olderMatch(match.of);
      return of === null ? null : { type: 'not', of };
    }
    case 'header':
    case 'query':
    case 'host':
    case 'grpc':
      return null;
  }
}

function statusRetryOf({ retry }: RoutePolicy): OlderService['retry'] {
  if (retry?.type !== 'statuses') return null;
  const { http, grpc, limit, timeoutMs } = retry;
  return { http, grpc, limit, timeoutMs };
}

function timeoutsOf({ timeouts }: RoutePolicy): OlderService['timeouts'] {
  const { requestMs, responseMs, idleMs } = timeouts;
  return { requestMs, responseMs, idleMs };
}
