import { CR, FIELD_VALUE, LF, SP } from '../../http/octets.ts';
import { CONTENT_LENGTH, TRANSFER_ENCODING } from './fields.ts';
import type { BodyKind, ResponseHead } from './head.ts';
import { INCOMPLETE, parseFields } from './parse-fields.ts';
import {
  BAD_STATUS_LINE,
  BARE_CR_OR_LF,
  CODING_IN_HTTP10,
  FORBIDDEN_BODY,
  HEAD_TOO_LARGE,
  LENGTH_AND_CODING,
} from './rejection.ts';

const VERSION_PREFIX = 'HTTP/1.';
/** `HTTP/1.1 200`. */
const FIXED_BYTES = 12;

/** RFC 9112 section 4 and 5: a response head in `bytes[from..to)`. Returns the position after it, INCOMPLETE (0), or a rejection (negative). */
export function parseResponse(head: ResponseHead, bytes: Buffer, from: number, to: number): number {
  head.reset(bytes, from);
  head.forbiddenBody = false;
  const fields = parseStatusLine(head, from, to);
  if (fields <= 0) return fields;
  const end = parseFields(head, fields, to);
  if (end <= 0) return end;
  if (head.chunked && head.contentLength !== -1) return LENGTH_AND_CODING;
  if (head.chunked && head.minorVersion === 0) return CODING_IN_HTTP10;
  const refused = head.status < 200 || head.status === 204 ? withoutBody(head) : 0;
  return refused < 0 ? refused : end;
}

/**
 * 1xx and 204 have no body, and must not announce any (RFC 9112 section 6.1, RFC 9110 section 8.6). A 204 is taken without what it says: where it ends is
 * beyond doubt (RFC 9112 section 6.3). Behind a 1xx comes another head, so that one is refused.
 */
function withoutBody(head: ResponseHead): number {
  head.forbiddenBody = head.chunked || head.contentLength > 0;
  if (head.forbiddenBody && head.status < 200) return FORBIDDEN_BODY;
  dropFraming(head);
  return 0;
}

/** What the head says of a body is taken out of it. */
export function dropFraming(head: ResponseHead): void {
  for (let field = 0; field < head.count; field++) {
    if (head.ids[field] === CONTENT_LENGTH || head.ids[field] === TRANSFER_ENCODING) head.drop(field);
  }
  head.chunked = false;
  head.contentLength = -1;
}

function parseStatusLine(head: ResponseHead, at: number, to: number): number {
  const { bytes } = head;
  const known = Math.min(to - at, VERSION_PREFIX.length);
  for (let i = 0; i < known; i++) if (bytes[at + i] !== VERSION_PREFIX.charCodeAt(i)) return BAD_STATUS_LINE;
  if (to - at < FIXED_BYTES + 1) return INCOMPLETE;
  const minor = bytes[at + 7]! - 48;
  if ((minor !== 0 && minor !== 1) || bytes[at + 8] !== SP) return BAD_STATUS_LINE;
  head.minorVersion = minor;
  const status = statusCode(bytes, at + 9);
  if (status < 100) return BAD_STATUS_LINE;
  head.status = status;
  return parseReason(head, at, at + FIXED_BYTES, to);
}

function statusCode(bytes: Buffer, at: number): number {
  let status = 0;
  for (let i = at; i < at + 3; i++) {
    const digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) return -1;
    status = status * 10 + digit;
  }
  return status;
}

/** The blank before an empty reason is often left out; the reason itself is passed on. */
function parseReason(head: ResponseHead, start: number, at: number, to: number): number {
  const { bytes } = head;
  if (bytes[at] !== SP && bytes[at] !== CR) return BAD_STATUS_LINE;
  while (at < to && FIELD_VALUE[bytes[at]!] === 1) at++;
  if (at - start > head.maxBytes) return HEAD_TOO_LARGE;
  if (at === to) return INCOMPLETE;
  if (bytes[at] !== CR) return bytes[at] === LF ? BARE_CR_OR_LF : BAD_STATUS_LINE;
  if (at + 1 === to) return INCOMPLETE;
  return bytes[at + 1] === LF ? at + 2 : BARE_CR_OR_LF;
}

/** RFC 9112 section 6.3. */
export function responseBody(head: ResponseHead, isHead: boolean): BodyKind {
  if (isHead || isBodiless(head.status)) return 'none';
  if (head.chunked) return 'chunked';
  return head.contentLength === -1 ? 'until-close' : 'length';
}

function isBodiless(status: number): boolean {
  return status < 200 || status === 204 || status === 304;
}
