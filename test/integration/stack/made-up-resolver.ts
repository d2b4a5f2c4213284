import { formatAddress } from '../../../proxy-image/contract/keys.ts';
import type { Name } from '../../../proxy-image/core/resolve/name.ts';
import type { Destinations, NameResolver } from '../../../proxy-image/core/resolve/resolver.ts';
import type { Destination } from '../../../proxy-image/core/state/entries.ts';
import type { Address } from '../../../proxy-image/io/transport/types.ts';

/** Whatever a table says of `host:port`: all that it takes to resolve requests in another way. */
export class Hosts implements NameResolver {
  readonly asked: string[] = [];
  readonly #addresses: ReadonlyMap<string, Address>;

  constructor(addresses: Readonly<Record<string, Address>>) {
    this.#addresses = new Map(Object.entries(addresses));
  }

  resolve({ host, port }: Name, destinations: Destinations): Destination | null {
    const name = formatAddress(host, port);
    this.asked.push(name);
    const address = this.#addresses.get(name);
    return address === undefined ? null : destinations.destination(address.ip, address.port);
  }
}
