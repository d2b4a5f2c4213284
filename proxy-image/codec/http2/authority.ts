import { HOST_NAME } from '../../http/octets.ts';

const COLON = 58;
const OPENING_BRACKET = 91;
/** A colon and five digits. */
const PORT_CHARS = 6;

/** RFC 3986 section 3.2.2 `host [":" port]` without userinfo (RFC 9113 section 8.3.1), not empty. As strict as for HTTP/1. */
export function isAuthority(text: string): boolean {
  const { length } = text;
  let at = 0;
  if (text.charCodeAt(0) === OPENING_BRACKET) {
    at = text.indexOf(']') + 1;
    if (at === 0 || !isIpLiteral(text.slice(1, at - 1))) return false;
  } else {
    while (at < length && HOST_NAME[text.charCodeAt(at)] === 1) at++;
  }
  if (at === 0) return false;
  if (at === length) return true;
  if (text.charCodeAt(at) !== COLON || length - at > PORT_CHARS) return false;
  for (at++; at < length; at++) if (text.charCodeAt(at) < 48 || text.charCodeAt(at) > 57) return false;
  return true;
}

function isIpLiteral(text: string): boolean {
  return /^[0-9A-Fa-f:.]{2,45}$/.test(text) && text.includes(':');
}

/** Whether both name the same: whatever the case, with or without the scheme's default port and the dot of a fully qualified name. */
export function sameAuthority(a: string, b: string, scheme: string): boolean {
  return a === b || canonical(a, scheme) === canonical(b, scheme);
}

function canonical(authority: string, scheme: string): string {
  const defaultPort = scheme === 'http' ? ':80' : ':443';
  let text = authority.toLowerCase();
  if (text.endsWith(defaultPort)) text = text.slice(0, -defaultPort.length);
  else if (text.endsWith(':')) text = text.slice(0, -1);
  return text.endsWith('.') ? text.slice(0, -1) : text;
}
