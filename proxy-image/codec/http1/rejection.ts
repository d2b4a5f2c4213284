/**
 * Why a message is refused. Parsers return these as negative numbers, so that refusing allocates nothing; `REJECTIONS[-code]` has status and words.
 * For a response every rejection becomes 502.
 */
export interface Rejection {
  /** 400 unless a more telling status exists. */
  readonly status: number;
  readonly reason: string;
}

export const REJECTIONS: readonly Rejection[] = [
  { status: 500, reason: 'not a rejection' },
  { status: 400, reason: 'malformed request line' },
  { status: 505, reason: 'HTTP version not supported' },
  { status: 400, reason: 'malformed request target' },
  { status: 431, reason: 'message head too large' },
  { status: 400, reason: 'malformed field name' },
  { status: 400, reason: 'malformed field value' },
  { status: 400, reason: 'folded field line' },
  { status: 400, reason: 'bare CR or LF' },
  { status: 400, reason: 'malformed content-length' },
  { status: 400, reason: 'repeated content-length' },
  { status: 400, reason: 'malformed transfer-encoding' },
  { status: 501, reason: 'transfer coding not supported' },
  { status: 400, reason: 'content-length beside transfer-encoding' },
  { status: 400, reason: 'transfer-encoding in HTTP/1.0' },
  { status: 400, reason: 'missing host' },
  { status: 400, reason: 'malformed or repeated host' },
  { status: 501, reason: 'CONNECT is not enabled' },
  { status: 414, reason: 'request target too long' },
  { status: 400, reason: 'malformed chunk' },
  { status: 400, reason: 'chunk extensions too large' },
  { status: 431, reason: 'trailers too large' },
  { status: 400, reason: 'malformed trailer' },
  { status: 502, reason: 'malformed status line' },
  { status: 502, reason: 'body where none is allowed' },
  { status: 501, reason: 'method too long' },
  { status: 502, reason: 'too many interim responses' },
  { status: 502, reason: 'switched protocols without being asked' },
  { status: 400, reason: 'CONNECT with a body' },
];

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

export function rejection(code: number): Rejection {
  return REJECTIONS[-code]!;
}
