import type { ResponseClass, StatusRetry } from '../resources.ts';
import type { Filter } from './filter.ts';

/**
 * Shares of the traffic among the backends of the policy. `weight` is a non-negative integer; `backend` an index. Filters apply to what goes to that backend
 * only. A distribution without a share of positive weight answers 500 (Gateway API: HTTPRouteRule `backendRefs`).
 */
export interface Share {
  backend: number;
  weight: number;
  filters: Filter[];
}

export type Distribution = Share[];

/** `budget`: failures are retried as long as the policy's retry budget allows it (ServiceProfile). `statuses`: those named are, without a budget (`retry.linkerd.io/*`). */
export type RetryPolicy = { type: 'budget' } | ({ type: 'statuses' } & StatusRetry);

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

/** What happens to the requests of a rule. `origin` and `distribution` are indexes into the tables of the policy; rules that are treated alike share one of these. */
export interface RoutePolicy {
  origin: number;
  filters: Filter[];
  distribution: number;
  retry: RetryPolicy | null;
  timeouts: RouteTimeouts;
  /** Which responses are failures; the first class that matches decides, then the default classification. */
  classes: ResponseClass[];
}
