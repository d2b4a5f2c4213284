import type { RequestHead } from './head.ts';
import { LIMITS } from './limits.ts';
import { CR, equalsIgnoringCase, HOST_NAME, isBlank, LF, lowerCase, SP, TARGET, TOKEN } from './octets.ts';
import { INCOMPLETE, parseFields } from './parse-fields.ts';
import {
  BAD_HOST,
  BAD_REQUEST_LINE,
  BAD_TARGET,
  BAD_VERSION,
  BARE_CR_OR_LF,
  CODING_IN_HTTP10,
  CONNECT_DISABLED,
  HEAD_TOO_LARGE,
  HOST_MISMATCH,
  LENGTH_AND_CODING,
  METHOD_TOO_LONG,
  NO_HOST,
  UPGRADE_WITH_BODY,
} from './rejection.ts';

const SLASH = 47;
const ASTERISK = 42;
const VERSION_PREFIX = 'HTTP/1.';
const VERSION_BYTES = 8;

/**
 * RFC 9112 section 3 and 5: a request head in `bytes[from..to)`. Returns the position after it, INCOMPLETE (0), or a rejection (negative).
 * One empty line before the request line is skipped (section 2.2).
 */
export function parseRequest(head: RequestHead, bytes: Buffer, from: number, to: number): number {
  let at = from;
  if (to - at >= 2 && bytes[at] === CR && bytes[at + 1] === LF) at += 2;
  if (to - at === 1 && bytes[at] === CR && at === from) return INCOMPLETE;
  head.reset(bytes, at);
  const fields = parseRequestLine(head, at, to);
  if (fields <= 0) return fields;
  const end = parseFields(head, fields, to);
  if (end <= 0) return end;
  const refused = checkRequest(head);
  return refused < 0 ? refused : end;
}

function parseRequestLine(head: RequestHead, at: number, to: number): number {
  const { bytes } = head;
  let end = at;
  while (end < to && TOKEN[bytes[end]!] !== 0) end++;
  if (end - at > LIMITS.methodBytes) return METHOD_TOO_LONG;
  if (end === to) return INCOMPLETE;
  if (bytes[end] !== SP || end === at) return BAD_REQUEST_LINE;
  head.methodEnd = end;
  head.targetStart = ++end;
  while (end < to && TARGET[bytes[end]!] === 1) end++;
  if (end - at > LIMITS.lineBytes) return HEAD_TOO_LARGE;
  if (end === to) return INCOMPLETE;
  if (bytes[end] !== SP) return isBlank(bytes[end]!) || bytes[end]! > SP ? BAD_TARGET : BAD_REQUEST_LINE;
  if (end === head.targetStart) return BAD_REQUEST_LINE;
  head.targetEnd = end;
  return parseVersion(head, end + 1, to);
}

function parseVersion(head: RequestHead, at: number, to: number): number {
  const { bytes } = head;
  const known = Math.min(to - at, VERSION_PREFIX.length);
  for (let i = 0; i < known; i++) {
    if (bytes[at + i] !== VERSION_PREFIX.charCodeAt(i)) return looksLikeVersion(bytes, at, to);
  }
  if (to - at < VERSION_BYTES) return INCOMPLETE;
  const minor = bytes[at + 7]! - 48;
  if (minor !== 0 && minor !== 1) return BAD_VERSION;
  head.minorVersion = minor;
  const end = at + VERSION_BYTES;
  if (end === to) return INCOMPLETE;
  if (bytes[end] !== CR) return bytes[end] === LF ? BARE_CR_OR_LF : BAD_REQUEST_LINE;
  if (end + 1 === to) return INCOMPLETE;
  return bytes[end + 1] === LF ? end + 2 : BARE_CR_OR_LF;
}

/** `HTTP/` in upper case followed by another version deserves another status than blanks in a target. */
function looksLikeVersion(bytes: Buffer, at: number, to: number): number {
  const name = bytes.toString('latin1', at, Math.min(to, at + 5));
  if (name !== 'HTTP/'.slice(0, name.length)) return BAD_REQUEST_LINE;
  return name.length < 5 ? INCOMPLETE : BAD_VERSION;
}

/** What one head can contradict itself in. */
function checkRequest(head: RequestHead): number {
  const { bytes, start, methodEnd } = head;
  if (methodEnd - start === 7 && bytes.toString('latin1', start, methodEnd) === 'CONNECT') return CONNECT_DISABLED;
  head.isHead = methodEnd - start === 4 && bytes[start] === 72 && bytes.toString('latin1', start, methodEnd) === 'HEAD';
  if (head.chunked && head.contentLength !== -1) return LENGTH_AND_CODING;
  if (head.chunked && head.minorVersion === 0) return CODING_IN_HTTP10;
  const refused = checkHost(head) || checkTarget(head);
  return refused < 0 ? refused : checkUpgrade(head);
}

