import type { Fields, Reader } from '../read/reader.ts';
import { type Balancer, readBalancer } from './balancer.ts';
import { type Breaker, type LoadPenalty, readBreaker, readPenalty } from './breaker.ts';
import { BACKEND_ABSENT } from './failure-texts.ts';
import { type Meta, readMeta } from './meta.ts';
import { type QueueLimits, readQueue } from './queue.ts';
import { readMs } from './timeouts.ts';

/** One of the endpoints of `endpoints`, a key of the stream. */
export interface Balance {
  type: 'balance';
  endpoints: string;
  balancer: Balancer;
  /** `internalTrafficPolicy: Local`: only endpoints on the proxy's own node. */
  localTrafficOnly: boolean;
  /** New endpoints get their share by degrees over this time; 0 = at once. */
  slowStartMs: number;
  breaker: Breaker | null;
  penalty: LoadPenalty | null;
  queue: QueueLimits;
}

/** Answered at once, and counted as a failure of the proxy. */
export interface FailDispatch {
  type: 'fail';
  status: number;
  message: string;
}

/**
 * How requests for a backend are carried out. `balance`: by one of many endpoints. `address`: by this one, in plaintext. `fail`: not at all: 503 for a
 * backend of a TrafficSplit that does not exist (yet), 500 for a reference of an HTTPRoute that is not valid (Gateway API: HTTPBackendRef). A proxy that does
 * not know a type fails what goes to the backend (500).
 */
export type Dispatch = Balance | { type: 'address'; ip: string; port: number } | FailDispatch;

/** Something that requests can be sent to. `authority`: `<service>.<namespace>.svc.<clusterDomain>:<port>`. */
export interface Backend {
  meta: Meta;
  authority: string;
  dispatch: Dispatch;
}

export const BACKEND_MISSING: FailDispatch = { type: 'fail', status: 503, message: BACKEND_ABSENT };

const NOT_UNDERSTOOD: FailDispatch = {
  type: 'fail',
  status: 500,
  message: 'the backend is of a kind that this proxy does not know',
};

export function readBackend(reader: Reader, value: unknown, path: string): Backend {
  const fields = reader.object(value, path);
  return {
    meta: readMeta(reader, fields['meta'], `${path}.meta`),
    authority: reader.textOf(fields, path, 'authority'),
    dispatch: readDispatch(reader, fields['dispatch'], `${path}.dispatch`),
  };
}

function readDispatch(reader: Reader, value: unknown, path: string): Dispatch {
  const fields = reader.object(value, path);
  switch (fields['type']) {
    case 'balance':
      return readBalance(reader, fields, path);
    case 'address':
      return {
        type: 'address',
        ip: reader.textOf(fields, path, 'ip'),
        port: reader.port(fields['port'], `${path}.port`),
      };
    case 'fail':
      return {
        type: 'fail',
        status: reader.integerOf(fields, path, 'status', 400, 599),
        message: reader.textOf(fields, path, 'message'),
      };
    default:
      reader.unknownType(fields['type'], path);
      return NOT_UNDERSTOOD;
  }
}

function readBalance(reader: Reader, fields: Fields, path: string): Balance {
  return {
    type: 'balance',
    endpoints: reader.textOf(fields, path, 'endpoints'),
    balancer: readBalancer(reader, fields['balancer'], `${path}.balancer`),
    localTrafficOnly: reader.flagOf(fields, path, 'localTrafficOnly'),
    slowStartMs: readMs(reader, fields, path, 'slowStartMs'),
    breaker: readBreaker(reader, fields['breaker'], `${path}.breaker`),
    penalty: readPenalty(reader, fields['penalty'], `${path}.penalty`),
    queue: readQueue(reader, fields['queue'], `${path}.queue`),
  };
}
