import { compileNetwork, contains } from '../../core/net/cidr.ts';
import { ipv4Text, ipv6Text } from '../transport/address.ts';

/** nftables refuses a set whose intervals overlap, users' lists may. Networks of one family, widest first, without those that lie inside another. What is no CIDR is left out; IPv4-mapped ones are IPv4. */
export function mergeNetworks(cidrs: readonly string[], family: 'ipv4' | 'ipv6'): string[] {
  const networks = cidrs
    .map((cidr) => compileNetwork({ cidr, except: [] }))
    .filter((network) => network !== null)
    .filter((network) => network.prefix.bytes.length === (family === 'ipv4' ? 4 : 16))
    .sort((a, b) => a.prefix.bits - b.prefix.bits);
  const kept: typeof networks = [];
  for (const network of networks) {
    if (!kept.some((wider) => contains(wider, network.prefix.bytes))) kept.push(network);
  }
  return kept.map((network) => `${formatIp(network.prefix.bytes)}/${network.prefix.bits}`);
}

function formatIp(bytes: Uint8Array): string {
  return bytes.length === 4 ? ipv4Text(bytes, 0) : ipv6Text(bytes, 0);
}
