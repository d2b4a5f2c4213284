import { MESSAGE_LIMITS } from '../../http/limits.ts';
import { countsForwards, MAX_FORWARDS, parseMaxForwards } from '../../http/max-forwards.ts';
import { CR, equalsIgnoringCase, isBlank, LF, SP, TARGET, TOKEN } from '../../http/octets.ts';
import { UPGRADE } from './fields.ts';
import type { RequestHead } from './head.ts';
import { INCOMPLETE, parseFields } from './parse-fields.ts';
import {
  BAD_REQUEST_LINE,
  BAD_TARGET,
  BAD_VERSION,
  BARE_CR_OR_LF,
  CODING_IN_HTTP10,
  LENGTH_AND_CODING,
  METHOD_TOO_LONG,
  TARGET_TOO_LONG,
} from './rejection.ts';
import { checkTarget } from './target.ts';

const LETTER_O = 79;
const LETTER_T = 84;
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
  if (end - at > MESSAGE_LIMITS.methodBytes) return METHOD_TOO_LONG;
  if (end === to) return INCOMPLETE;
  if (bytes[end] !== SP || end === at) return BAD_REQUEST_LINE;
  head.methodEnd = end;
  head.targetStart = ++end;
  while (end < to && TARGET[bytes[end]!] === 1) end++;
  if (end - at > head.maxBytes) return TARGET_TOO_LONG;
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
  head.isHead = methodEnd - start === 4 && bytes[start] === 72 && bytes.toString('latin1', start, methodEnd) === 'HEAD';
  if (head.chunked && head.contentLength !== -1) return LENGTH_AND_CODING;
  if (head.chunked && head.minorVersion === 0) return CODING_IN_HTTP10;
  const refused = checkTarget(head);
  if (refused < 0) return refused;
  if (head.minorVersion === 0) forgetExpectations(head);
  head.upgrade = !head.connect && asksForUpgrade(head);
  head.maxForwards = -1;
  if ((bytes[start] === LETTER_O || bytes[start] === LETTER_T) && countsForwards(head.method)) countForwards(head);
  return 0;
}

/** RFC 9110 section 10.1.1: a client of HTTP/1.0 waits for nothing, and must not be made to by the version that we write. */
function forgetExpectations(head: RequestHead): void {
  head.wantsTrailers = false;
  for (let field = 0; field < head.count; field++) {
    if (equalsIgnoringCase(head.bytes, head.nameStart[field]!, head.nameEnd[field]!, 'expect')) head.drop(field);
  }
}

/**
 * RFC 9110 section 7.8. With a body too: the protocol changes behind it. An upgrade to h2c is ignored, as a server may: nothing behind us is asked to switch
 * to what we would not understand.
 */
function asksForUpgrade(head: RequestHead): boolean {
  if (head.upgradeField === -1 || !head.connectionUpgrade || head.minorVersion === 0) return false;
  if (namesH2c(head)) return false;
  for (let field = 0; field < head.count; field++) {
    if (head.ids[field] === UPGRADE) head.keep(field);
  }
  return true;
}

function namesH2c(head: RequestHead): boolean {
  for (let field = 0; field < head.count; field++) {
    if (head.ids[field] === UPGRADE && head.value(field).toLowerCase().includes('h2c')) return true;
  }
  return false;
}

/** Takes `Max-Forwards` out of the lines where it counts: what goes on is one less. */
function countForwards(head: RequestHead): void {
  for (let field = 0; field < head.count; field++) {
    if (!equalsIgnoringCase(head.bytes, head.nameStart[field]!, head.nameEnd[field]!, MAX_FORWARDS)) continue;
    const allowed = parseMaxForwards(head.value(field));
    if (allowed === -1) continue;
    head.maxForwards = head.maxForwards === -1 ? allowed : Math.min(head.maxForwards, allowed);
    head.drop(field);
  }
}
