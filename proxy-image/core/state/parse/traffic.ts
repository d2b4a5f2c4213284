import type { Breaker, LoadPenalty } from '../../../contract/policy/breaker.ts';
import type { QueueLimits } from '../../../contract/policy/queue.ts';
import type { StatusRetry } from '../../../contract/policy/retry.ts';
import type { Fields, Reader } from '../../../contract/read/reader.ts';
import type { Timeouts } from '../../../contract/resources.ts';
import { SERVICE_DEFAULTS } from '../../../contract/service-defaults.ts';
import { MAX_TIMEOUT_MS } from './route.ts';

type Traffic = typeof SERVICE_DEFAULTS;

const MAX_COUNT = 2 ** 31 - 1;
const MAX_RATIO = 100;
const MAX_LIMIT = 65_535;
const MAX_QUEUE = 1_000_000;

/** How to treat failing, slow and rate-limited endpoints. An operator older than a field does not write it. */
export function parseTraffic(reader: Reader, fields: Fields): Traffic {
  const { slowStartMs, breaker, penalty, retry, timeouts, queue } = fields;
  return {
    slowStartMs: optional(slowStartMs, SERVICE_DEFAULTS.slowStartMs, () =>
      reader.integer(slowStartMs, 'slowStartMs', 0, MAX_TIMEOUT_MS),
    ),
    breaker: optional(breaker, SERVICE_DEFAULTS.breaker, () => parseBreaker(reader, breaker)),
    penalty: optional(penalty, SERVICE_DEFAULTS.penalty, () => parsePenalty(reader, penalty)),
    retry: optional(retry, SERVICE_DEFAULTS.retry, () => parseRetry(reader, retry)),
    timeouts: optional(timeouts, SERVICE_DEFAULTS.timeouts, () => parseTimeouts(reader, timeouts)),
    queue: optional(queue, SERVICE_DEFAULTS.queue, () => parseQueue(reader, queue)),
  };
}

function optional<T>(value: unknown, fallback: T, parse: () => T): T {
  return value === undefined || value === null ? fallback : parse();
}

/** A breaker of an unknown type does not break: no endpoint is taken away for a reason that is not understood. */
function parseBreaker(reader: Reader, value: unknown): Breaker | null {
  const fields = reader.object(value, 'breaker');
  const type = reader.oneOf(fields['type'], 'breaker.type', ['consecutive', 'unified'], 'consecutive');
  if (type !== fields['type']) return null;
  const minPenaltyMs = reader.integer(fields['minPenaltyMs'], 'breaker.minPenaltyMs', 1, MAX_TIMEOUT_MS);
  const common = {
    maxFailures: reader.integer(fields['maxFailures'], 'breaker.maxFailures', 1, MAX_COUNT),
    minPenaltyMs,
    maxPenaltyMs: reader.integer(fields['maxPenaltyMs'], 'breaker.maxPenaltyMs', minPenaltyMs, MAX_TIMEOUT_MS),
    jitterRatio: reader.number(fields['jitterRatio'], 'breaker.jitterRatio', 0, MAX_RATIO),
    maxEjectedPercent: reader.integer(fields['maxEjectedPercent'], 'breaker.maxEjectedPercent', 0, 100),
  };
  if (type === 'consecutive') return { type, ...common };
  const rate = reader.object(fields['successRate'], 'breaker.successRate');
  return {
    type,
    ...common,
    successRate: {
      threshold: reader.number(rate['threshold'], 'breaker.successRate.threshold', 0, 1),
      windowMs: reader.integer(rate['windowMs'], 'breaker.successRate.windowMs', 10, MAX_TIMEOUT_MS),
      minRequests: reader.integer(rate['minRequests'], 'breaker.successRate.minRequests', 0, 1_000_000),
    },
    honorRetryAfter: reader.flag(fields['honorRetryAfter'], 'breaker.honorRetryAfter'),
  };
}

function parsePenalty(reader: Reader, value: unknown): LoadPenalty {
  const fields = reader.object(value, 'penalty');
  return {
    penaltyMs: reader.integer(fields['penaltyMs'], 'penalty.penaltyMs', 0, MAX_TIMEOUT_MS),
    maxRetryAfterMs: reader.integer(fields['maxRetryAfterMs'], 'penalty.maxRetryAfterMs', 0, MAX_TIMEOUT_MS),
  };
}

function parseRetry(reader: Reader, value: unknown): StatusRetry {
  const fields = reader.object(value, 'retry');
  return {
    http: reader.list(fields['http'], 'retry.http', (range, at) => parseStatuses(reader, range, at)),
    grpc: reader.list(fields['grpc'], 'retry.grpc', (code, at) => reader.integer(code, at, 0, 16)),
    limit: reader.integer(fields['limit'], 'retry.limit', 0, MAX_LIMIT),
    timeoutMs: reader.integer(fields['timeoutMs'], 'retry.timeoutMs', 0, MAX_TIMEOUT_MS),
  };
}

function parseStatuses(reader: Reader, value: unknown, path: string): [number, number] {
  const [min, max] = reader.list(value, path, (status, at) => reader.integer(status, at, 100, 599));
  if (min === undefined || max === undefined || min > max) reader.fail(path, 'two statuses in order');
  return [min ?? 100, max ?? 100];
}

function parseTimeouts(reader: Reader, value: unknown): Timeouts {
  const fields = reader.object(value, 'timeouts');
  return {
    requestMs: reader.integer(fields['requestMs'], 'timeouts.requestMs', 0, MAX_TIMEOUT_MS),
    responseMs: reader.integer(fields['responseMs'], 'timeouts.responseMs', 0, MAX_TIMEOUT_MS),
    idleMs: reader.integer(fields['idleMs'], 'timeouts.idleMs', 0, MAX_TIMEOUT_MS),
  };
}

function parseQueue(reader: Reader, value: unknown): QueueLimits {
  const fields = reader.object(value, 'queue');
  return {
    capacity: reader.integer(fields['capacity'], 'queue.capacity', 1, MAX_QUEUE),
    failfastMs: reader.integer(fields['failfastMs'], 'queue.failfastMs', 1, MAX_TIMEOUT_MS),
  };
}
