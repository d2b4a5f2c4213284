import { NO_GRPC_STATUS } from '../../contract/policy/grpc-status.ts';
import { FAILURES, type Failure } from '../../http/failures.ts';
import type { ResponseView } from '../../http/message.ts';
import type { DialError, DialFailure } from '../../io/pool/dial.ts';
import type { Logger } from '../../io/telemetry/log.ts';

/**
 * Whether the proxy of the endpoint says that the application never saw the request: its port refused the connection, or did not answer in time. The caller's
 * proxy may then ask another endpoint, outside the retry budget, as if the connection had failed right away. A pod that ends is the usual case: the application
 * is gone before its proxy. Only of a response from a verified proxy: the header of anybody else says nothing. A gRPC call is answered with 200 and a status
 * of its own.
 */
export function isUnreached(head: ResponseView): boolean {
  if (head.status !== 502 && head.status !== 504 && head.grpcStatus === NO_GRPC_STATUS) return false;
  const reason = head.proxyError;
  return reason === FAILURES.connect_error.text || reason === FAILURES.connect_timed_out.text;
}

/** Why there is no identity to rely on, of ours or of the endpoint. */
const OF_IDENTITY: Partial<Record<DialFailure, Failure>> = {
  identity: FAILURES.unproven_identity,
  'no certificate': FAILURES.no_certificate,
};

/** What a request is answered that an attempt to connect was the last hope of. */
export function unreachedAnswer(failure: DialFailure): Failure {
  return OF_IDENTITY[failure] ?? (failure === 'timeout' ? FAILURES.connect_timed_out : FAILURES.connect_error);
}

/** What there is to say of endpoints all of which failed, the last of them by `failure`: that their identity is the matter; else `undefined`. */
export function identityFailure(failure: string): Failure | undefined {
  return failure === 'identity' || failure === 'no certificate' ? OF_IDENTITY[failure] : undefined;
}

/** The `error` that an attempt to connect counts as. */
export function unreachedAs({ failure }: DialError): 'identity required' | 'connect' {
  return OF_IDENTITY[failure] === undefined ? 'connect' : 'identity required';
}

/** That an endpoint cannot be reached is everyday; one that is not who it must be is somebody's mistake, or worse. `peer`: whom it was to be. */
export function logUnreached(log: Logger, peer: string, { failure, detail }: DialError): void {
  const reason = OF_IDENTITY[failure]?.text;
  if (reason === undefined) log.debug('could not connect', { peer, failure, detail });
  else log.warn('endpoint refused', { peer, reason, detail });
}
