import { parsePeerIp } from '../../../lib/ip.ts';
import type { NetworkMatch } from '../../contract/resources.ts';

interface Prefix {
  readonly bytes: Uint8Array;
  readonly bits: number;
}

export interface CompiledNetwork {
  readonly prefix: Prefix;
  readonly except: readonly Prefix[];
}

/** `10.0.0.0/8`, `fd00::/8`, or a bare address (a network of one). `null` when the text is neither. Bits behind the prefix are ignored. */
export function parseCidr(text: string): Prefix | null {
  const slash = text.indexOf('/');
  const bytes = parsePeerIp(slash === -1 ? text : text.slice(0, slash));
  if (bytes === null) return null;
  const width = bytes.length * 8;
  if (slash === -1) return { bytes, bits: width };
  const digits = text.slice(slash + 1);
  if (!/^(0|[1-9][0-9]{0,2})$/.test(digits)) return null;
  // A prefix of a v4-mapped network counts 96 bits of mapping.
  const written = Number(digits);
  const bits = text.includes(':') && bytes.length === 4 ? written - 96 : written;
  return bits >= 0 && bits <= width ? { bytes, bits } : null;
}

/** `null` when the network or one of its exceptions is no CIDR: an exception must never be lost. */
export function compileNetwork(match: NetworkMatch): CompiledNetwork | null {
  const prefix = parseCidr(match.cidr);
  const except = match.except.map(parseCidr);
  if (prefix === null || !except.every((parsed) => parsed !== null)) return null;
  return { prefix, except };
}

export function contains(network: CompiledNetwork, ip: Uint8Array): boolean {
  if (!inPrefix(network.prefix, ip)) return false;
  for (const except of network.except) {
    if (inPrefix(except, ip)) return false;
  }
  return true;
}

function inPrefix(prefix: Prefix, ip: Uint8Array): boolean {
  const { bytes, bits } = prefix;
  if (bytes.length !== ip.length) return false;
  const whole = bits >>> 3;
  for (let i = 0; i < whole; i++) if (bytes[i] !== ip[i]) return false;
  const rest = bits & 7;
  return rest === 0 || (bytes[whole]! ^ ip[whole]!) >>> (8 - rest) === 0;
}
