import { NO_GRPC_STATUS, type ResponseView } from '../http/message.ts';
import type { DialError, DialFailure } from '../io/pool/dial.ts';
import type { Logger } from '../io/telemetry/log.ts';

/**
 * Reasons in `l5d-proxy-error` with which a proxy says that the application never saw the request: its port refused the connection, or did
 * not answer in time. The caller's proxy may then ask another endpoint, outside the retry budget, as if the connection had failed right away.
 * A pod that ends is the usual case: the application is gone before its proxy.
 */
export const CONNECT_ERROR = 'connect error';
export const CONNECT_TIMED_OUT = 'connect timed out';

/** The other side speaks no WebSocket over HTTP/2; clients then ask for it over HTTP/1 (RFC 8441 section 3). */
export const NO_TUNNEL = 'extended CONNECT is not supported';

/** Only of a response from a verified proxy: the header of anybody else says nothing. A gRPC call is answered with 200 and a status of its own. */
export function isUnreached(head: ResponseView): boolean {
  if (head.status !== 502 && head.status !== 504 && head.grpcStatus === NO_GRPC_STATUS) return false;
  const reason = head.proxyError;
  return reason === CONNECT_ERROR || reason === CONNECT_TIMED_OUT;
}

/** Why there is no identity to rely on, of ours or of the endpoint. */
const OF_IDENTITY: Partial<Record<DialFailure, string>> = {
  identity: 'the endpoint did not prove its identity',
  'no certificate': 'the proxy has no certificate yet',
};

/** The `error` that an attempt to connect counts as. */
export function unreachedAs({ failure }: DialError): 'identity required' | 'connect' {
  return OF_IDENTITY[failure] === undefined ? 'connect' : 'identity required';
}

/** That an endpoint cannot be reached is everyday; one that is not who it must be is somebody's mistake, or worse. `peer`: whom it was to be. */
export function logUnreached(log: Logger, peer: string, { failure, detail }: DialError): void {
  const reason = OF_IDENTITY[failure];
  if (reason === undefined) log.debug('could not connect', { peer, failure, detail });
  else log.warn('endpoint refused', { peer, reason, detail });
}
