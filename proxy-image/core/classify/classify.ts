import {
  DATA_LOSS,
  DEADLINE_EXCEEDED,
  INTERNAL,
  NO_GRPC_STATUS,
  PERMISSION_DENIED,
  UNAVAILABLE,
  UNKNOWN,
} from '../../contract/policy/grpc-status.ts';

/** A compiled response class: the first whose `matches` accepts the status decides. */
export interface CompiledClass {
  readonly isFailure: boolean;
  matches(status: number): boolean;
}

/** linkerd2-proxy: client-policy, grpc defaults. */
const GRPC_FAILURES = new Set([UNKNOWN, DEADLINE_EXCEEDED, PERMISSION_DENIED, INTERNAL, UNAVAILABLE, DATA_LOSS]);

/**
 * Whether a response counts as a failure: for metrics, and for retries of a retryable route. The first matching response class of the route decides;
 * then the gRPC status, if there is one; then 5xx.
 */
export function isFailure(
  route: { readonly classes: readonly CompiledClass[] },
  status: number,
  grpcStatus: number = NO_GRPC_STATUS,
): boolean {
  for (const candidate of route.classes) {
    if (candidate.matches(status)) return candidate.isFailure;
  }
  return grpcStatus === NO_GRPC_STATUS ? status >= 500 : GRPC_FAILURES.has(grpcStatus);
}
