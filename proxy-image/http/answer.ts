import type { Failure } from './failures.ts';
import { PROXY_ERROR } from './fields.ts';

/** A response of the proxy's own. */
export interface Answer {
  readonly status: number;
  /** Instead of `status`, where the request is a gRPC call. */
  readonly grpcStatus: number;
  /** Names in lower case; values are the proxy's own words. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** Why, for the message of a gRPC status; empty where the other side may not know it. */
  readonly reason: string;
}

/**
 * The answer to a failure (Linkerd: empty body, the reason in `l5d-proxy-error` where the other side may know it). `told` false = the reason stays here.
 * `detail` is ours, never a client's text; only where the failure is a `detailed` one.
 */
export function errorAnswer(failure: Failure, told: boolean, detail = ''): Answer {
  const { status, grpcStatus, text } = failure;
  if (!told) return { status, grpcStatus, fields: [], body: '', reason: '' };
  const reason = detail === '' ? text : `${text}: ${detail}`;
  return { status, grpcStatus, fields: [[PROXY_ERROR, reason]], body: '', reason };
}
