import { formatIp, isMapped, parseIp } from '../../lib/ip.ts';
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

function clearHostBits(address: Uint8Array, prefix: number): Uint8Array {
  return address.map((byte, index) => byte & maskByte(prefix, index));
}

function maskByte(prefix: number, index: number): number {
  const bits = Math.min(8, Math.max(0, prefix - index * 8));
  return (0xff << (8 - bits)) & 0xff;
}

function unmap(cidr: Cidr): Cidr {
  const { address, prefix } = cidr;
  return prefix >= 96 && isMapped(address) ? { address: address.slice(12), prefix: prefix - 96 } : cidr;
}

/** Whether every address of `inner` is in `outer`; false across families. */
export function cidrContains(outer: Cidr, inner: Cidr): boolean {
  return (
    outer.address.length === inner.address.length &&
    outer.prefix <= inner.prefix &&
    outer.address.every((byte, index) => byte === (inner.address[index]! & maskByte(outer.prefix, index)))
  );
}

/** Canonical text: `10.0.0.0/8`. */
export function formatCidr({ address, prefix }: Cidr): string {
  return `${formatIp(address)}/${prefix}`;
}
