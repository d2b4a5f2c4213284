import {
  CANCELLED,
  DEADLINE_EXCEEDED,
  INTERNAL,
  RESOURCE_EXHAUSTED,
  UNAVAILABLE,
} from '../../proxy-image/contract/policy/grpc-status.ts';
import { MAX_RETRIES, RETRY_BACKOFF_MS } from '../../proxy-image/contract/policy/limits.ts';
import type { StatusRetry } from '../../proxy-image/contract/policy/retry.ts';
import type { RouteTimeouts } from '../../proxy-image/contract/policy/timeouts.ts';
import { invalid, quote, type Scalar, valid } from '../scalars/scalar.ts';
import { type Annotation, constant, type Place } from './annotation.ts';
import type { AnnotationReader } from './reader.ts';
import { trafficRow } from './traffic-row.ts';
import { durationMs, integer } from './values.ts';

/** Of retries, not of attempts, once one of the four annotations is there. */
const LIMIT = 1;
const MAX_LIST_LENGTH = 4_096;

/** Linkerd (outbound policy): a Service says what holds for requests whose route says nothing. */
const ANY: readonly Place[] = ['service', 'httpRoute', 'grpcRoute'];

const STATUSES = /^([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?$/;
const NAMED_STATUSES: ReadonlyMap<string, readonly [number, number]> = new Map([
  ['5xx', [500, 599]],
  ['gateway-error', [502, 504]],
]);
const GRPC_CODES: ReadonlyMap<string, number> = new Map([
  ['cancelled', CANCELLED],
  ['deadline-exceeded', DEADLINE_EXCEEDED],
  ['resource-exhausted', RESOURCE_EXHAUSTED],
  ['internal', INTERNAL],
  ['unavailable', UNAVAILABLE],
]);

export const RETRY = {
  http: trafficRow<[number, number][]>(
    ['service', 'httpRoute'],
    'retry.linkerd.io/http',
    listOf(statuses, 'statuses (502), ranges (502-504), 5xx, gateway-error'),
    constant<[number, number][]>([], 'none'),
  ),
  grpc: trafficRow<number[]>(
    ['service', 'grpcRoute'],
    'retry.linkerd.io/grpc',
    listOf((entry) => GRPC_CODES.get(entry), [...GRPC_CODES.keys()].join(', ')),
    constant<number[]>([], 'none'),
  ),
  limit: trafficRow(
    ANY,
    'retry.linkerd.io/limit',
    integer(0, MAX_RETRIES),
    constant(LIMIT, '`1` once one of these four is there'),
  ),
  timeout: trafficRow(ANY, 'retry.linkerd.io/timeout', durationMs(0), constant(0, 'none')),
} satisfies Record<string, Annotation<unknown>>;

/** What annotations can say of timeouts. */
export type Timeouts = Pick<RouteTimeouts, 'requestMs' | 'responseMs' | 'idleMs'>;

/** 0 = none. */
export const TIMEOUT = {
  request: trafficRow(ANY, 'timeout.linkerd.io/request', durationMs(0), constant(0, 'none')),
  response: trafficRow(ANY, 'timeout.linkerd.io/response', durationMs(0), constant(0, 'none')),
  idle: trafficRow(ANY, 'timeout.linkerd.io/idle', durationMs(0), constant(0, 'none')),
} satisfies Record<string, Annotation<unknown>>;

/** `null` where no annotation asks for retries. One wrong entry makes its list void, as in Linkerd: half a list is nobody's intention. */
export function readRetry(reader: AnnotationReader): StatusRetry | null {
  const http = reader.read(RETRY.http);
  const grpc = reader.read(RETRY.grpc);
  const limit = reader.read(RETRY.limit);
  const timeoutMs = reader.read(RETRY.timeout);
  if (http === undefined && grpc === undefined && limit === undefined && timeoutMs === undefined) return null;
  return {
    http: http ?? [],
    grpc: grpc ?? [],
    limit: limit ?? LIMIT,
    timeoutMs: timeoutMs ?? 0,
    backoffMs: RETRY_BACKOFF_MS,
  };
}

export function readTimeouts(reader: AnnotationReader): Timeouts {
  return {
    requestMs: reader.value(TIMEOUT.request),
    responseMs: reader.value(TIMEOUT.response),
    idleMs: reader.value(TIMEOUT.idle),
  };
}

/** Each value once, in the order written. */
function listOf<T>(parse: (entry: string) => T | undefined, expected: string): (text: string) => Scalar<T[]> {
  return (text) => {
    const problem = `must be a list, separated by commas, of ${expected}, not ${quote(text)}`;
    if (text.length > MAX_LIST_LENGTH) return invalid(problem);
    const values: T[] = [];
    for (const entry of new Set(text.split(',').map((part) => part.trim().toLowerCase()))) {
      const value = parse(entry);
      if (value === undefined) return invalid(problem);
      values.push(value);
    }
    return valid(values);
  };
}

function statuses(entry: string): [number, number] | undefined {
  const named = NAMED_STATUSES.get(entry);
  if (named !== undefined) return [...named];
  const match = STATUSES.exec(entry);
  if (match === null) return undefined;
  const min = Number(match[1]);
  const max = Number(match[2] ?? match[1]);
  return min <= max ? [min, max] : undefined;
}