function checkHost(head: RequestHead): number {
  const field = head.hostField;
  if (field === -1) return head.minorVersion === 0 ? 0 : NO_HOST;
  return isAuthority(head.bytes, head.valueStart[field]!, head.valueEnd[field]!) ? 0 : BAD_HOST;
}

/** RFC 3986 section 3.2.2 `host [":" port]` without userinfo, not empty. */
function isAuthority(bytes: Buffer, from: number, to: number): boolean {
  let at = from;
  if (bytes[at] === 91) {
    at = bytes.indexOf(93, at) + 1;
    if (at <= 0 || at > to || !isIpLiteral(bytes.toString('latin1', from + 1, at - 1))) return false;
  } else {
    while (at < to && HOST_NAME[bytes[at]!] === 1) at++;
  }
  if (at === from) return false;
  if (at === to) return true;
  if (bytes[at] !== 58 || to - at > 6) return false;
  for (at++; at < to; at++) if (bytes[at]! < 48 || bytes[at]! > 57) return false;
  return true;
}

function isIpLiteral(text: string): boolean {
  return /^[0-9A-Fa-f:.]{2,45}$/.test(text) && text.includes(':');
}

/** RFC 9112 section 3.2: origin form, absolute form with the authority that Host names, or `*` of OPTIONS. */
function checkTarget(head: RequestHead): number {
  const { bytes, targetStart, targetEnd } = head;
  head.absoluteForm = false;
  head.pathStart = targetStart;
  const first = bytes[targetStart];
  if (first === SLASH) return 0;
  if (first === ASTERISK && targetEnd - targetStart === 1) {
    return head.method === 'OPTIONS' ? 0 : BAD_TARGET;
  }
  return checkAbsoluteForm(head);
}

function checkAbsoluteForm(head: RequestHead): number {
  const { bytes, targetStart, targetEnd } = head;
  const scheme = bytes.indexOf('://', targetStart, 'latin1');
  if (scheme === -1 || scheme > targetStart + 5) return BAD_TARGET;
  const isHttp = equalsIgnoringCase(bytes, targetStart, scheme, 'http');
  if (!isHttp && !equalsIgnoringCase(bytes, targetStart, scheme, 'https')) return BAD_TARGET;
  let end = scheme + 3;
  while (end < targetEnd && bytes[end] !== SLASH && bytes[end] !== 63) end++;
  if (!isAuthority(bytes, scheme + 3, end)) return BAD_TARGET;
  // `http://host?query` has an empty path, which an origin form cannot write; nobody sends it.
  if (bytes[end] === 63 && end < targetEnd) return BAD_TARGET;
  head.absoluteForm = true;
  head.pathStart = end;
  if (head.hostField === -1) return 0;
  const defaultPort = isHttp ? ':80' : ':443';
  const named = canonicalAuthority(bytes, scheme + 3, end, defaultPort);
  const host = canonicalAuthority(bytes, head.valueStart[head.hostField]!, head.valueEnd[head.hostField]!, defaultPort);
  return named === host ? 0 : HOST_MISMATCH;
}

/** Lower case, without the scheme's default port and without the dot of a fully qualified name. */
function canonicalAuthority(bytes: Buffer, from: number, to: number, defaultPort: string): string {
  let text = '';
  for (let i = from; i < to; i++) text += String.fromCharCode(lowerCase(bytes[i]!));
  if (text.endsWith(defaultPort)) text = text.slice(0, -defaultPort.length);
  else if (text.endsWith(':')) text = text.slice(0, -1);
  return text.endsWith('.') ? text.slice(0, -1) : text;
}

/** RFC 9110 section 7.8. An upgrade to h2c is ignored, as a server may: nothing behind us is asked to switch to what we would not understand. */
function checkUpgrade(head: RequestHead): number {
  head.upgrade = false;
  if (head.upgradeField === -1 || !head.connectionUpgrade || head.minorVersion === 0) return 0;
  if (namesH2c(head)) return 0;
  if (head.chunked || head.contentLength > 0) return UPGRADE_WITH_BODY;
  head.upgrade = true;
  for (let field = 0; field < head.count; field++) {
    if (head.ids[field] === 5) head.keep(field);
  }
  return 0;
}

function namesH2c(head: RequestHead): boolean {
  for (let field = 0; field < head.count; field++) {
    if (head.ids[field] === 5 && head.value(field).toLowerCase().includes('h2c')) return true;
  }
  return false;
}
