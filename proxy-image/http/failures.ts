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
  readonly next: string;
}

interface Row<E extends ErrorLabel | null> extends Failure {
  readonly error: E;
}

function row<E extends ErrorLabel | null>(status: number, text: string, error: E, next: string): Row<E> {
  return { status, grpcStatus: grpcStatusOf(status), text, detailed: false, error, next };
}

function detailed<E extends ErrorLabel | null>(status: number, text: string, error: E, next: string): Row<E> {
  return { ...row(status, text, error, next), detailed: true };
}

/** What came is no request: it counts as a refused one, and nobody but its codec hears of it. */
function refused(status: number, text: string, next: string): Row<null> {
  return row(status, text, null, next);
}

const SENT = 'look at what the client sends, or a proxy before it: docs/http.md says what is refused and why';
const SMALLER = 'most often a cookie or a query has grown; the limit of a head is spec.proxy.maxHeadBytes of the Mesh';
const APPLICATION = 'check that the application listens on that port, on every address and not on 127.0.0.1 alone';
const CERTIFICATE = 'the log of that proxy says why the identity service gave none: WEFT_IDENTITY_… and WEFT_CONTROL_…';
const ROUTES = 'the conditions Accepted and ResolvedRefs of the route say which reference does not hold';

/**
 * Every failure with which the data plane answers a request by itself; docs/errors.md lists the same. Whoever answers takes a row, so that status, words, metric
 * and documentation cannot differ.
 */
export const FAILURES = {
  // Policy and routes.
  unauthorized: detailed(403, 'unauthorized', null, 'the reason names the rule; docs/authorization.md has them all'),
  no_route: row(404, NO_RULE_MATCHES, null, 'compare the request with the matches of the routes attached'),
  no_backend: row(500, 'the route has no backend', 'failfast', ROUTES),
  invalid_backend: row(500, 'a backend of the route is not valid', 'failfast', ROUTES),
  rate_limited: row(
    429,
    'rate limit exceeded',
    null,
    'ask less often, or raise the limit of the policy that selects it',
  ),
  injected: row(500, 'injected by a filter of the route', null, 'a filter asks for it, with the status that it names'),

  // Endpoints.
  no_such_backend: row(
    503,
    BACKEND_ABSENT,
    'failfast',
    'a TrafficSplit names a Service that is not there or lacks the port: its conditions say which',
  ),
  failfast: detailed(
    504,
    'fail-fast',
    'failfast',
    'there has been no endpoint for 3 s, for the reason that follows: check that pods are ready and reachable',
  ),
  loadshed: row(
    503,
    'too many requests are waiting',
    'loadshed',
    'the endpoints do not keep up: add some, or ask less',
  ),
  connect_error: row(502, 'connect error', 'connect', APPLICATION),
  connect_timed_out: row(
    504,
    'connect timed out',
    'connect',
    'a NetworkPolicy may drop the packets, or the node is gone',
  ),
  unproven_identity: row(
    502,
    'the endpoint did not prove its identity',
    'identity required',
    'its pod may have been replaced by another under the same address, or its proxy has no certificate yet',
  ),
  no_certificate: row(502, 'the proxy has no certificate yet', 'identity required', CERTIFICATE),
  no_tunnel: row(
    501,
    'extended CONNECT is not supported',
    'i/o',
    'nothing, where clients then ask for a WebSocket over HTTP/1; else the application must take RFC 8441',
  ),
  malformed_response: row(
    502,
    'malformed response',
    'i/o',
    'the application answers with what is no HTTP, or none that is safe to pass on: docs/http.md',
  ),
  connection_lost: row(
    502,
    'the connection was lost',
    'i/o',
    'the log of the application: it ended or closed meanwhile',
  ),
  response_timed_out: row(
    504,
    'response timed out',
    'response timeout',
    'the timeout of the route, of the profile or of timeout.linkerd.io/* is shorter than what the application takes',
  ),
  response_overran: row(
    504,
    'the response timed out',
    'response timeout',
    'as before; the head had been passed on, so that only gRPC clients are told and others see the stream break off',
  ),
  no_forwards: row(
    405,
    'no more forwards are allowed',
    null,
    'Max-Forwards of TRACE was 0: whoever has it must answer',
  ),
  body_too_large: row(413, 'body too large', null, 'no request to the admin port has a body worth mentioning'),

  // What is no request.
  malformed_request_line: refused(
    400,
    'malformed request line',
    'something else than HTTP may speak on that port: then declare it opaque',
  ),
  unsupported_version: refused(505, 'HTTP version not supported', SENT),
  malformed_target: refused(400, 'malformed request target', SENT),
  head_too_large: refused(431, 'message head too large', SMALLER),
  malformed_field_name: refused(400, 'malformed field name', SENT),
  malformed_field_value: refused(400, 'malformed field value', SENT),
  folded_field: refused(400, 'folded field line', SENT),
  bare_cr_or_lf: refused(400, 'bare CR or LF', SENT),
  malformed_content_length: refused(400, 'malformed content-length', SENT),
  repeated_content_length: refused(400, 'repeated content-length', SENT),
  malformed_transfer_encoding: refused(400, 'malformed transfer-encoding', SENT),
  unsupported_coding: refused(501, 'transfer coding not supported', SENT),
  length_and_coding: refused(400, 'content-length beside transfer-encoding', SENT),
  coding_in_http10: refused(400, 'transfer-encoding in HTTP/1.0', SENT),
  no_host: refused(400, 'missing host', SENT),
  malformed_host: refused(400, 'malformed or repeated host', SENT),
  no_connect: refused(
    501,
    'CONNECT is not enabled',
    'the proxy that answers is no forward proxy; see CONNECT in docs/http.md',
  ),
  target_too_long: refused(414, 'request target too long', SMALLER),
  malformed_chunk: refused(400, 'malformed chunk', SENT),
  extensions_too_large: refused(400, 'chunk extensions too large', SENT),
  trailers_too_large: refused(431, 'trailers too large', SMALLER),
  malformed_trailer: refused(400, 'malformed trailer', SENT),
  method_too_long: refused(501, 'method too long', SENT),
  connect_with_body: refused(400, 'CONNECT with a body', SENT),
  head_timed_out: refused(
    408,
    'request head timed out',
    'the client began a request and did not go on: its network, or its load',
  ),
  body_timed_out: refused(408, 'request body timed out', 'the client announced a body and stopped sending it'),
  answer_not_taken: refused(408, 'nothing of the answer was taken', 'the client does not read what it asked for'),
} as const satisfies Record<string, Failure>;
