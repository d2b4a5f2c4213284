import { parseAddress } from '../../contract/keys.ts';
import type { Address } from './types.ts';

const MAPPED = '::ffff:';

/** Addresses as a dual-stack socket reports them: IPv4 peers come as `::ffff:1.2.3.4`. */
export function plainIp(ip: string): string {
  return ip.startsWith(MAPPED) && ip.includes('.') ? ip.slice(MAPPED.length) : ip;
}

/** `ip:port` or `[ip]:port`, port 1..65535 (0 also where a listener may pick a free one). `null` when the text is neither. */
export function parseListenAddress(text: string): Address | null {
  const anyPort = text.endsWith(':0');
  const parsed = parseAddress(anyPort ? `${text.slice(0, -1)}1` : text);
  return parsed === null ? null : { ip: parsed.ip, port: anyPort ? 0 : parsed.port };
}

export function ipv4Text(bytes: Uint8Array, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

/** RFC 5952: lower case, the longest run of at least two zero groups shortened, the first on a tie. v4-mapped addresses come out as IPv4. */
export function ipv6Text(bytes: Uint8Array, at: number): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((bytes[at + i]! << 8) | bytes[at + i + 1]!);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) return ipv4Text(bytes, at + 12);
  const run = longestZeroRun(groups);
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(':');
  if (run.length < 2) return text(groups);
  return `${text(groups.slice(0, run.start))}::${text(groups.slice(run.start + run.length))}`;
}

function longestZeroRun(groups: number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (let i = 0; i <= groups.length; i++) {
    if (groups[i] === 0) continue;
    if (i - start > best.length) best = { start, length: i - start };
    start = i + 1;
  }
  return best;
}
