/** Status codes of gRPC that the proxy sets or judges by, or that users name (gRPC, "Status codes and their use"). */
export const CANCELLED = 1;
export const UNKNOWN = 2;
export const DEADLINE_EXCEEDED = 4;
export const NOT_FOUND = 5;
export const PERMISSION_DENIED = 7;
export const RESOURCE_EXHAUSTED = 8;
export const ABORTED = 10;
export const UNIMPLEMENTED = 12;
export const INTERNAL = 13;
export const UNAVAILABLE = 14;
export const DATA_LOSS = 15;
export const HIGHEST_GRPC_STATUS = 16;

/** There is no `grpc-status`, or none so far. */
export const NO_GRPC_STATUS = -1;

/** How an HTTP status of the proxy reads as a gRPC status (linkerd2-proxy: errors/respond). */
export function grpcStatusOf(status: number): number {
  switch (status) {
    case 400:
    case 414:
    case 431:
    case 500:
      return INTERNAL;
    case 403:
      return PERMISSION_DENIED;
    case 404:
      return NOT_FOUND;
    case 501:
      return UNIMPLEMENTED;
    case 408:
    case 504:
      return DEADLINE_EXCEEDED;
    case 413:
    case 429:
      return RESOURCE_EXHAUSTED;
    case 502:
    case 503:
      return UNAVAILABLE;
    case 508:
      return ABORTED;
    default:
      return UNKNOWN;
  }
}
