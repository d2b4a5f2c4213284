import { COLON, CR, equalsIgnoringCase, FIELD_VALUE, isBlank, LF, TOKEN } from '../../http/octets.ts';
import {
  CONNECTION,
  CONTENT_LENGTH,
  HOP_BY_HOP,
  HOST,
  KEEP_ALIVE,
  L5D,
  L5D_PROXY_ERROR,
  recognize,
  sameName,
  TE,
  TRANSFER_ENCODING,
  UPGRADE,
} from './fields.ts';
import type { Head } from './head.ts';
import {
  BAD_CONTENT_LENGTH,
  BAD_FIELD_NAME,
  BAD_FIELD_VALUE,
  BAD_HOST,
  BAD_TRANSFER_ENCODING,
  BARE_CR_OR_LF,
  FOLDED_LINE,
  HEAD_TOO_LARGE,
  REPEATED_CONTENT_LENGTH,
  UNKNOWN_CODING,
} from './rejection.ts';

/** More bytes are needed. */
export const INCOMPLETE = 0;

/**
 * RFC 9112 section 5: field lines up to and including the empty line. Returns the position after it, INCOMPLETE, or a rejection. Strict: CR LF only,
 * no folding, no blank before the colon, token characters in names, no controls in values.
 */
export function parseFields(head: Head, at: number, to: number): number {
  const { bytes } = head;
  head.fields = at;
  for (;;) {
    if (at >= to) return short(head, to);
    if (bytes[at] === CR) return endOfFields(head, at, to);
    const next = parseField(head, at, to);
    if (next <= 0) return next;
    at = next;
  }
}

/** Fewer bytes than a head needs: fine unless it has grown too long already. */
function short(head: Head, to: number): number {
  return to - head.start > head.maxBytes ? HEAD_TOO_LARGE : INCOMPLETE;
}

function endOfFields(head: Head, at: number, to: number): number {
  if (at + 1 >= to) return INCOMPLETE;
  if (head.bytes[at + 1] !== LF) return BARE_CR_OR_LF;
  head.end = at + 2;
  if (head.nominates) dropNominated(head);
  return head.end - head.start > head.maxBytes ? HEAD_TOO_LARGE : head.end;
}

function parseField(head: Head, at: number, to: number): number {
  const { bytes, count } = head;
  if (count === head.capacity) return HEAD_TOO_LARGE;
  let nameEnd = at;
  while (nameEnd < to && TOKEN[bytes[nameEnd]!] !== 0) nameEnd++;
  if (nameEnd === to) return short(head, to);
  if (bytes[nameEnd] !== COLON || nameEnd === at) return badName(bytes[nameEnd]!, nameEnd === at);
  let value = nameEnd + 1;
  while (value < to && isBlank(bytes[value]!)) value++;
  let end = value;
  while (end < to && FIELD_VALUE[bytes[end]!] === 1) end++;
  if (end + 1 >= to) return end === to || bytes[end] === CR ? short(head, to) : badValue(bytes[end]!);
  if (bytes[end] !== CR || bytes[end + 1] !== LF) return badValue(bytes[end]!);
  const next = end + 2;
  while (end > value && isBlank(bytes[end - 1]!)) end--;
  head.nameStart[count] = at;
  head.nameEnd[count] = nameEnd;
  head.valueStart[count] = value;
  head.valueEnd[count] = end;
  head.dropped[count] = 0;
  head.count = count + 1;
  const id = recognize(bytes, at, nameEnd);
  head.ids[count] = id;
  const refused = id === 0 ? 0 : interpret(head, count, id);
  return refused < 0 ? refused : next;
}

function badName(octet: number, isFirst: boolean): number {
  if (octet === LF || octet === CR) return BARE_CR_OR_LF;
  return isFirst && isBlank(octet) ? FOLDED_LINE : BAD_FIELD_NAME;
}

function badValue(octet: number): number {
  return octet === LF || octet === CR ? BARE_CR_OR_LF : BAD_FIELD_VALUE;
}

/** Notes what the proxy has to know of the field. Returns a rejection or 0. */
function interpret(head: Head, field: number, id: number): number {
  switch (id) {
    case HOST:
      if (head.hostField !== -1) return BAD_HOST;
      head.hostField = field;
      return 0;
    case CONTENT_LENGTH:
      return contentLength(head, field);
    case TRANSFER_ENCODING:
      return transferEncoding(head, field);
    case CONNECTION:
      head.drop(field);
      connectionOptions(head, field);
      return 0;
    case UPGRADE:
      head.drop(field);
      head.upgradeField = field;
      return 0;
    case TE:
      head.drop(field);
      head.wantsTrailers ||= listsTrailers(head.value(field));
      return 0;
    case KEEP_ALIVE:
      head.drop(field);
      head.keepAliveS = keepAliveTimeout(head.bytes, head.valueStart[field]!, head.valueEnd[field]!);
      return 0;
    case L5D_PROXY_ERROR:
      head.proxyErrorField = field;
      head.drop(field);
      return 0;
    case HOP_BY_HOP:
    case L5D:
      head.drop(field);
      return 0;
    default:
      return 0;
  }
}

