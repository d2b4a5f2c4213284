import type { Address } from './io/transport/types.ts';

/** `::1` as /proc/net/if_inet6 writes it. */
const LOOPBACK = '00000000000000000000000000000001';

/**
 * The addresses that this pod can listen on. `interfaces` is the text of /proc/net/if_inet6, `null` where the kernel has no IPv6: there `[::]`
 * means all of IPv4. A pod whose IPv6 is switched off has the file, but no address in it.
 */
export function usableAddresses(addresses: readonly Address[], interfaces: string | null): Address[] {
  return addresses.flatMap((address) => {
    if (address.ip === '::') return [interfaces === null ? { ...address, ip: '0.0.0.0' } : address];
    if (address.ip === '::1') return interfaces?.includes(LOOPBACK) === true ? [address] : [];
    return interfaces === null && address.ip.includes(':') ? [] : [address];
  });
}
