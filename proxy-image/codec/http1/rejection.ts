import { FAILURES, type Failure } from '../../http/failures.ts';

/** Why a message is refused. Parsers return these as negative numbers, so that refusing allocates nothing; `REJECTIONS[-code]` is what a client is told. */
export const BAD_REQUEST_LINE = -1;
export const BAD_VERSION = -2;
export const BAD_TARGET = -3;
export const HEAD_TOO_LARGE = -4;
export const BAD_FIELD_NAME = -5;
export const BAD_FIELD_VALUE = -6;
export const FOLDED_LINE = -7;
export const BARE_CR_OR_LF = -8;
export const BAD_CONTENT_LENGTH = -9;
export const REPEATED_CONTENT_LENGTH = -10;
export const BAD_TRANSFER_ENCODING = -11;
export const UNKNOWN_CODING = -12;
export const LENGTH_AND_CODING = -13;
export const CODING_IN_HTTP10 = -14;
export const NO_HOST = -15;
export const BAD_HOST = -16;
export const CONNECT_DISABLED = -17;
export const TARGET_TOO_LONG = -18;
export const BAD_CHUNK = -19;
export const EXTENSIONS_TOO_LARGE = -20;
export const TRAILERS_TOO_LARGE = -21;
export const BAD_TRAILER = -22;
export const BAD_STATUS_LINE = -23;
export const FORBIDDEN_BODY = -24;
export const METHOD_TOO_LONG = -25;
export const TOO_MANY_INTERIM = -26;
export const UNASKED_UPGRADE = -27;
export const CONNECT_BODY = -28;

/** Of a response, whatever is wrong with it is a malformed one. */
export const REJECTIONS: readonly Failure[] = [
  // No rejection has the number 0.
  FAILURES.malformed_request_line,
  FAILURES.malformed_request_line,
  FAILURES.unsupported_version,
  FAILURES.malformed_target,
  FAILURES.head_too_large,
  FAILURES.malformed_field_name,
  FAILURES.malformed_field_value,
  FAILURES.folded_field,
  FAILURES.bare_cr_or_lf,
  FAILURES.malformed_content_length,
  FAILURES.repeated_content_length,
  FAILURES.malformed_transfer_encoding,
  FAILURES.unsupported_coding,
  FAILURES.length_and_coding,
  FAILURES.coding_in_http10,
  FAILURES.no_host,
  FAILURES.malformed_host,
  FAILURES.no_connect,
  FAILURES.target_too_long,
  FAILURES.malformed_chunk,
  FAILURES.extensions_too_large,
  FAILURES.trailers_too_large,
  FAILURES.malformed_trailer,
  FAILURES.malformed_response,
  FAILURES.malformed_response,
  FAILURES.method_too_long,
  FAILURES.malformed_response,
  FAILURES.malformed_response,
  FAILURES.connect_with_body,
];

export function rejection(code: number): Failure {
  return REJECTIONS[-code]!;
}
