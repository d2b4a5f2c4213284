import type { Breaker } from '../../contract/policy/breaker.ts';
import type { Rng } from '../rng.ts';
import { fraction } from '../rng.ts';
import type { Outcome } from './outcome.ts';
import { BreakerState, type Guarded } from './state.ts';
import { SuccessWindow } from './window.ts';

/** Endpoints of which one Service may have only so many kept out. */
export interface GuardedPool {
  readonly endpoints: { readonly length: number };
  /** How many are kept out. */
  ejected: number;
  /** One more can be had than was known. */
  changed(): void;
}

export interface GuardedMember extends Guarded {
  /** It is in the pool still. */
  readonly current: boolean;
}

/** What a response did to its endpoint; for logs and metrics. */
export type BreakerChange =
  | 'none'
  | 'ejected'
  /** Ejection was due, but too many others are out already. */
  | 'spared'
  /** The probe failed: the penalty doubles. */
  | 'kept_out'
  | 'readmitted';

/** The probe ended without a verdict (cancelled by its client): the next request probes. */
export function breakerAbandoned(pool: GuardedPool, endpoint: GuardedMember, isProbe: boolean): void {
  if (!isProbe || endpoint.breaker === null) return;
  endpoint.breaker.probing = false;
  pool.changed();
}

/**
 * The verdict on a request: its response was classified, or it got none (connection lost, timed out: a failure). `isProbe` is what `breakerStarted` said:
 * requests sent before an ejection must not end it. `retryAfterMs`: how long the server asked to be left alone, 0 = it did not.
 */
export function breakerObserved(
  pool: GuardedPool,
  endpoint: GuardedMember,
  policy: Breaker | null,
  isProbe: boolean,
  outcome: Outcome,
  retryAfterMs: number,
  rng: Rng,
  nowMs: number,
): BreakerChange {
  breakerAbandoned(pool, endpoint, isProbe);
  if (policy === null || !endpoint.current) return 'none';
  const state = stateFor(endpoint, policy, outcome, nowMs);
  if (state === null) return 'none';
  if (state.ejected) return isProbe ? probed(pool, state, policy, outcome, retryAfterMs, rng, nowMs) : 'none';
  if (!isDue(state, policy, outcome, nowMs)) return 'none';
  if (!mayEject(pool, policy)) return 'spared';
  pool.ejected++;
  state.ejected = true;
  punish(state, policy, policy.minPenaltyMs, retryAfterMs, rng, nowMs);
  return 'ejected';
}

/** `null`: nothing to remember. */
function stateFor(endpoint: GuardedMember, policy: Breaker, outcome: Outcome, nowMs: number): BreakerState | null {
  if (endpoint.breaker === null) {
    if (policy.type === 'consecutive' && outcome !== 'failure') return null;
    endpoint.breaker = new BreakerState();
  }
  const state = endpoint.breaker;
  if (policy.type === 'consecutive') state.window = null;
  else if (state.window?.windowMs !== policy.successRate.windowMs) {
    state.window = new SuccessWindow(policy.successRate.windowMs, nowMs);
  }
  return state;
}

/** Counts the outcome; true when the endpoint has to go. */
function isDue(state: BreakerState, policy: Breaker, outcome: Outcome, nowMs: number): boolean {
  if (outcome === 'failure') state.failures++;
  // A rate-limited response neither adds to the failures in a row nor ends the row; without a success rate, it is a success.
  else if (outcome === 'success' || policy.type === 'consecutive') state.failures = 0;
  if (policy.type === 'unified') {
    const { threshold, minRequests } = policy.successRate;
    state.window!.add(outcome === 'success', nowMs);
    if (state.window!.isBelow(threshold, minRequests, nowMs)) return true;
  }
  return state.failures >= policy.maxFailures;
}

function probed(
  pool: GuardedPool,
  state: BreakerState,
  policy: Breaker,
  outcome: Outcome,
  retryAfterMs: number,
  rng: Rng,
  nowMs: number,
): BreakerChange {
  const isSuccess = outcome === 'success' || (outcome === 'rateLimited' && policy.type === 'consecutive');
  if (!isSuccess) {
    punish(state, policy, Math.min(state.penaltyMs * 2, policy.maxPenaltyMs), retryAfterMs, rng, nowMs);
    return 'kept_out';
  }
  pool.ejected--;
  state.ejected = false;
  state.failures = 0;
  return 'readmitted';
}

function mayEject(pool: GuardedPool, policy: Breaker): boolean {
  return (pool.ejected + 1) * 100 <= policy.maxEjectedPercent * pool.endpoints.length;
}

/** Jitter spreads the probes of many clients; together with it, and with what the server asks for, a penalty stays within the policy's maximum. */
function punish(
  state: BreakerState,
  policy: Breaker,
  penaltyMs: number,
  retryAfterMs: number,
  rng: Rng,
  nowMs: number,
): void {
  const jitteredMs = penaltyMs * (1 + policy.jitterRatio * fraction(rng));
  const askedMs = policy.type === 'unified' && policy.honorRetryAfter ? retryAfterMs : 0;
  state.penaltyMs = penaltyMs;
  state.reopensAtMs = nowMs + Math.min(Math.max(jitteredMs, askedMs), policy.maxPenaltyMs);
  state.window?.clear();
}
