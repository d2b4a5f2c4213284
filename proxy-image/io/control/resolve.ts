import { parsePeerIp } from '../../../lib/ip.ts';
import { WeftError } from '../../contract/errors.ts';
import { bunRuntime } from '../transport/bun-api.ts';

export type Resolve = (host: string) => Promise<string[]>;

/**
 * Addresses of a host in the resolver's order (an IP address is its own answer).
 * @throws WeftError WEFT_CONTROL_RESOLVE
 */
export const resolveHost: Resolve = async (host) => {
  const name = absoluteName(host);
  try {
    const found = await lookup(name);
    if (found.length > 0) return found.map((entry) => entry.address);
  } catch (error) {
    throw new WeftError('WEFT_CONTROL_RESOLVE', `${name}: ${error instanceof Error ? error.message : error}`, error);
  }
  throw new WeftError('WEFT_CONTROL_RESOLVE', `${name}: empty answer`);
};

/** By the resolver of the system. `node:dns`, which asks the same one, would be 0.1 MiB of every proxy (hack/adr/0006-runtime-flags.md). */
async function lookup(name: string): Promise<{ address: string }[]> {
  const bun = bunRuntime();
  if (bun !== null) return bun.dns.lookup(name);
  const dns = await import('node:dns/promises');
  return dns.lookup(name, { all: true, order: 'verbatim' });
}

/**
 * With the final dot that keeps the pod's search list out of it (RFC 1034 §3.1). With `ndots:5`, which the kubelet writes, even the full name of a
 * Service would be tried under every search domain first: eight queries, and the answer of whoever has a wildcard in one of them. The dot is added here and
 * not where the name is configured, since it belongs to the look-up only: TLS compares names without it (RFC 6066 §3). One label alone (`localhost`) is not
 * a name in DNS: it is in the hosts file.
 */
export function absoluteName(host: string): string {
  return parsePeerIp(host) !== null || !host.includes('.') || host.endsWith('.') ? host : `${host}.`;
}
