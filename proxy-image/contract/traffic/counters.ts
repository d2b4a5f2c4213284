import { LATENCY_BUCKETS_MS } from './latency-buckets.ts';

/**
 * Counters of a series, by their numbers on the wire: a number never changes its meaning, new ones come after the last bucket. `success`, `failure`,
 * `timedOut` and `unanswered` are the ends that a request (an attempt) can have, one each.
 */
export const COUNTER = {
  /** Ended with a response that is no failure. */
  success: 0,
  /** With a response that is one: by the classes of its route, its gRPC status, or 5xx. */
  failure: 1,
  /** Without a response, because its time was over. */
  timedOut: 2,
  /** Without a response for any other reason. */
  unanswered: 3,
  /** Refused by policy before it counted as a request: not authorized; no route of the Server matches; too many. */
  denied: 4,
  notRouted: 5,
  limited: 6,
  /** Attempts beyond the first. */
  retries: 7,
  opened: 8,
  closed: 9,
  readBytes: 10,
  writtenBytes: 11,
  /** Connections that are open now: a level, where all others count up. */
  open: 12,
} as const;

/** Number of the first bucket of the latency histogram: responses by time to the first byte of their body. The others follow. */
export const FIRST_BUCKET = 13;
/** One more than there are bounds. */
export const BUCKETS: number = LATENCY_BUCKETS_MS.length + 1;
/** One more than the greatest number that this revision knows. */
export const COUNTERS: number = FIRST_BUCKET + BUCKETS;
