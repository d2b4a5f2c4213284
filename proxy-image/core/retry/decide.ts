import type { TpsBudget } from './budget.ts';

export type RetryReason =
  | 'retried'
  /** The response was a success, or its class is. */
  | 'success'
  | 'route_not_retryable'
  /** The request body did not fit the replay buffer, or was still arriving when the response came. */
  | 'body_not_replayable'
  | 'no_budget';

/**
 * What follows a response that has been classified. Withdraws from the budget exactly when the answer is `retried`, and deposits exactly when a request
 * of a retryable route ended without needing a retry (linkerd2-proxy has no retry layer, hence no deposits, on other routes).
 * Connection errors and timeouts do not come here: Linkerd does not retry them.
 * `bodyReplayable`: the whole request body is at hand, at most 64 KiB.
 */
export function decideRetry(
  isFailure: boolean,
  bodyReplayable: boolean,
  budget: TpsBudget,
  nowMs: number,
): RetryReason {
  if (!isFailure) {
    budget.deposit(nowMs);
    return 'success';
  }
  if (!bodyReplayable) return 'body_not_replayable';
  return budget.withdraw(nowMs) ? 'retried' : 'no_budget';
}
