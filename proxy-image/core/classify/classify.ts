/** A compiled response class: the first whose `matches` accepts the status decides. */
export interface CompiledClass {
  readonly isFailure: boolean;
  matches(status: number): boolean;
}

/** No `grpc-status` was seen. */
export const NO_GRPC_STATUS = -1;

/** UNKNOWN, DEADLINE_EXCEEDED, PERMISSION_DENIED, INTERNAL, UNAVAILABLE, DATA_LOSS (linkerd2-proxy: client-policy, grpc defaults). */
const GRPC_FAILURES = new Set([2, 4, 7, 13, 14, 15]);

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
