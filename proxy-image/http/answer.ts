/** A response of the proxy's own. */
export interface Answer {
  readonly status: number;
  /** Names in lower case; values are the proxy's own words. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** Why, for the message of a gRPC status; empty where the other side may not know it. */
  readonly reason: string;
}

/**
 * An error answer (Linkerd: empty body, the reason in `l5d-proxy-error` where the other side may know it). `told` false = the reason stays here.
 * `reason` is ours, never a client's text.
 */
export function errorAnswer(status: number, reason: string, told: boolean): Answer {
  return { status, fields: told ? [['l5d-proxy-error', reason]] : [], body: '', reason: told ? reason : '' };
}

/** How an HTTP status of the proxy reads as a gRPC status (linkerd2-proxy: errors/respond; codes: gRPC "Status codes and their use"). */
export function grpcStatusOf(status: number): number {
  switch (status) {
    case 400:
    case 414:
    case 431:
    case 500:
      return 13;
    case 403:
      return 7;
    case 404:
      return 5;
    case 501:
      return 12;
    case 408:
    case 504:
      return 4;
    case 413:
    case 429:
      return 8;
    case 502:
    case 503:
      return 14;
    default:
      return 2;
  }
}
