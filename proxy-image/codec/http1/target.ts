import { equalsIgnoringCase, HOST_NAME } from '../../http/octets.ts';
import type { RequestHead } from './head.ts';
import { BAD_HOST, BAD_TARGET, CONNECT_BODY, NO_HOST } from './rejection.ts';

/**
 * What a request is for: the forms of the request target, and Host beside it (RFC 9112 section 3.2). Whatever form came, the head says afterwards what it is
 * judged by: `host`, and a target in origin form, or `*`, or the authority of CONNECT. What goes on is the form that came: whoever has the port that the
 * client reached may be a proxy to it.
 */

const SLASH = 47;
const ASTERISK = 42;
const QUESTION_MARK = 63;

/** Returns a rejection or 0. */
export function checkTarget(head: RequestHead): number {
  const { bytes, targetStart, targetEnd } = head;
  head.absoluteForm = false;
  head.connect = false;
  head.pathStart = targetStart;
  head.pathPrefix = '';
  if (isConnect(head)) return authorityForm(head);
  const first = bytes[targetStart];
  if (first === SLASH) return checkHost(head);
  if (first === ASTERISK && targetEnd - targetStart === 1) {
    return head.method === 'OPTIONS' ? checkHost(head) : BAD_TARGET;
  }
  return absoluteForm(head);
}

/** RFC 9112 section 3.2.3: the only method whose target is an authority. */
function isConnect({ bytes, start, methodEnd }: RequestHead): boolean {
  return methodEnd - start === 7 && bytes.toString('latin1', start, methodEnd) === 'CONNECT';
}

/** Host and port, which has no default (RFC 9110 section 9.3.6). It has no content; what one side took for some, the other might take for the tunnel. */
function authorityForm(head: RequestHead): number {
  const { bytes, targetStart, targetEnd } = head;
  if (!isAuthority(bytes, targetStart, targetEnd) || !/:[0-9]+$/.test(bytes.toString('latin1', targetStart, targetEnd)))
    return BAD_TARGET;
  if (head.chunked || head.contentLength > 0) return CONNECT_BODY;
  head.connect = true;
  head.authorityStart = targetStart;
  head.authorityEnd = targetEnd;
  return checkHost(head);
}

/**
 * RFC 9112 section 3.2: Host once (which the fields have shown), and well-formed. It may be empty, for a target that has no authority, and monitors of load
 * balancers say so; HTTP/1.0 need not have it.
 */
function checkHost(head: RequestHead): number {
  const field = head.hostField;
  if (field === -1) return head.minorVersion === 0 ? 0 : NO_HOST;
  const from = head.valueStart[field]!;
  const to = head.valueEnd[field]!;
  return from === to || isAuthority(head.bytes, from, to) ? 0 : BAD_HOST;
}

/** RFC 9112 section 3.2.2: its authority wins, whatever Host says; but a Host that is none is refused there too. */
function absoluteForm(head: RequestHead): number {
  const { bytes, targetStart, targetEnd } = head;
  const scheme = bytes.indexOf('://', targetStart, 'latin1');
  if (scheme === -1 || scheme > targetStart + 5) return BAD_TARGET;
  if (
    !equalsIgnoringCase(bytes, targetStart, scheme, 'http') &&
    !equalsIgnoringCase(bytes, targetStart, scheme, 'https')
  )
    return BAD_TARGET;
  const authority = scheme + 3;
  let end = authority;
  while (end < targetEnd && bytes[end] !== SLASH && bytes[end] !== QUESTION_MARK) end++;
  if (!isAuthority(bytes, authority, end)) return BAD_TARGET;
  head.absoluteForm = true;
  head.authorityStart = authority;
  head.authorityEnd = end;
  head.pathStart = end;
  head.pathPrefix = prefixOf(head, end);
  return checkHost(head);
}

/** What an origin form writes for an empty path: `/`, or `*` for the server as a whole (RFC 9112 sections 3.2.1 and 3.2.4). */
function prefixOf(head: RequestHead, path: number): string {
  if (path < head.targetEnd) return head.bytes[path] === QUESTION_MARK ? '/' : '';
  return head.method === 'OPTIONS' ? '*' : '/';
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
