import type { RecoveryReason } from '../../core/retry/recover.ts';
import type { RetryEvent } from '../../io/telemetry/service-families.ts';

/** What a decision about an attempt counts as, after so many retries; `null` = nothing. */
export function retryEvent(decision: RecoveryReason, retries: number): RetryEvent | null {
  if (decision === 'retried') return 'requests';
  if (decision === 'limit_reached') return 'limit_exceeded';
  return decision === 'success' && retries > 0 ? 'successes' : null;
}
