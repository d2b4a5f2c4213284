import { formatIp, parseIp, parsePeerIp } from '../../../lib/ip.ts';

/** What a request says that it is for. */
export interface Name {
  /** A name of DNS in lower case, without the dot of a fully qualified one; or an address in the form of RFC 5952, without brackets. */
  readonly host: string;
  /** 1..65535 */
  readonly port: number;
}

/** A target of HTTP without scheme, or with this one (RFC 9110 section 4.2.1). */
export const HTTP_PORT = 80;
/** RFC 9110 section 4.2.2. */
export const HTTPS_PORT = 443;

const MAX_PORT = 65_535;
/** RFC 1035 section 2.3.4, as text. */
const MAX_NAME_CHARS = 253;
const LABEL = '[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?';
const DNS_NAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);
/** What some take for an address of IPv4, written in fewer parts or another base (inet_aton). */
const ENDS_IN_NUMBER = /(?:^|\.)(?:[0-9]+|0[xX][0-9a-fA-F]*)$/;

/**
 * The name in an authority (RFC 3986 section 3.2: of an absolute form, of CONNECT, of `Host` or `:authority`), in the one form that everybody who looks it up sees.
 * `null`: it names nothing that a resolver could know, though it may be an authority.
 */
export function nameOf(authority: string, defaultPort: number): Name | null {
  const colon = authority.lastIndexOf(':');
  const portAt = colon === -1 || authority.endsWith(']') ? authority.length : colon;
  const port = portOf(authority.slice(portAt + 1), defaultPort);
  const host = hostOf(authority.slice(0, portAt));
  return port === null || host === null ? null : { host, port };
}

/** RFC 3986 section 3.2.3: an empty port is none. */
function portOf(text: string, defaultPort: number): number | null {
  if (text === '') return defaultPort;
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0;
  return port === 0 || port > MAX_PORT ? null : port;
}

function hostOf(text: string): string | null {
  if (text.startsWith('[')) return text.endsWith(']') && text.includes(':') ? addressOf(text.slice(1, -1)) : null;
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  // Before the case is folded: beyond ASCII there are letters whose lower case is within.
  if (name.length > MAX_NAME_CHARS || !DNS_NAME.test(name)) return null;
  if (ENDS_IN_NUMBER.test(name)) return parseIp(name) === null ? null : name;
  return name.toLowerCase();
}

function addressOf(text: string): string | null {
  // A zone is an interface of whoever says it.
  const ip = text.includes('%') ? null : parsePeerIp(text);
  return ip === null ? null : formatIp(ip);
}
