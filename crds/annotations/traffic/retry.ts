import type { StatusRetry, Timeouts } from '../../../proxy-image/contract/resources.ts';
import type { AnnotationReader } from './reader.ts';

const HTTP = 'retry.linkerd.io/http';
const GRPC = 'retry.linkerd.io/grpc';

const MAX_LIMIT = 65_535;
const MAX_LIST_LENGTH = 4_096;

const STATUSES = /^([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?$/;
const NAMED_STATUSES: ReadonlyMap<string, readonly [number, number]> = new Map([
  ['5xx', [500, 599]],
  ['gateway-error', [502, 504]],
]);
const GRPC_CODES: ReadonlyMap<string, number> = new Map([
  ['cancelled', 1],
  ['deadline-exceeded', 4],
  ['resource-exhausted', 8],
  ['internal', 13],
  ['unavailable', 14],
]);

/** `null` where no annotation asks for retries. One wrong entry makes its list void, as in Linkerd: half a list is nobody's intention. */
export function parseRetry(reader: AnnotationReader): StatusRetry | null {
  const http = parseList(reader, HTTP, parseStatuses, 'statuses (502), ranges (502-504), 5xx, gateway-error');
  const grpc = parseList(reader, GRPC, (entry) => GRPC_CODES.get(entry), [...GRPC_CODES.keys()].join(', '));
  const limit = reader.integer('retry.linkerd.io/limit', 0, MAX_LIMIT);
  const timeoutMs = reader.durationMs('retry.linkerd.io/timeout', 0);
  if (http === undefined && grpc === undefined && limit === undefined && timeoutMs === undefined) return null;
  return { http: http ?? [], grpc: grpc ?? [], limit: limit ?? 1, timeoutMs: timeoutMs ?? 0 };
}

export function parseTimeouts(reader: AnnotationReader): Timeouts {
  return {
    requestMs: reader.durationMs('timeout.linkerd.io/request', 0) ?? 0,
    responseMs: reader.durationMs('timeout.linkerd.io/response', 0) ?? 0,
    idleMs: reader.durationMs('timeout.linkerd.io/idle', 0) ?? 0,
  };
}

/** Each value once, in the order written. */
function parseList<T>(
  reader: AnnotationReader,
  name: string,
  parse: (entry: string) => T | undefined,
  expected: string,
): T[] | undefined {
  const text = reader.text(name);
  if (text === undefined) return undefined;
  const problem = `must be a list, separated by commas, of ${expected}`;
  if (text.length > MAX_LIST_LENGTH) return reader.refuse(name, problem);
  const values: T[] = [];
  for (const entry of new Set(text.split(',').map((part) => part.trim().toLowerCase()))) {
    const value = parse(entry);
    if (value === undefined) return reader.refuse(name, problem);
    values.push(value);
  }
  return values;
}

function parseStatuses(entry: string): [number, number] | undefined {
  const named = NAMED_STATUSES.get(entry);
  if (named !== undefined) return [...named];
  const match = STATUSES.exec(entry);
  if (match === null) return undefined;
  const min = Number(match[1]);
  const max = Number(match[2] ?? match[1]);
  return min <= max ? [min, max] : undefined;
}