/** RFC 9110 section 8.6: digits only, once. Equal repetitions are refused too: nobody sends them by accident. */
function contentLength(head: Head, field: number): number {
  if (head.contentLength !== -1) return REPEATED_CONTENT_LENGTH;
  const from = head.valueStart[field]!;
  const to = head.valueEnd[field]!;
  // 2^53 has sixteen digits.
  if (from === to || to - from > 16) return BAD_CONTENT_LENGTH;
  let length = 0;
  for (let i = from; i < to; i++) {
    const digit = head.bytes[i]! - 48;
    if (digit < 0 || digit > 9) return BAD_CONTENT_LENGTH;
    length = length * 10 + digit;
  }
  if (length > Number.MAX_SAFE_INTEGER) return BAD_CONTENT_LENGTH;
  head.contentLength = length;
  return 0;
}

/** Exactly one `chunked`: no list, no other coding, no blanks within (RFC 9112 section 6.1). */
function transferEncoding(head: Head, field: number): number {
  if (head.chunked) return BAD_TRANSFER_ENCODING;
  const { bytes } = head;
  const from = head.valueStart[field]!;
  const to = head.valueEnd[field]!;
  if (equalsIgnoringCase(bytes, from, to, 'chunked')) {
    head.chunked = true;
    return 0;
  }
  if (from === to) return BAD_TRANSFER_ENCODING;
  for (let i = from; i < to; i++) if (TOKEN[bytes[i]!] === 0) return BAD_TRANSFER_ENCODING;
  return UNKNOWN_CODING;
}

/** RFC 9110 section 10.1.4. We do pass trailers on, so a wish for them may pass too, in our own words; every coding is between two hops. */
function listsTrailers(value: string): boolean {
  return /(?:^|,)[ \t]*trailers[ \t]*(?:,|$)/i.test(value);
}

const TIMEOUT = 'timeout=';
const TIMEOUT_DIGITS = 9;

/** `timeout=5, max=100` (RFC 2068 section 19.7.1.1), in seconds; -1 = says nothing of a timeout. Some servers send it with every response. */
function keepAliveTimeout(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at + TIMEOUT.length < to && !equalsIgnoringCase(bytes, at, at + TIMEOUT.length, TIMEOUT)) at++;
  at += TIMEOUT.length;
  if (at >= to) return -1;
  let seconds = 0;
  const end = Math.min(to, at + TIMEOUT_DIGITS);
  const start = at;
  while (at < end && bytes[at]! >= 48 && bytes[at]! <= 57) seconds = seconds * 10 + bytes[at++]! - 48;
  return at === start ? -1 : seconds;
}

/** RFC 9110 section 7.6.1. */
function connectionOptions(head: Head, field: number): void {
  const { bytes } = head;
  const to = head.valueEnd[field]!;
  for (let at = head.valueStart[field]!; at < to; ) {
    let end = at;
    while (end < to && TOKEN[bytes[end]!] !== 0) end++;
    if (end > at) connectionOption(head, at, end);
    at = end + 1;
  }
}

function connectionOption(head: Head, from: number, to: number): void {
  const { bytes } = head;
  if (equalsIgnoringCase(bytes, from, to, 'close')) head.close = true;
  else if (equalsIgnoringCase(bytes, from, to, 'keep-alive')) head.keepAlive = true;
  else if (equalsIgnoringCase(bytes, from, to, 'upgrade')) head.connectionUpgrade = true;
  else head.nominates = true;
}

/** Fields that are named by `Connection` go no further; what frames, routes or identifies is not for a client to switch off. */
function dropNominated(head: Head): void {
  const { bytes, ids } = head;
  for (let field = 0; field < head.count; field++) {
    if (ids[field] === CONNECTION) forEachOption(head, field, bytes);
  }
}

function forEachOption(head: Head, connection: number, bytes: Buffer): void {
  const to = head.valueEnd[connection]!;
  for (let at = head.valueStart[connection]!; at < to; ) {
    let end = at;
    while (end < to && TOKEN[bytes[end]!] !== 0) end++;
    if (end > at) dropNamed(head, at, end);
    at = end + 1;
  }
}

function dropNamed(head: Head, from: number, to: number): void {
  const { bytes, ids } = head;
  for (let field = 0; field < head.count; field++) {
    const id = ids[field]!;
    if (id === HOST || id === CONTENT_LENGTH || id === TRANSFER_ENCODING) continue;
    if (sameName(bytes, from, to, bytes, head.nameStart[field]!, head.nameEnd[field]!)) head.drop(field);
  }
}
