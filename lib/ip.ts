/**
 * The 4 or 16 bytes of an address; `null` when the text is none. Leading zeros in IPv4 (octal to some) and zones (`fe80::1%eth0`: one node's
 * interface) are refused. Forms of IPv6: RFC 4291 §2.2.
 */
export function parseIp(text: string): Uint8Array | null {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

const OCTET = /^(0|[1-9][0-9]{0,2})$/;

function parseIpv4(text: string): Uint8Array | null {
  const parts = text.split('.', 5);
  const valid = parts.length === 4 && parts.every((part) => OCTET.test(part) && Number(part) <= 255);
  return valid ? Uint8Array.from(parts, Number) : null;
}

function parseIpv6(text: string): Uint8Array | null {
  const halves = text.split('::', 3);
  if (text.length > 45 || halves.length > 2) return null;
  const compressed = halves.length === 2;
  const head = groups(halves[0]!, !compressed);
  const tail = compressed ? groups(halves[1]!, true) : [];
  if (head === null || tail === null) return null;
  const length = head.length + tail.length;
  if (compressed ? length > 14 : length !== 16) return null;
  const bytes = new Uint8Array(16);
  bytes.set(head, 0);
  bytes.set(tail, 16 - tail.length);
  return bytes;
}

/** Bytes of `a:b:c`; the last group may be an IPv4 address where `last` says that the text ends the address. */
function groups(text: string, last: boolean): number[] | null {
  if (text === '') return [];
  const bytes: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    const ipv4 = last && index === parts.length - 1 ? parseIpv4(part) : null;
    if (ipv4 === null && !/^[0-9a-fA-F]{1,4}$/.test(part)) return null;
    const value = Number.parseInt(part, 16);
    bytes.push(...(ipv4 ?? [value >> 8, value & 0xff]));
  }
  return bytes;
}

/**
 * An address as a socket or an endpoint has it: zone suffixes (`%eth0`) are dropped, and a v4-mapped IPv6 address (`::ffff:10.0.0.1`, what a dual-stack
 * socket reports for an IPv4 peer) becomes IPv4, so that policy sees one form.
 */
export function parsePeerIp(text: string): Uint8Array | null {
  const percent = text.indexOf('%');
  const bytes = parseIp(percent === -1 ? text : text.slice(0, percent));
  return bytes !== null && isMapped(bytes) ? bytes.slice(12) : bytes;
}

/** RFC 4291 section 2.5.5.2: an IPv4 address, written as IPv6. */
export function isMapped(ip: Uint8Array): boolean {
  if (ip.length !== 16) return false;
  for (let i = 0; i < 10; i++) if (ip[i] !== 0) return false;
  return ip[10] === 0xff && ip[11] === 0xff;
}

/** 127.0.0.0/8 and ::1. */
export function isLoopback(ip: Uint8Array): boolean {
  if (ip.length === 4) return ip[0] === 127;
  for (let i = 0; i < 15; i++) if (ip[i] !== 0) return false;
  return ip[15] === 1;
}

/** Canonical text; IPv6 as RFC 5952 writes it (lower case, the longest run of zero groups compressed). */
export function formatIp(address: Uint8Array): string {
  if (address.length === 4) return address.join('.');
  const words = Array.from({ length: 8 }, (_, i) => (address[2 * i]! << 8) | address[2 * i + 1]!);
  const run = longestZeroRun(words);
  const hex = words.map((word) => word.toString(16));
  if (run.length < 2) return hex.join(':');
  return `${hex.slice(0, run.start).join(':')}::${hex.slice(run.start + run.length).join(':')}`;
}

function longestZeroRun(words: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (let i = 0; i <= words.length; i += 1) {
    if (words[i] === 0) continue;
    if (i - start > best.length) best = { start, length: i - start };
    start = i + 1;
  }
  return best;
}
