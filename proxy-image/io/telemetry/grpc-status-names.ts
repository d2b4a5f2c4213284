/** By number (gRPC, "Status codes and their use"). */
const NAMES = [
  ...['OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND', 'ALREADY_EXISTS'],
  ...['PERMISSION_DENIED', 'RESOURCE_EXHAUSTED', 'FAILED_PRECONDITION', 'ABORTED', 'OUT_OF_RANGE', 'UNIMPLEMENTED'],
  ...['INTERNAL', 'UNAVAILABLE', 'DATA_LOSS', 'UNAUTHENTICATED'],
];

/** Of a status of gRPC, as Linkerd's labels have it (linkerd2-proxy: route metrics, labels of gRPC responses). */
export function grpcStatusName(status: number): string {
  return NAMES[status] ?? 'UNKNOWN';
}
