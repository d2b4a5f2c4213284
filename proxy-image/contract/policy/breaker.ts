import type { Reader } from '../read/reader.ts';
import { readMs } from './timeouts.ts';

/** What both kinds of circuit breaking share. */
interface BreakerCommon {
  /** Failures in a row that eject an endpoint. */
  maxFailures: number;
  minPenaltyMs: number;
  maxPenaltyMs: number;
  /** Up to this share of the penalty is added to it at random. */
  jitterRatio: number;
  /** Of the endpoints of a Service at most so many are ejected at a time, rounded down; 0..100. */
  maxEjectedPercent: number;
}

export interface ConsecutiveBreaker extends BreakerCommon {
  type: 'consecutive';
}

/** Ejects on a low success rate too; there, rate-limited responses (429, RESOURCE_EXHAUSTED) are failures. */
export interface UnifiedBreaker extends BreakerCommon {
  type: 'unified';
  /** `threshold` 0..1. Below `minRequests` in the window the rate says nothing. */
  successRate: { threshold: number; windowMs: number; minRequests: number };
  /** A server that says how long to stay away is left alone for so long. */
  honorRetryAfter: boolean;
}

export type Breaker = ConsecutiveBreaker | UnifiedBreaker;

/** A rate-limited response counts as one of this latency for the balancer, or of its `retry-after` where that is longer. */
export interface LoadPenalty {
  penaltyMs: number;
  maxRetryAfterMs: number;
}

const MAX_COUNT = 2 ** 31 - 1;
const MAX_RATIO = 100;
const MAX_REQUESTS = 1_000_000;

/** A breaker of an unknown type does not break: no endpoint is taken away for a reason that is not understood. */
export function readBreaker(reader: Reader, value: unknown, path: string): Breaker | null {
  if (value === null) return null;
  const fields = reader.object(value, path);
  const type = reader.oneOf(fields['type'], `${path}.type`, ['consecutive', 'unified'], 'consecutive');
  if (type !== fields['type']) return null;
  const minPenaltyMs = readMs(reader, fields, path, 'minPenaltyMs', 1);
  const common = {
    maxFailures: reader.integerOf(fields, path, 'maxFailures', 1, MAX_COUNT),
    minPenaltyMs,
    maxPenaltyMs: readMs(reader, fields, path, 'maxPenaltyMs', minPenaltyMs),
    jitterRatio: reader.number(fields['jitterRatio'], `${path}.jitterRatio`, 0, MAX_RATIO),
    maxEjectedPercent: reader.integerOf(fields, path, 'maxEjectedPercent', 0, 100),
  };
  if (type === 'consecutive') return { type, ...common };
  const rate = reader.object(fields['successRate'], `${path}.successRate`);
  return {
    type,
    ...common,
    successRate: {
      threshold: reader.number(rate['threshold'], `${path}.successRate.threshold`, 0, 1),
      windowMs: readMs(reader, rate, `${path}.successRate`, 'windowMs', 10),
      minRequests: reader.integerOf(rate, `${path}.successRate`, 'minRequests', 0, MAX_REQUESTS),
    },
    honorRetryAfter: reader.flagOf(fields, path, 'honorRetryAfter'),
  };
}

export function readPenalty(reader: Reader, value: unknown, path: string): LoadPenalty | null {
  if (value === null) return null;
  const fields = reader.object(value, path);
  return {
    penaltyMs: readMs(reader, fields, path, 'penaltyMs'),
    maxRetryAfterMs: readMs(reader, fields, path, 'maxRetryAfterMs'),
  };
}
