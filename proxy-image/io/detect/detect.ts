import type { FirstBytesProtocol } from '../../core/state/protocol.ts';
import { HTTP2_PREFACE } from '../../http/http2-preface.ts';
import { TOKEN } from '../../http/octets.ts';

export type DetectedProtocol = Exclude<FirstBytesProtocol, 'timeout'>;

/** Enough of the preface to be no HTTP/1 request: no method is followed by `* HTTP/2.0`. */
const HTTP2_ENOUGH = 14;
/** Longest method that begins an HTTP/1 request here; other protocols that begin with letters and a blank are told apart by the next octet. */
const MAX_METHOD = 32;
/** Longest first line that is waited for where only its end tells. */
const MAX_LINE = 8192;

/**
 * What the first bytes of a connection are; `null` = too few to tell. An HTTP/1 request is a method in capitals (as all in use are), a blank, and the first
 * octet of a target; where that is a letter, the version at the end of the line too. A TLS record is type 22 and version 3.x (RFC 8446 section 5.1).
 */
export function detectProtocol(bytes: Uint8Array): DetectedProtocol | null {
  if (bytes.length === 0) return null;
  if (bytes[0] === 0x16) return detectTls(bytes);
  if (matchesPreface(bytes)) return bytes.length >= HTTP2_ENOUGH ? 'http2' : null;
  return detectHttp1(bytes);
}

function detectTls(bytes: Uint8Array): DetectedProtocol | null {
  if (bytes.length < 2) return null;
  return bytes[1] === 0x03 ? 'tls' : 'opaque';
}

function matchesPreface(bytes: Uint8Array): boolean {
  const known = Math.min(bytes.length, HTTP2_ENOUGH);
  for (let i = 0; i < known; i++) if (bytes[i] !== HTTP2_PREFACE.charCodeAt(i)) return false;
  return true;
}

function detectHttp1(bytes: Uint8Array): DetectedProtocol | null {
  let end = 0;
  while (end < bytes.length && isMethodOctet(bytes[end]!)) end++;
  if (end > MAX_METHOD) return 'opaque';
  if (end === bytes.length) return null;
  if (end === 0 || bytes[end] !== 0x20) return 'opaque';
  const first = bytes[end + 1];
  if (first === undefined) return null;
  if (first === 0x2f || first === 0x2a) return 'http1';
  // Commands of other protocols (`SET key value`, `EHLO name`) begin like an absolute form: only the end of the line tells.
  return TOKEN[first]! >= 97 && TOKEN[first]! <= 122 ? detectVersion(bytes, end + 1) : 'opaque';
}

function detectVersion(bytes: Uint8Array, from: number): DetectedProtocol | null {
  let end = from;
  while (end < bytes.length && bytes[end] !== 0x0a) end++;
  if (end > MAX_LINE) return 'opaque';
  if (end === bytes.length) return null;
  const line = Buffer.from(bytes.buffer, bytes.byteOffset + from, end - from).toString('latin1');
  return / HTTP\/\d\.\d\r?$/.test(line) ? 'http1' : 'opaque';
}

/** Capitals, and what WebDAV and its kin add. */
function isMethodOctet(octet: number): boolean {
  return (octet >= 65 && octet <= 90) || octet === 0x2d || octet === 0x5f;
}
