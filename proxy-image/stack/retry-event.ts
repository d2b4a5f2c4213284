import type { RetryDecision } from '../core/retry/plan.ts';
import type { RetryEvent } from '../io/telemetry/service-families.ts';

/** What a decision about a try counts as, after so many retries; `null` = nothing. */
export function retryEvent(decision: RetryDecision, retries: number): RetryEvent | null {
  if (decision === 'retried') return 'requests';
  if (decision === 'limit_reached') return 'limit_exceeded';
  return decision === 'success' && retries > 0 ? 'successes' : null;
}
