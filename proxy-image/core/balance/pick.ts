import type { Balancer, Breaker } from '../../contract/resources.ts';
import type { Rng } from '../rng.ts';
import { below, fraction } from '../rng.ts';
import type { EndpointState } from './endpoint.ts';
import type { EndpointSet } from './endpoint-set.ts';
import { cost, observe } from './ewma.ts';
import type { EndpointPool } from './pool.ts';
import { READY, scan, usability } from './usable.ts';

/** Backoff between connects to an endpoint that refuses them (linkerd2-proxy: outbound connect backoff). */
const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 60_000;
const BACKOFF_JITTER = 0.1;

/** Pairs drawn in search of a ready endpoint; then they are looked at one after the other. */
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
  /** Circuit breaking keeps out those that were not tried. */
  | 'all_ejected'
  /** Every endpoint was tried for this request. */
  | 'all_tried';

/** What the policy asks of a pick beside the pool. */
export interface PickRules {
  readonly balancer: Balancer;
  readonly localTrafficOnly: boolean;
  readonly slowStartMs: number;
  readonly breaker: Breaker | null;
}

/**
 * The endpoint for one try; `null` when there is none left (`whyNone` says why). `tried` are those this request has already been sent to: never picked
 * again by the same request. Ejected endpoints are not picked either, but for one probe after the penalty: `breakerStarted` has to be told. Endpoints in
 * connect backoff are picked only when no other is left; before that, an aperture and a preference for a zone are given up. `hash`: of the request's key
 * (`requestHash`), for consistent hashing.
 */
export function pickEndpoint(
  pool: EndpointPool,
  rules: PickRules,
  tried: readonly EndpointState[],
  rng: Rng,
  nowMs: number,
  hash: number = 0,
): EndpointState | null {
  if (rules.breaker !== null && pool.ejectedUntilMs > nowMs) return null;
  const wanted = rules.localTrafficOnly ? pool.localSet : pool.preferredSet;
  let picked = balance(pool, wanted, listOf(wanted, rules.balancer), rules, tried, rng, nowMs, hash);
  if (picked !== null && picked.readyAtMs <= nowMs) return picked;
  if (rules.balancer.type === 'aperture') {
    picked = readier(picked, balance(pool, wanted, wanted.endpoints, rules, tried, rng, nowMs, hash), nowMs);
  }
  if (!rules.localTrafficOnly && wanted !== pool.allSet) {
    picked = readier(picked, balance(pool, pool.allSet, pool.endpoints, rules, tried, rng, nowMs, hash), nowMs);
  }
  if (picked === null && rules.breaker !== null) pool.ejectedUntilMs = ejectedUntilMs(pool);
  return picked;
}

function listOf(set: EndpointSet, balancer: Balancer): readonly EndpointState[] {
  return balancer.type === 'aperture' ? set.aperture(balancer.endpoints) : set.endpoints;
}

function readier(a: EndpointState | null, b: EndpointState | null, nowMs: number): EndpointState | null {
  if (a === null || (b !== null && b.readyAtMs <= nowMs)) return b;
  return a;
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
    if (usability(endpoint, breaker, tried, nowMs) === READY && isAdmitted(endpoint, slowStartMs, rng, nowMs)) {
      return endpoint;
    }
  }
  return scan(list, pool.cursor, breaker, tried, nowMs);
}

/** Two distinct candidates, uniformly; the ready one, then the cheaper one, the first on a tie (Mitzenmacher, "The power of two choices"). */
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
    const isReadyA = usability(a, breaker, tried, nowMs) === READY;
    const isReadyB = usability(b, breaker, tried, nowMs) === READY;
    if (isReadyA && isReadyB) {
      if (isEjected(a, breaker)) return a;
      if (isEjected(b, breaker)) return b;
      const isB = isCheaper(b, a, rules.balancer, nowMs);
      if (slowStartMs === 0) return isB ? b : a;
      return isAdmitted(isB ? b : a, slowStartMs, rng, nowMs) === isB ? b : a;
    }
    if (isReadyA) return a;
    if (isReadyB) return b;
  }
  return scan(list, below(rng, list.length), breaker, tried, nowMs);
}

/** Ready and ejected: due for its probe. What it cost when it failed must not keep it from being looked at. */
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

/** Before this time no endpoint can be probed, unless a probe that is under way ends; -Infinity when one is not ejected. */
function ejectedUntilMs(pool: EndpointPool): number {
  if (pool.ejected < pool.endpoints.length) return Number.NEGATIVE_INFINITY;
  let earliestMs = Number.POSITIVE_INFINITY;
  for (const { breaker } of pool.endpoints) {
    if (breaker !== null && !breaker.probing) earliestMs = Math.min(earliestMs, breaker.reopensAtMs);
  }
  return earliestMs;
}

export function whyNone(pool: EndpointPool, rules: PickRules): NoEndpointReason {
  if (pool.version === '') return 'endpoints_unknown';
  if (pool.endpoints.length === 0) return 'no_endpoints';
  if (rules.localTrafficOnly && pool.local.length === 0) return 'no_local_endpoints';
  return rules.breaker !== null && pool.ejected > 0 ? 'all_ejected' : 'all_tried';
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

export function connected(endpoint: EndpointState): void {
  endpoint.connectFailures = 0;
  endpoint.readyAtMs = 0;
}

/** A connect was refused or timed out: the endpoint rests for 100 ms, doubling to 60 s, while others are ready. */
export function connectFailed(endpoint: EndpointState, rng: Rng, nowMs: number): void {
  const backoffMs = Math.min(BACKOFF_MIN_MS * 2 ** Math.min(endpoint.connectFailures, 20), BACKOFF_MAX_MS);
  endpoint.connectFailures++;
  endpoint.readyAtMs = nowMs + backoffMs * (1 + BACKOFF_JITTER * fraction(rng));
}
