import { isIPv4, isIPv6 } from 'node:net';
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

/** The 4 or 16 bytes of an address; `null` when the text is none. Zones (`fe80::1%eth0`) are refused: a policy cannot mean one node's interface. */
export function parseIp(text: string): Uint8Array | null {
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number);
  return isIPv6(text) && !text.includes('%') ? ipv6Bytes(text) : null;
}

function ipv6Bytes(text: string): Uint8Array {
  const [head = '', tail] = text.split('::');
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const bytes = new Uint8Array(16);
  bytes.set(front, 0);
  bytes.set(back, 16 - back.length);
  return bytes;
}

function groups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
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
