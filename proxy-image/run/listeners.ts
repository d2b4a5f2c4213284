import type { ListenConfig } from '../config/config.ts';
import { BY_ADDRESS } from '../core/resolve/address.ts';
import { FixedDestination, type LocalNetwork } from '../io/transport/local-network.ts';
import type { Address, OriginalDestination } from '../io/transport/types.ts';
import type { Listener } from '../stack/shared/listeners.ts';

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

/**
 * What a proxy listens on, in the order in which it is opened. Embedded mode's outbound listeners are at addresses of their own, one for each destination,
 * whose ports the application may have too; all others are the proxy's.
 */
export function listenersOf(
  config: ListenConfig,
  interfaces: string | null,
  originalDestination: OriginalDestination,
  localNetwork: LocalNetwork | null,
): Listener[] {
  const at = (addresses: readonly Address[]) => ({ bind: usableAddresses(addresses, interfaces), isOwnPort: true });
  const outbound = { name: 'outbound', kind: 'transparent', protocol: 'detect', resolver: BY_ADDRESS } as const;
  return [
    { name: 'admin', kind: 'admin', ...at(config.admin) },
    { name: 'control', kind: 'control', ...at(config.admin.map(({ ip }) => ({ ip, port: config.tapPort }))) },
    { name: 'inbound', kind: 'inbound-mesh', ...at(config.inbound) },
    { name: 'inboundPlain', kind: 'inbound-plain', identifier: originalDestination, ...at(config.inboundPlain) },
    ...(localNetwork === null
      ? [{ ...outbound, identifier: originalDestination, ...at(config.outbound) }]
      : localNetwork.outbound.map(({ listen, destination }) => ({
          ...outbound,
          bind: [listen],
          isOwnPort: false,
          identifier: new FixedDestination(destination),
        }))),
  ];
}
