import { BACKEND_ABSENT, NO_RULE_MATCHES } from '../contract/policy/failure-texts.ts';
import { grpcStatusOf } from '../contract/policy/grpc-status.ts';

/** Value of `error` in `inbound_http_errors_total` and `outbound_http_errors_total` (linkerd2-proxy; `connect` is ours). */
type ErrorLabel = 'failfast' | 'loadshed' | 'identity required' | 'i/o' | 'connect' | 'response timeout' | 'unexpected';

/** Why the proxy answers a request by itself, and how. */
export interface Failure {
  /** Of HTTP; a gRPC call is answered with 200 and `grpcStatus`. */
  readonly status: number;
  readonly grpcStatus: number;
  /** What `l5d-proxy-error` and `grpc-message` say, where the client may know it. Constant: never a client's text. */
  readonly text: string;
  /** What exactly it was follows the text, behind a colon. */
  readonly detailed: boolean;
  /** `null`: it is not an error of the proxy but counted as something else (docs/errors.md). */
  readonly error: ErrorLabel | null;
}

interface Row<E extends ErrorLabel | null> extends Failure {
  readonly error: E;
}

function row<E extends ErrorLabel | null>(status: number, text: string, error: E): Row<E> {
  return { status, grpcStatus: grpcStatusOf(status), text, detailed: false, error };
}

function detailed<E extends ErrorLabel | null>(status: number, text: string, error: E): Row<E> {
  return { ...row(status, text, error), detailed: true };
}

/** What came is no request: it counts as a refused one, and nobody but its codec hears of it. */
function refused(status: number, text: string): Row<null> {
  return row(status, text, null);
}

/**
 * Every failure with which the data plane answers a request by itself. docs/errors.md lists the same, and says what to check next. Whoever answers takes a
 * row, so that status, words, metric and documentation cannot differ.
 */
export const FAILURES = {
  // Policy and routes.
  unauthorized: detailed(403, 'unauthorized', null),
  no_route: row(404, NO_RULE_MATCHES, null),
  no_backend: row(500, 'the route has no backend', 'failfast'),
  invalid_backend: row(500, 'a backend of the route is not valid', 'failfast'),
  rate_limited: row(429, 'rate limit exceeded', null),
  injected: row(500, 'injected by a filter of the route', null),

  // Endpoints.
  no_such_backend: row(503, BACKEND_ABSENT, 'failfast'),
  failfast: detailed(504, 'fail-fast', 'failfast'),
  loadshed: row(503, 'too many requests are waiting', 'loadshed'),
  connect_error: row(502, 'connect error', 'connect'),
  connect_timed_out: row(504, 'connect timed out', 'connect'),
  unproven_identity: row(502, 'the endpoint did not prove its identity', 'identity required'),
  no_certificate: row(502, 'the proxy has no certificate yet', 'identity required'),
  no_tunnel: row(501, 'extended CONNECT is not supported', 'i/o'),
  malformed_response: row(502, 'malformed response', 'i/o'),
  connection_lost: row(502, 'the connection was lost', 'i/o'),
  response_timed_out: row(504, 'response timed out', 'response timeout'),
  response_overran: row(504, 'the response timed out', 'response timeout'),
  no_forwards: row(405, 'no more forwards are allowed', null),
  body_too_large: row(413, 'body too large', null),

  // What is no request.
  malformed_request_line: refused(400, 'malformed request line'),
  unsupported_version: refused(505, 'HTTP version not supported'),
  malformed_target: refused(400, 'malformed request target'),
  head_too_large: refused(431, 'message head too large'),
  malformed_field_name: refused(400, 'malformed field name'),
  malformed_field_value: refused(400, 'malformed field value'),
  folded_field: refused(400, 'folded field line'),
  bare_cr_or_lf: refused(400, 'bare CR or LF'),
  malformed_content_length: refused(400, 'malformed content-length'),
  repeated_content_length: refused(400, 'repeated content-length'),
  malformed_transfer_encoding: refused(400, 'malformed transfer-encoding'),
  unsupported_coding: refused(501, 'transfer coding not supported'),
  length_and_coding: refused(400, 'content-length beside transfer-encoding'),
  coding_in_http10: refused(400, 'transfer-encoding in HTTP/1.0'),
  no_host: refused(400, 'missing host'),
  malformed_host: refused(400, 'malformed or repeated host'),
  no_connect: refused(501, 'CONNECT is not enabled'),
  target_too_long: refused(414, 'request target too long'),
  malformed_chunk: refused(400, 'malformed chunk'),
  extensions_too_large: refused(400, 'chunk extensions too large'),
  trailers_too_large: refused(431, 'trailers too large'),
  malformed_trailer: refused(400, 'malformed trailer'),
  method_too_long: refused(501, 'method too long'),
  connect_with_body: refused(400, 'CONNECT with a body'),
  head_timed_out: refused(408, 'request head timed out'),
  body_timed_out: refused(408, 'request body timed out'),
  answer_not_taken: refused(408, 'nothing of the answer was taken'),
} as const satisfies Record<string, Failure>;
