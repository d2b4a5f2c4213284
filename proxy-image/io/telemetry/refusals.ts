import { FAILURES } from '../../http/failures.ts';
import { ClosedCounters } from './counters.ts';
import type { InboundError, OutboundError } from './error-labels.ts';

interface Kind<E> {
  /** Linkerd's family and value for it: `inbound_tcp_errors_total{error}` and its like. */
  readonly protocol: 'http' | 'tcp';
  readonly error: E;
  readonly level: 'info' | 'warn';
  /** For the log. */
  readonly words: string;
}

function tcp<E>(error: E, level: Kind<E>['level'], words: string): Kind<E> {
  return { protocol: 'tcp', error, level, words };
}

const OWN_ADDRESS = 'it was made to the proxy itself, not redirected to it';
const NO_ROOM = 'as many connections as may be are open, and none could make room';
const MADE_ROOM = 'nothing was under way on it, and it made room: as many connections as may be are open';
const SILENT = 'it kept silent while too many did';
const SLOW_HEAD = 'it had not finished the head of a request while too many had not';

/** Connections of clients that the proxy ends by its own decision: value of `reason` in `weft_connections_refused_total`, and what else is said. */
export const INBOUND_REFUSALS = {
  not_redirected: tcp<InboundError>('unexpected', 'info', OWN_ADDRESS),
  own_port: tcp<InboundError>('gateway loop', 'info', 'the target is the proxy itself'),
  connection_limit: tcp<InboundError>('loadshed', 'warn', NO_ROOM),
  made_room: tcp<InboundError>('loadshed', 'warn', MADE_ROOM),
  detection_limit: tcp<InboundError>('loadshed', 'warn', SILENT),
  head_limit: { ...tcp<InboundError>('loadshed', 'warn', SLOW_HEAD), protocol: 'http' },
  handshake_limit: tcp<InboundError>('loadshed', 'warn', 'it had not finished its handshake while too many had not'),
  handshake_timeout: tcp<InboundError>('tls detection timeout', 'info', 'no handshake in time'),
  handshake_failed: tcp<InboundError>('i/o', 'info', 'the handshake failed'),
  header_timeout: tcp<InboundError>('tls detection timeout', 'info', 'no transport header in time'),
  header_malformed: tcp<InboundError>('unexpected', 'info', 'the transport header is malformed'),
  alpn: tcp<InboundError>('unexpected', 'info', 'the transport protocol was not negotiated'),
  client_certificate_missing: tcp<InboundError>('unexpected', 'info', 'the client has shown no certificate'),
  client_certificate_untrusted: tcp<InboundError>('unexpected', 'info', 'the certificate of the client is not trusted'),
  client_name_unusable: tcp<InboundError>('unexpected', 'info', 'the certificate of the client has no usable name'),
  gateway: tcp<InboundError>('gateway domain invalid', 'info', 'gateways are not supported'),
  own_certificate_missing: tcp<InboundError>('unexpected', 'warn', FAILURES.no_certificate.text),
  // Of the control port.
  not_control_plane: tcp<InboundError>('unexpected', 'warn', 'the client is not the control plane'),
} as const satisfies Record<string, Kind<InboundError>>;

export const OUTBOUND_REFUSALS = {
  not_redirected: tcp<OutboundError>('unexpected', 'info', OWN_ADDRESS),
  connection_limit: tcp<OutboundError>('loadshed', 'warn', NO_ROOM),
  made_room: tcp<OutboundError>('loadshed', 'warn', MADE_ROOM),
  detection_limit: tcp<OutboundError>('loadshed', 'warn', SILENT),
  head_limit: { ...tcp<OutboundError>('loadshed', 'warn', SLOW_HEAD), protocol: 'http' },
  forbidden: tcp<OutboundError>('unexpected', 'info', 'the mesh forbids the destination'),
} as const satisfies Record<string, Kind<OutboundError>>;

/** The admin port has no errors of Linkerd's. */
export const ADMIN_REFUSALS = {
  made_room: { level: 'warn', words: 'it made room: as many connections to the admin port as may be are open' },
} as const;

/** Value of `answer` in `weft_requests_refused_total`: the status that was answered, or HTTP/2's error code. */
export const REFUSED_ANSWERS = [
  ...['400', '408', '414', '431', '501', '505', 'PROTOCOL_ERROR', 'INTERNAL_ERROR', 'FLOW_CONTROL_ERROR'],
  ...['SETTINGS_TIMEOUT', 'STREAM_CLOSED', 'FRAME_SIZE_ERROR', 'REFUSED_STREAM', 'CANCEL', 'COMPRESSION_ERROR'],
  ...['ENHANCE_YOUR_CALM', 'other'],
] as const;

export type InboundRefusal = keyof typeof INBOUND_REFUSALS;
export type OutboundRefusal = keyof typeof OUTBOUND_REFUSALS;
export type AdminRefusal = keyof typeof ADMIN_REFUSALS;

export function refusalCounters<K extends string>(refusals: Readonly<Record<K, unknown>>): ClosedCounters<K> {
  const reasons: K[] = [];
  for (const reason in refusals) reasons.push(reason);
  return new ClosedCounters('reason', reasons);
}

export function answerCounters(): ClosedCounters<string> {
  return new ClosedCounters('answer', REFUSED_ANSWERS);
}
