import type { Breaker, LoadPenalty } from '../../../proxy-image/contract/resources.ts';
import type { AnnotationReader } from './reader.ts';

const KIND = 'balancer.linkerd.io/failure-accrual';
const MAX_EJECTED = 'balancer.weft.dev/max-ejected';
const MIN_PENALTY = `${KIND}-consecutive-min-penalty`;
const MAX_PENALTY = `${KIND}-consecutive-max-penalty`;
const ALPHA = 'balancer.alpha.linkerd.io';

const MAX_FAILURES = 2 ** 31 - 1;
const MIN_PENALTY_MS = 1_000;
const MAX_PENALTY_MS = 60_000;

/**
 * Names, ranges and defaults of Linkerd (2.20: failure accrual). There, all endpoints may be ejected; so it is here unless the Service says how many, so
 * that a manifest means what it meant. Every annotation is read, also where its kind is not asked for: a bad value should show before it matters.
 */
export function parseBreaker(reader: AnnotationReader): Breaker | null {
  const kind = reader.oneOf(KIND, ['consecutive', 'unified']);
  const common = {
    maxFailures: reader.integer(`${KIND}-consecutive-max-failures`, 1, MAX_FAILURES) ?? 7,
    ...parsePenalties(reader),
    jitterRatio: reader.decimal(`${KIND}-consecutive-jitter-ratio`, 0, 100) ?? 0.5,
    maxEjectedPercent: reader.percent(MAX_EJECTED) ?? 100,
  };
  const successRate = {
    threshold: reader.decimal(`${ALPHA}/failure-accrual-success-rate-threshold`, 0, 1) ?? 0.8,
    windowMs: reader.durationMs(`${ALPHA}/failure-accrual-success-rate-window`, 10) ?? 10_000,
    minRequests: reader.integer(`${ALPHA}/failure-accrual-success-rate-min-requests`, 0, 1_000_000) ?? 5,
  };
  const honorRetryAfter = reader.flag(`${ALPHA}/failure-accrual-honor-retry-after`) ?? false;
  if (kind === undefined) return null;
  return kind === 'consecutive' ? { type: kind, ...common } : { type: kind, ...common, successRate, honorRetryAfter };
}

/** With the shorter above the longer neither can be meant. */
function parsePenalties(reader: AnnotationReader): { minPenaltyMs: number; maxPenaltyMs: number } {
  const minPenaltyMs = reader.durationMs(MIN_PENALTY, 1) ?? MIN_PENALTY_MS;
  const maxPenaltyMs = reader.durationMs(MAX_PENALTY, 1) ?? MAX_PENALTY_MS;
  if (minPenaltyMs <= maxPenaltyMs) return { minPenaltyMs, maxPenaltyMs };
  reader.refuse(MIN_PENALTY, `must not be longer than ${MAX_PENALTY} (${maxPenaltyMs}ms)`);
  return { minPenaltyMs: MIN_PENALTY_MS, maxPenaltyMs: MAX_PENALTY_MS };
}

export function parsePenalty(reader: AnnotationReader): LoadPenalty | null {
  const isWanted = reader.flag(`${ALPHA}/penalize-failures`) ?? false;
  const penalty = {
    penaltyMs: reader.durationMs(`${ALPHA}/load-biaser-penalty`, 0) ?? 5_000,
    maxRetryAfterMs: reader.durationMs(`${ALPHA}/load-biaser-max-retry-after`, 0) ?? 300_000,
  };
  return isWanted ? penalty : null;
}
