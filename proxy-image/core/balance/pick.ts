import type { Balancer } from '../../contract/resources.ts';
import type { Rng } from '../rng.ts';
import { below, fraction } from '../rng.ts';
import type { EndpointState } from './endpoint.ts';
import { cost, type EwmaBalancer, observe } from './ewma.ts';
import type { EndpointPool } from './pool.ts';

/** Backoff between connects to an endpoint that refuses them (linkerd2-proxy: outbound connect backoff). */
const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 60_000;
const BACKOFF_JITTER = 0.1;

export type NoEndpointReason =
  /** The resource has not arrived. */
  | 'endpoints_unknown'
  /** It has, and is empty. */
  | 'no_endpoints'
  /** `internalTrafficPolicy: Local`, and none on this node. */
  | 'no_local_endpoints'
  /** Every endpoint was tried for this request. */
  | 'all_tried';

/** What the policy asks of a pick beside the pool. */
export interface PickRules {
  readonly balancer: Balancer;
  readonly localTrafficOnly: boolean;
}

/**
 * The endpoint for one try; `null` when there is none left (`whyNone` says why). `tried` are those this request has already been sent to: never picked
 * again by the same request. Endpoints in connect backoff are picked only when no other is left.
 */
export function pickEndpoint(
  pool: EndpointPool,
  rules: PickRules,
  tried: readonly EndpointState[],
  rng: Rng,
  nowMs: number,
): EndpointState | null {
  const all = rules.localTrafficOnly ? pool.local : pool.preferred;
  if (tried.length > 0) return balance(untriedOf(all, tried, nowMs), pool, rules.balancer, rng, nowMs);
  const picked = balance(all, pool, rules.balancer, rng, nowMs);
  if (picked === null || picked.readyAtMs <= nowMs) return picked;
  // Only now is it worth looking at all of them: a pick must not cost more the more endpoints there are.
  return balance(readyOf(all, nowMs), pool, rules.balancer, rng, nowMs);
}

function balance(
  candidates: readonly EndpointState[],
  pool: EndpointPool,
  balancer: Balancer,
  rng: Rng,
  nowMs: number,
): EndpointState | null {
  if (candidates.length <= 1) return candidates[0] ?? null;
  if (balancer.type !== 'ewma') return candidates[pool.cursor++ % candidates.length]!;
  return powerOfTwo(candidates, balancer, rng, nowMs);
}

/** Two distinct candidates, uniformly; the ready one, then the cheaper one, the first on a tie (Mitzenmacher, "The power of two choices"). */
function powerOfTwo(candidates: readonly EndpointState[], balancer: EwmaBalancer, rng: Rng, nowMs: number) {
  const first = below(rng, candidates.length);
  const drawn = below(rng, candidates.length - 1);
  const a = candidates[first]!;
  const b = candidates[drawn >= first ? drawn + 1 : drawn]!;
  if (a.readyAtMs > nowMs) return b;
  if (b.readyAtMs > nowMs) return a;
  return cost(b, balancer, nowMs) < cost(a, balancer, nowMs) ? b : a;
}

/** Those in backoff too where nothing else is left. */
function readyOf(candidates: readonly EndpointState[], nowMs: number): readonly EndpointState[] {
  const ready = candidates.filter((endpoint) => endpoint.readyAtMs <= nowMs);
  return ready.length > 0 ? ready : candidates;
}

function untriedOf(all: readonly EndpointState[], tried: readonly EndpointState[], nowMs: number) {
  return readyOf(
    all.filter((endpoint) => !tried.includes(endpoint)),
    nowMs,
  );
}

export function whyNone(pool: EndpointPool, rules: PickRules): NoEndpointReason {
  if (pool.version === '') return 'endpoints_unknown';
  if (pool.endpoints.length === 0) return 'no_endpoints';
  return rules.localTrafficOnly && pool.local.length === 0 ? 'no_local_endpoints' : 'all_tried';
}

/** A request (HTTP) or connection (TCP) goes to the endpoint. Exactly one of `finished` and `abandoned` follows. */
export function started(endpoint: EndpointState): void {
  endpoint.inFlight++;
}

/** The first byte of its response arrived after `rttMs` (TCP: the connection was made). Counts as one sample (linkerd2-proxy: pending until first data). */
export function finished(endpoint: EndpointState, balancer: Balancer, rttMs: number, nowMs: number): void {
  endpoint.inFlight--;
  if (balancer.type === 'ewma') observe(endpoint, balancer, rttMs, nowMs);
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
