import { lookup } from 'node:dns/promises';
import { WeftError } from '../../contract/errors.ts';

export type Resolve = (host: string) => Promise<string[]>;

/**
 * Addresses of a host in the resolver's order (an IP address is its own answer). getaddrinfo follows the pod's search list and hosts file.
 * @throws WeftError WEFT_CONTROL_RESOLVE
 */
export const resolveHost: Resolve = async (host) => {
  try {
    const found = await lookup(host, { all: true, order: 'verbatim' });
    if (found.length > 0) return found.map((entry) => entry.address);
  } catch (error) {
    throw new WeftError('WEFT_CONTROL_RESOLVE', `${host}: ${error instanceof Error ? error.message : error}`, error);
  }
  throw new WeftError('WEFT_CONTROL_RESOLVE', `${host}: empty answer`);
};
