import { ipv4Text, ipv6Text } from './address.ts';
import type { SocketOptions } from './dead-peers.ts';
import type { Address, Connection, OriginalDestination } from './types.ts';

/** linux/in.h, linux/in6.h, linux/netfilter_ipv4.h, linux/netfilter_ipv6/ip6_tables.h */
const SOL_IP = 0;
const SOL_IPV6 = 41;
const SO_ORIGINAL_DST = 80;
/** struct sockaddr_in6; struct sockaddr_in is shorter. */
const SOCKADDR_BYTES = 28;

/**
 * What connection tracking knows about a connection that nftables or iptables redirected. Addresses are read in network order from struct sockaddr_in
 * and sockaddr_in6. A dual-stack listener gets IPv4 clients as v4-mapped: they are asked about on the IPv4 level.
 */
export class RedirectedDestination implements OriginalDestination {
  readonly #options: Pick<SocketOptions, 'get'>;
  readonly #value = new Uint8Array(SOCKADDR_BYTES);

  constructor(options: Pick<SocketOptions, 'get'>) {
    this.#options = options;
  }

  of(connection: Connection): Address | null {
    const fd = connection.fd;
    if (fd < 0) return null;
    const value = this.#value;
    if (!connection.remote.ip.includes(':')) {
      if (!this.#options.get(fd, SOL_IP, SO_ORIGINAL_DST, value)) return null;
      return { ip: ipv4Text(value, 4), port: portOf(value) };
    }
    if (!this.#options.get(fd, SOL_IPV6, SO_ORIGINAL_DST, value)) return null;
    return { ip: ipv6Text(value, 8), port: portOf(value) };
  }
}

function portOf(value: Uint8Array): number {
  return (value[2]! << 8) | value[3]!;
}
