import type { LoadPenalty } from '../../contract/policy/breaker.ts';
import type { Outcome } from '../breaker/outcome.ts';

/** The latency that the balancer is told. `retryAfterMs` 0 = the server did not say (linkerd2-proxy: load biaser). */
export function penalisedMs(
  penalty: LoadPenalty | null,
  outcome: Outcome,
  rttMs: number,
  retryAfterMs: number,
): number {
  if (penalty === null || outcome !== 'rateLimited') return rttMs;
  return Math.max(rttMs, penalty.penaltyMs, Math.min(retryAfterMs, penalty.maxRetryAfterMs));
}
