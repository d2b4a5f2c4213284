import { NO_GRPC_STATUS } from '../../contract/policy/grpc-status.ts';
import type { RetryPolicy } from '../../contract/policy/retry.ts';
import type { TpsBudget } from './budget.ts';
import { type AttemptResult, type RetryCause, type RetryDecision, retryDecision } from './plan.ts';

/** How an attempt ended, or what came instead of one. */
export type AttemptEnd =
  /** With the head of a response. */
  | 'response'
  /** With the word of the endpoint's proxy that its application could not be reached. Where it may not go elsewhere, that is a response like any other. */
  | 'unreached'
  /** No byte of it reached the other side, or that says that it has not processed it: another endpoint may get it, whatever the request is. */
  | 'unsent'
  /** A kept connection was closed by the other side before a byte of a response: it had most likely given it up before it read us (RFC 9112 section 9.3.1). */
  | 'stale'
  /** The connection or the stream was lost after the request was sent. */
  | 'lost'
  /** What came back is no valid response. */
  | 'malformed'
  /** A tunnel was asked for, and the other side has none to give (RFC 8441 section 3). Nothing was sent. */
  | 'unsupported'
  /** No response head in the time of one attempt. */
  | 'timeout'
  /** There was no endpoint for too long. */
  | 'failfast';

/** What is asked of `recover`: filled in by the owner of a call, and used again. */
export interface EndedAttempt extends AttemptResult {
  end: AttemptEnd;
  /** Repetitions so far, outside of every budget. */
  repeats: number;
  /** What has come of the body is at hand from its beginning. */
  kept: boolean;
  /** RFC 9110 section 9.2.2. */
  idempotent: boolean;
  /** There may be another endpoint that has not had it. */
  hasOthers: boolean;
}

/** For its owner to fill in. */
export function endedAttempt(): EndedAttempt {
  return {
    end: 'lost',
    isFailure: true,
    status: 0,
    grpcStatus: NO_GRPC_STATUS,
    retries: 0,
    repeats: 0,
    replayable: false,
    kept: false,
    idempotent: false,
    hasOthers: false,
    refusesRetries: false,
  };
}

export type RecoveryReason =
  | RetryDecision
  /** Nothing of the request was processed: it may go again whatever it is, outside of every budget. */
  | 'not_processed'
  /** Its connection had most likely been given up before it was read (RFC 9112 section 9.3.1). */
  | 'connection_given_up'
  /** The client is told what came. */
  | 'not_a_response'
  | 'unsupported';

/** One of a fixed set: a decision allocates nothing and can be compared by reference. */
export interface Recovery {
  readonly plan: /** What came is passed on, or answered. */
    | 'final'
    /** Another endpoint of the backend, outside of every budget. */
    | 'elsewhere'
    /** The same endpoint, on another connection, outside of every budget. */
    | 'again'
    /** A retry: counted in `retries`, after its pause; share and endpoint are chosen anew. */
    | 'retry';
  readonly reason: RecoveryReason;
  /** The retry policy has spoken: its decisions are counted. */
  readonly byPolicy: boolean;
}

/** Kept connections that turn out to be closed by the other side are replaced so often per request; then it is an error like any other. */
const MAX_REPEATS = 3;

const ELSEWHERE = recovery('elsewhere', 'not_processed');
const AGAIN = recovery('again', 'not_processed');
const RECONNECT = recovery('again', 'connection_given_up');
const NO_RESPONSE = recovery('final', 'not_a_response');
const UNSUPPORTED = recovery('final', 'unsupported');
const BODY_GONE = recovery('final', 'body_not_replayable');
const NO_POLICY = recovery('final', 'route_not_retryable');

const BY_POLICY: Readonly<Record<RetryDecision, Recovery>> = {
  retried: byPolicy('retried'),
  success: byPolicy('success'),
  route_not_retryable: byPolicy('route_not_retryable'),
  body_not_replayable: byPolicy('body_not_replayable'),
  no_budget: byPolicy('no_budget'),
  status_not_retryable: byPolicy('status_not_retryable'),
  limit_reached: byPolicy('limit_reached'),
  refused_by_server: byPolicy('refused_by_server'),
};

function recovery(plan: Recovery['plan'], reason: RecoveryReason): Recovery {
  return { plan, reason, byPolicy: false };
}

function byPolicy(reason: RetryDecision): Recovery {
  return { plan: reason === 'retried' ? 'retry' : 'final', reason, byPolicy: true };
}

/**
 * What the end of an attempt means: may the request go again, where, and why. `policy` and `budget` are the route's; `null` = no retries. Withdraws from the
 * budget exactly when the plan is `retry` by budget.
 */
export function recover(
  policy: RetryPolicy | null,
  budget: TpsBudget | null,
  ended: Readonly<EndedAttempt>,
  nowMs: number,
): Recovery {
  switch (ended.end) {
    case 'unsupported':
      return UNSUPPORTED;
    case 'malformed':
      return NO_RESPONSE;
    case 'unreached':
      return ended.replayable ? ELSEWHERE : BODY_GONE;
    case 'unsent':
      if (!ended.kept) break;
      if (ended.hasOthers) return ELSEWHERE;
      if (ended.repeats < MAX_REPEATS) return AGAIN;
      break;
    case 'stale':
      if (ended.idempotent && ended.replayable && ended.repeats < MAX_REPEATS) return RECONNECT;
      break;
    case 'timeout':
      return decide(policy, budget, ended, 'head_timeout', nowMs);
    case 'failfast':
      return decide(policy, budget, ended, 'failfast', nowMs);
  }
  return decide(policy, budget, ended, 'response', nowMs);
}

function decide(
  policy: RetryPolicy | null,
  budget: TpsBudget | null,
  ended: Readonly<EndedAttempt>,
  end: RetryCause,
  nowMs: number,
): Recovery {
  if (policy === null || budget === null) return NO_POLICY;
  return BY_POLICY[retryDecision(policy, budget, end, ended, nowMs)];
}
