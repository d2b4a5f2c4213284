import { WeftError } from '../../contract/errors.ts';
import { parseAddress } from '../../contract/keys.ts';
import { parseListenAddress } from './address.ts';
import type { Address, Connection, LocalNetworkFile, OriginalDestination } from './types.ts';

/** One listener for outbound traffic of a fixed destination. */
export interface LocalOutbound {
  listen: Address;
  destination: Address;
}

/** The embedded mode: what redirection and the pod network do in a cluster, said explicitly. */
export interface LocalNetwork {
  outbound: LocalOutbound[];
  /** The address to dial for one that the control plane named. */
  dialAddress(address: Address): Address;
}

/** Throws WEFT_CONFIG_ENVIRONMENT with the path of the wrong field. */
export function parseLocalNetwork(file: unknown): LocalNetwork {
  const { outbound, addresses } = (file ?? {}) as Partial<LocalNetworkFile>;
  if (!Array.isArray(outbound)) wrong('outbound', 'a list');
  if (typeof addresses !== 'object' || addresses === null) wrong('addresses', 'an object');
  const translations = new Map<string, string>();
  for (const [from, to] of Object.entries(addresses)) {
    if (typeof to !== 'string') wrong(`addresses.${from}`, 'an IP address');
    translations.set(from, to);
  }
  return {
    outbound: outbound.map((entry, index) => ({
      listen: parseListenAddress(String(entry?.listen)) ?? wrong(`outbound[${index}].listen`, 'ip:port'),
      destination: parseAddress(String(entry?.destination)) ?? wrong(`outbound[${index}].destination`, 'ip:port'),
    })),
    dialAddress(address) {
      const ip = translations.get(address.ip);
      return ip === undefined ? address : { ip, port: address.port };
    },
  };
}

function wrong(path: string, expected: string): never {
  throw new WeftError('WEFT_CONFIG_ENVIRONMENT', `WEFT_PROXY_LOCAL_NETWORK: ${path}: expected ${expected}`);
}

/** The same answer for every connection of one listener. */
export class FixedDestination implements OriginalDestination {
  readonly #address: Address;

  constructor(address: Address) {
    this.#address = address;
  }

  of(_connection: Connection): Address {
    return this.#address;
  }
}
