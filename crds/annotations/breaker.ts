import type { Breaker, LoadPenalty } from '../../proxy-image/contract/policy/breaker.ts';
import { quote, type Scalar } from '../scalars/scalar.ts';
import { type Annotation, constant, type Otherwise } from './annotation.ts';
import type { AnnotationReader } from './reader.ts';
import { trafficRow } from './traffic-row.ts';
import { choice, decimal, durationMs, flag, integer, percent } from './values.ts';

const ACCRUAL = 'balancer.linkerd.io/failure-accrual';
const ALPHA = 'balancer.alpha.linkerd.io';

const MAX_FAILURES = 2 ** 31 - 1;
const MIN_PENALTY_MS = 1_000;
const MAX_PENALTY_MS = 60_000;

function row<T>(name: string, parse: (text: string) => Scalar<T>, otherwise: Otherwise<T>): Annotation<T> {
  return trafficRow(['service'], name, parse, otherwise);
}

type Kind = Breaker['type'];

/** Names, ranges and defaults of Linkerd (2.20: failure accrual). */
export const BREAKER = {
  kind: row<Kind | null>(ACCRUAL, choice<Kind>('consecutive', 'unified'), constant(null, 'none: nothing is ejected')),
  maxFailures: row(`${ACCRUAL}-consecutive-max-failures`, integer(1, MAX_FAILURES), constant(7)),
  minPenalty: row(`${ACCRUAL}-consecutive-min-penalty`, durationMs(1), constant(MIN_PENALTY_MS, '`1s`')),
  maxPenalty: row(`${ACCRUAL}-consecutive-max-penalty`, durationMs(1), constant(MAX_PENALTY_MS, '`1m`')),
  jitterRatio: row(`${ACCRUAL}-consecutive-jitter-ratio`, decimal(0, 100), constant(0.5)),
  threshold: row(`${ALPHA}/failure-accrual-success-rate-threshold`, decimal(0, 1), constant(0.8)),
  window: row(`${ALPHA}/failure-accrual-success-rate-window`, durationMs(10), constant(10_000, '`10s`')),
  minRequests: row(`${ALPHA}/failure-accrual-success-rate-min-requests`, integer(0, 1_000_000), constant(5)),
  honorRetryAfter: row(`${ALPHA}/failure-accrual-honor-retry-after`, flag, constant(false)),
  maxEjected: row('balancer.weft.dev/max-ejected', percent, constant(100, '`100%`')),
  penalize: row(`${ALPHA}/penalize-failures`, flag, constant(false)),
  penalty: row(`${ALPHA}/load-biaser-penalty`, durationMs(0), constant(5_000, '`5s`')),
  maxRetryAfter: row(`${ALPHA}/load-biaser-max-retry-after`, durationMs(0), constant(300_000, '`300s`')),
} satisfies Record<string, Annotation<unknown>>;

/**
 * In Linkerd all endpoints may be ejected; so it is here unless the Service says how many, so that a manifest means what it meant. Every annotation is read,
 * also where its kind is not asked for: a bad value should show before it matters.
 */
export function readBreaker(reader: AnnotationReader): Breaker | null {
  const kind = reader.value(BREAKER.kind);
  const common = {
    maxFailures: reader.value(BREAKER.maxFailures),
    ...readPenalties(reader),
    jitterRatio: reader.value(BREAKER.jitterRatio),
    maxEjectedPercent: reader.value(BREAKER.maxEjected),
  };
  const successRate = {
    threshold: reader.value(BREAKER.threshold),
    windowMs: reader.value(BREAKER.window),
    minRequests: reader.value(BREAKER.minRequests),
  };
  const honorRetryAfter = reader.value(BREAKER.honorRetryAfter);
  if (kind === null) return null;
  return kind === 'consecutive' ? { type: kind, ...common } : { type: kind, ...common, successRate, honorRetryAfter };
}

/** With the shorter above the longer neither can be meant. */
function readPenalties(reader: AnnotationReader): Pick<Breaker, 'minPenaltyMs' | 'maxPenaltyMs'> {
  const { minPenalty, maxPenalty } = BREAKER;
  const minPenaltyMs = reader.value(minPenalty);
  const maxPenaltyMs = reader.value(maxPenalty);
  if (minPenaltyMs <= maxPenaltyMs) return { minPenaltyMs, maxPenaltyMs };
  const written = reader.textOf(minPenalty);
  const not = written === undefined ? '' : `, not ${quote(written)}`;
  reader.report(minPenalty, 'passedOver', `must not be longer than ${maxPenalty.names[0]} (${maxPenaltyMs}ms)${not}`);
  return { minPenaltyMs: MIN_PENALTY_MS, maxPenaltyMs: MAX_PENALTY_MS };
}

export function readPenalty(reader: AnnotationReader): LoadPenalty | null {
  const isWanted = reader.value(BREAKER.penalize);
  const penalty = {
    penaltyMs: reader.value(BREAKER.penalty),
    maxRetryAfterMs: reader.value(BREAKER.maxRetryAfter),
  };
  return isWanted ? penalty : null;
}
