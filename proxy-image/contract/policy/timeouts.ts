import type { Fields, Reader } from '../read/reader.ts';
import { MAX_TIMEOUT_MS } from './limits.ts';

/** Milliseconds under `name`, whole ones, `least` or more. */
export function readMs(reader: Reader, fields: Fields, path: string, name: string, least = 0): number {
  return reader.integerOf(fields, path, name, least, MAX_TIMEOUT_MS);
}

/** Milliseconds; 0 = none. */
export interface RouteTimeouts {
  /** The whole exchange, all attempts included. `untilResponse`: only up to the response head (ServiceProfile `timeout`). */
  requestMs: number;
  untilResponse: boolean;
  /** From the end of the request body to the end of the response. */
  responseMs: number;
  /** Between two bytes in either direction. */
  idleMs: number;
  /** One attempt, from when it is sent until its response is complete (Gateway API: `backendRequest`). */
  attemptMs: number;
}

export const NO_TIMEOUTS: Readonly<RouteTimeouts> = {
  requestMs: 0,
  untilResponse: false,
  responseMs: 0,
  idleMs: 0,
  attemptMs: 0,
};

export function readTimeouts(reader: Reader, value: unknown, path: string): RouteTimeouts {
  const fields = reader.object(value, path);
  const ms = (name: string): number => readMs(reader, fields, path, name);
  return {
    requestMs: ms('requestMs'),
    untilResponse: reader.flagOf(fields, path, 'untilResponse'),
    responseMs: ms('responseMs'),
    idleMs: ms('idleMs'),
    attemptMs: ms('attemptMs'),
  };
}
