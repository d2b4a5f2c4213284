import type { Reader } from '../read/reader.ts';
import { readMs } from './timeouts.ts';

/** Requests that wait for an endpoint which could take them. */
export interface QueueLimits {
  /** Beyond it requests are shed. */
  capacity: number;
  /** After so long without such an endpoint all fail at once, until there is one. */
  failfastMs: number;
}

/** linkerd2-proxy: outbound HTTP queue. */
export const DEFAULT_QUEUE: Readonly<QueueLimits> = { capacity: 10_000, failfastMs: 3_000 };

const MAX_CAPACITY = 1_000_000;

export function readQueue(reader: Reader, value: unknown, path: string): QueueLimits {
  const fields = reader.object(value, path);
  return {
    capacity: reader.integerOf(fields, path, 'capacity', 1, MAX_CAPACITY),
    failfastMs: readMs(reader, fields, path, 'failfastMs', 1),
  };
}
