import { parsePeerIp } from '../../../lib/ip.ts';

/** Bytes of an IPv6 address that name a network: who has one address of it usually has them all (RFC 6177). */
const NETWORK_BYTES = 8;

/** Who pays for connections from this address: the address; of IPv6 its network of 64 bits, so that nobody is many by changing the rest. */
export function peerOf(ip: string): string {
  if (!ip.includes(':')) return ip;
  const bytes = parsePeerIp(ip);
  if (bytes === null || bytes.length === 4) return ip;
  return bytes.subarray(0, NETWORK_BYTES).join(':');
}
