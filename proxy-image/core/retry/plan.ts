import { exponentialMs } from '../../../lib/backoff.ts';
import type { RetryPolicy, StatusRetry } from '../../contract/policy/retry.ts';
import type { Rng } from '../rng.ts';
import { fraction } from '../rng.ts';
import type { TpsBudget } from './budget.ts';
import { decideRetry, type RetryReason } from './decide.ts';

export type RetryDecision =
  | RetryReason
  /** The annotations do not name this status. */
  | 'status_not_retryable'
  | 'limit_reached'
  /** The server asked not to be tried again (`grpc-retry-pushback-ms` below zero). */
  | 'refused_by_server';

/** How an attempt ended. A connection that was lost under a request is a response with the status that the client would be told: 502, or UNAVAILABLE. */
export type RetryCause = 'response' | 'head_timeout' | 'failfast';

/** What is asked of `retryDecision`: the fields of a call, filled in by its owner and used again. */
export interface AttemptResult {
  isFailure: boolean;
  /** Of the response, or what the client would be told; 0 = none. */
  status: number;
  /** NO_GRPC_STATUS = none. */
  grpcStatus: number;
  /** Retries so far. */
  retries: number;
  /** The whole request body is at hand, at most 64 KiB. */
  replayable: boolean;
  /** The server asked not to be tried again: `grpc-retry-pushback-ms` says no. */
  refusesRetries: boolean;
}

/** The longest pause, in multiples of the first (linkerd2-proxy: from 25 to 250 ms). */
const LONGEST_PAUSE = 10;

/**
 * What follows an attempt. `retried`: one retry more, to be counted in `retries`. with a policy of statuses, attempts without a response head in time and fail-fast
 * are covered without being named (linkerd2-proxy: policy retries). A stream that the server refused (RFC 9113 section 8.7: not processed) is no attempt that has
 * ended: it goes to another endpoint, or again to this one, outside of every budget. What a full queue has shed is answered and never tried again.
 */
export function retryDecision(
  policy: RetryPolicy | null,
  budget: TpsBudget,
  end: RetryCause,
  result: Readonly<AttemptResult>,
  nowMs: number,
): RetryDecision {
  if (policy === null) return 'route_not_retryable';
  if (policy.type === 'budget') return byBudget(budget, end, result, nowMs);
  if (end === 'response') {
    if (!isNamed(policy, result)) return result.isFailure ? 'status_not_retryable' : 'success';
    if (result.refusesRetries) return 'refused_by_server';
  }
  if (result.retries >= policy.limit) return 'limit_reached';
  return result.replayable ? 'retried' : 'body_not_replayable';
}

/** A profile retries responses; its timeout is for the whole request, so that none is left for a retry. */
function byBudget(budget: TpsBudget, end: RetryCause, result: Readonly<AttemptResult>, nowMs: number): RetryDecision {
  if (end !== 'response') return 'route_not_retryable';
  if (result.isFailure && result.refusesRetries) return 'refused_by_server';
  return decideRetry(result.isFailure, result.replayable, budget, nowMs);
}

function isNamed({ http, grpc }: StatusRetry, { status, grpcStatus }: Readonly<AttemptResult>): boolean {
  for (const [min, max] of http) if (status >= min && status <= max) return true;
  return grpcStatus > 0 && grpc.includes(grpcStatus);
}

/** Time to the response head of the next attempt; 0 = none. The last attempt has what is left of the request's own timeout. */
export function headTimeoutMs(policy: RetryPolicy | null, retries: number): number {
  if (policy === null || policy.type === 'budget') return 0;
  return retries < policy.limit ? policy.timeoutMs : 0;
}

/**
 * Pause before retry number `retries` (the first is 0): the policy's, doubling to ten times that, with up to as much again at random; never shorter than the
 * policy's (Gateway API: HTTPRouteRetry `backoff`). Retries of a profile do not wait.
 */
export function retryBackoffMs(policy: RetryPolicy | null, retries: number, rng: Rng): number {
  if (policy === null || policy.type === 'budget') return 0;
  const longestMs = LONGEST_PAUSE * policy.backoffMs;
  return Math.min(exponentialMs(policy.backoffMs, retries, longestMs) * (1 + fraction(rng)), longestMs);
}
