import { invalid, quote, type Scalar, valid } from './scalar.ts';

/** A network: `address` holds the 4 or 16 bytes of its first address, host bits cleared. */
export interface Cidr {
  address: Uint8Array;
  prefix: number;
}

const MESSAGE = 'must be a network such as 10.0.0.0/8 or fd00::/8';

/**
 * An IPv4 or IPv6 network, or a single address (Linkerd takes both). Host bits are cleared.
 * IPv4-mapped IPv6 networks (`::ffff:10.0.0.0/104`) become IPv4, because peers are compared in that form.
 */
export function parseCidr(text: string): Scalar<Cidr> {
  const slash = text.indexOf('/');
  const address = parseIp(slash < 0 ? text : text.slice(0, slash));
  if (address === null) return invalid(`${MESSAGE}, not ${quote(text)}`);
  const bits = address.length * 8;
  const prefixText = slash < 0 ? String(bits) : text.slice(slash + 1);
  const prefix = /^(0|[1-9][0-9]{0,2})$/.test(prefixText) ? Number(prefixText) : bits + 1;
  if (prefix > bits) return invalid(`must have a prefix length from 0 to ${bits}, not ${quote(text)}`);
  return valid(unmap({ address: clearHostBits(address, prefix), prefix }));
}

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

function clearHostBits(address: Uint8Array, prefix: number): Uint8Array {
  return address.map((byte, index) => byte & maskByte(prefix, index));
}

function maskByte(prefix: number, index: number): number {
  const bits = Math.min(8, Math.max(0, prefix - index * 8));
  return (0xff << (8 - bits)) & 0xff;
}

function unmap(cidr: Cidr): Cidr {
  const { address, prefix } = cidr;
  const mapped =
    address.length === 16 && prefix >= 96 && address.every((byte, i) => i > 11 || byte === (i > 9 ? 0xff : 0));
  return mapped ? { address: address.slice(12), prefix: prefix - 96 } : cidr;
}

/** Whether every address of `inner` is in `outer`; false across families. */
export function cidrContains(outer: Cidr, inner: Cidr): boolean {
  return (
    outer.address.length === inner.address.length &&
    outer.prefix <= inner.prefix &&
    outer.address.every((byte, index) => byte === (inner.address[index]! & maskByte(outer.prefix, index)))
  );
}

/** Canonical text: `10.0.0.0/8`, IPv6 as RFC 5952 writes it (lower case, the longest run of zero groups compressed). */
export function formatCidr({ address, prefix }: Cidr): string {
  return `${formatIp(address)}/${prefix}`;
}

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
