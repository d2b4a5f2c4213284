import type { Balancer } from '../../contract/policy/balancer.ts';
import type { Breaker } from '../../contract/policy/breaker.ts';
import type { Rng } from '../rng.ts';
import { below, fraction } from '../rng.ts';
import type { EndpointState } from './endpoint.ts';
import type { EndpointSet } from './endpoint-set.ts';
import { cost, observe } from './ewma.ts';
import type { EndpointPool } from './pool.ts';
import { shortenRests } from './reach.ts';
import { isUsable, scan } from './usable.ts';

/** Pairs drawn in search of a usable endpoint; then they are looked at one after the other. */
const DRAWS = 4;

/** A new endpoint gets a tenth of its share at least (Envoy: `min_weight_percent`), else a pool that gets no traffic would never warm it up. */
const SLOW_START_MIN_SHARE = 0.1;

export type NoEndpointReason =
  /** The resource has not arrived. */
  | 'endpoints_unknown'
  /** It has, and is empty. */
  | 'no_endpoints'
  /** `internalTrafficPolicy: Local`, and none on this node. */
  | 'no_local_endpoints'
  /** Circuit breaking keeps out some, and no other can be had. */
  | 'all_ejected'
  /** All rest after failed connects, or were tried for this request. */
  | 'all_unreachable';

/** What the policy asks of a pick beside the pool. */
export interface PickRules {
  readonly balancer: Balancer;
  readonly localTrafficOnly: boolean;
  readonly slowStartMs: number;
  readonly breaker: Breaker | null;
}

/**
 * The endpoint for one attempt; `null` when none can be had now (`whyNone` says why). `tried` are those this request has already been sent to: never picked
 * again by the same request. Ejected endpoints are not picked either, but for one probe after the penalty: `breakerStarted` has to be told. Nor are those at
 * rest after a failed connect; one whose rest is over (`connectFailures` above 0) is to be tried with nothing at stake (`attempted`). Before a request has
 * to wait, an aperture and a preference for a zone are given up. `hash`: of the request's key (`requestHash`), for consistent hashing.
 */
export function pickEndpoint(
  pool: EndpointPool,
  rules: PickRules,
  tried: readonly EndpointState[],
  rng: Rng,
  nowMs: number,
  hash: number = 0,
): EndpointState | null {
  if (pool.noneUntilMs(rules.breaker !== null) > nowMs) return null;
  const wanted = rules.localTrafficOnly ? pool.localSet : pool.preferredSet;
  let picked = balance(pool, wanted, listOf(wanted, rules.balancer), rules, tried, rng, nowMs, hash);
  if (picked === null && rules.balancer.type === 'aperture') {
    picked = balance(pool, wanted, wanted.endpoints, rules, tried, rng, nowMs, hash);
  }
  if (picked === null && !rules.localTrafficOnly && wanted !== pool.allSet) {
    picked = balance(pool, pool.allSet, pool.endpoints, rules, tried, rng, nowMs, hash);
  }
  if (picked === null && tried.length === 0) foundNone(pool, rules, rng, nowMs);
  return picked;
}

function listOf(set: EndpointSet, balancer: Balancer): readonly EndpointState[] {
  return balancer.type === 'aperture' ? set.aperture(balancer.endpoints) : set.endpoints;
}

/** `set` is what `list` was taken from. */
function balance(
  pool: EndpointPool,
  set: EndpointSet,
  list: readonly EndpointState[],
  rules: PickRules,
  tried: readonly EndpointState[],
  rng: Rng,
  nowMs: number,
  hash: number,
): EndpointState | null {
  const { breaker, balancer } = rules;
  if (list.length <= 1) return scan(list, 0, breaker, tried, nowMs);
  if (balancer.type === 'roundRobin') return nextInTurn(pool, list, rules, tried, rng, nowMs);
  if (balancer.type === 'consistentHash') return set.ring.pick(hash, breaker, tried, nowMs);
  return powerOfTwo(list, rules, tried, rng, nowMs);
}

/** An endpoint that is left out costs the next one no second turn: the cursor passes both. */
function nextInTurn(
  pool: EndpointPool,
  list: readonly EndpointState[],
  rules: PickRules,
  tried: readonly EndpointState[],
  rng: Rng,
  nowMs: number,
): EndpointState | null {
  const { breaker, slowStartMs } = rules;
  for (let step = 0; step < list.length; step++) {
    const endpoint = list[pool.cursor++ % list.length]!;
    if (isUsable(endpoint, breaker, tried, nowMs) && isAdmitted(endpoint, slowStartMs, rng, nowMs)) return endpoint;
  }
  return scan(list, pool.cursor, breaker, tried, nowMs);
}

