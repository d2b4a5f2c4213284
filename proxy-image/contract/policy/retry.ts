import type { Reader } from '../read/reader.ts';
import { HIGHEST_GRPC_STATUS } from './grpc-status.ts';
import {
  MAX_BUDGET_TTL_MS,
  MAX_RETRIES,
  MAX_RETRIES_PER_SECOND,
  MAX_RETRY_RATIO,
  MIN_BUDGET_TTL_MS,
  RETRY_BACKOFF_MS,
} from './limits.ts';
import { readMs } from './timeouts.ts';

/** Statuses that are retried, and how often. */
export interface StatusRetry {
  /** Inclusive ranges of HTTP statuses. */
  http: [min: number, max: number][];
  /** gRPC status codes. */
  grpc: number[];
  /** Retries, not attempts. */
  limit: number;
  /** From the end of the request body to the response head, per attempt but the last; 0 = none. */
  timeoutMs: number;
  /** Least pause before the first retry; it doubles with every further one. */
  backoffMs: number;
}

/** `budget`: failures are retried as long as the policy's retry budget allows it (ServiceProfile). `statuses`: those named are, without a budget (`retry.linkerd.io/*`). */
export type RetryPolicy = { type: 'budget' } | ({ type: 'statuses' } & StatusRetry);

/** Token budget in the terms of ServiceProfile `retryBudget`. */
export interface RetryBudget {
  ratio: number;
  minRetriesPerSecond: number;
  ttlMs: number;
}

/** A policy of an unknown type does not retry: what is sent once more than was asked for cannot be taken back. */
export function readRetry(reader: Reader, value: unknown, path: string): RetryPolicy | null {
  if (value === null) return null;
  const fields = reader.object(value, path);
  if (fields['type'] === 'budget') return { type: 'budget' };
  if (fields['type'] !== 'statuses') {
    reader.unknownType(fields['type'], path);
    return null;
  }
  return {
    type: 'statuses',
    http: reader.list(fields['http'], `${path}.http`, (range, at) => readStatuses(reader, range, at)),
    grpc: reader.list(fields['grpc'], `${path}.grpc`, (code, at) => reader.integer(code, at, 0, HIGHEST_GRPC_STATUS)),
    limit: reader.integerOf(fields, path, 'limit', 0, MAX_RETRIES),
    timeoutMs: readMs(reader, fields, path, 'timeoutMs'),
    // An operator of the release before does not write it.
    backoffMs: fields['backoffMs'] === undefined ? RETRY_BACKOFF_MS : readMs(reader, fields, path, 'backoffMs'),
  };
}

function readStatuses(reader: Reader, value: unknown, path: string): [number, number] {
  const [min, max] = reader.list(value, path, (status, at) => reader.integer(status, at, 100, 599));
  if (min === undefined || max === undefined || min > max) reader.fail(path, 'two statuses in order');
  return [min ?? 100, max ?? 100];
}

export function readRetryBudget(reader: Reader, value: unknown, path: string): RetryBudget {
  const fields = reader.object(value, path);
  return {
    ratio: reader.number(fields['ratio'], `${path}.ratio`, 0, MAX_RETRY_RATIO),
    minRetriesPerSecond: reader.integerOf(fields, path, 'minRetriesPerSecond', 0, MAX_RETRIES_PER_SECOND),
    ttlMs: reader.integerOf(fields, path, 'ttlMs', MIN_BUDGET_TTL_MS, MAX_BUDGET_TTL_MS),
  };
}
