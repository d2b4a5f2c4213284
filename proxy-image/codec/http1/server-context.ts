import type { ExchangePool } from '../../http/exchange-pool.ts';
import type { HeadGate } from '../../http/partial-head.ts';
import type { Http1Scratch } from './scratch.ts';

/** What all server connections of a stack share. */
export interface ServerContext extends HeadGate {
  readonly exchanges: ExchangePool;
  readonly scratch: Http1Scratch;
  /** From the first byte of a head to its last (ecosystem: slow heads). */
  readonly headTimeoutMs: number;
  /** Without a byte of a request body, or without one of an answer being taken (ecosystem: slow bodies, slow readers). */
  readonly stallTimeoutMs: number;
}