/** Two distinct candidates, uniformly; the usable one, then the cheaper one, the first on a tie (Mitzenmacher, "The power of two choices"). */
function powerOfTwo(
  list: readonly EndpointState[],
  rules: PickRules,
  tried: readonly EndpointState[],
  rng: Rng,
  nowMs: number,
): EndpointState | null {
  const { breaker, slowStartMs } = rules;
  for (let draw = 0; draw < DRAWS; draw++) {
    const first = below(rng, list.length);
    const drawn = below(rng, list.length - 1);
    const a = list[first]!;
    const b = list[drawn >= first ? drawn + 1 : drawn]!;
    const isUsableA = isUsable(a, breaker, tried, nowMs);
    const isUsableB = isUsable(b, breaker, tried, nowMs);
    if (isUsableA && isUsableB) {
      if (isEjected(a, breaker)) return a;
      if (isEjected(b, breaker)) return b;
      const isB = isCheaper(b, a, rules.balancer, nowMs);
      if (slowStartMs === 0) return isB ? b : a;
      return isAdmitted(isB ? b : a, slowStartMs, rng, nowMs) === isB ? b : a;
    }
    if (isUsableA) return a;
    if (isUsableB) return b;
  }
  return scan(list, below(rng, list.length), breaker, tried, nowMs);
}

/** Usable and ejected: due for its probe. What it cost when it failed must not keep it from being looked at. */
function isEjected({ breaker }: EndpointState, policy: Breaker | null): boolean {
  return breaker !== null && policy !== null && breaker.ejected;
}

function isCheaper(a: EndpointState, b: EndpointState, balancer: Balancer, nowMs: number): boolean {
  if (balancer.type === 'ewma' || balancer.type === 'aperture')
    return cost(a, balancer, nowMs) < cost(b, balancer, nowMs);
  return a.inFlight < b.inFlight;
}

/** By the share of its slow start that has passed: until then, another endpoint takes the rest of its requests. */
function isAdmitted(endpoint: EndpointState, slowStartMs: number, rng: Rng, nowMs: number): boolean {
  const ageMs = nowMs - endpoint.addedAtMs;
  if (ageMs >= slowStartMs) return true;
  return fraction(rng) < Math.max(ageMs / slowStartMs, SLOW_START_MIN_SHARE);
}

/** Remembers until when it is in vain to look again, so that a crowd that waits costs a comparison each. */
function foundNone(pool: EndpointPool, rules: PickRules, rng: Rng, nowMs: number): void {
  shortenRests(pool, rng, nowMs);
  let restUntilMs = Number.POSITIVE_INFINITY;
  let ejectedUntilMs = Number.POSITIVE_INFINITY;
  let nextMs = Number.POSITIVE_INFINITY;
  for (const { breaker, readyAtMs } of pool.endpoints) {
    restUntilMs = Math.min(restUntilMs, readyAtMs);
    let atMs = readyAtMs;
    if (rules.breaker !== null && breaker?.ejected === true) {
      atMs = breaker.probing ? Number.POSITIVE_INFINITY : Math.max(readyAtMs, breaker.reopensAtMs);
    }
    ejectedUntilMs = Math.min(ejectedUntilMs, atMs);
    if (atMs > nowMs) nextMs = Math.min(nextMs, atMs);
  }
  pool.foundNone(restUntilMs, rules.breaker === null ? Number.NEGATIVE_INFINITY : ejectedUntilMs, nextMs);
}

export function whyNone(pool: EndpointPool, rules: PickRules): NoEndpointReason {
  if (pool.version === '') return 'endpoints_unknown';
  if (pool.endpoints.length === 0) return 'no_endpoints';
  if (rules.localTrafficOnly && pool.local.length === 0) return 'no_local_endpoints';
  return rules.breaker !== null && pool.ejected > 0 ? 'all_ejected' : 'all_unreachable';
}

/** A request (HTTP) or connection (TCP) goes to the endpoint. Exactly one of `finished` and `abandoned` follows. */
export function started(endpoint: EndpointState): void {
  endpoint.inFlight++;
}

/** The first byte of its response arrived after `rttMs` (TCP: the connection was made). Counts as one sample (linkerd2-proxy: pending until first data). */
export function finished(endpoint: EndpointState, balancer: Balancer, rttMs: number, nowMs: number): void {
  endpoint.inFlight--;
  sampled(endpoint, balancer, rttMs, nowMs);
}

/** One more sample of a request that was counted already: a gRPC status in trailers that is to be held against the endpoint. */
export function sampled(endpoint: EndpointState, balancer: Balancer, rttMs: number, nowMs: number): void {
  if (balancer.type === 'ewma' || balancer.type === 'aperture') observe(endpoint, balancer, rttMs, nowMs);
}

/** It ended without a response: cancelled, timed out, connection lost. No sample. */
export function abandoned(endpoint: EndpointState): void {
  endpoint.inFlight--;
}
