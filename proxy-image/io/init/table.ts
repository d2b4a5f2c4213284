import { mergeRanges } from '../../contract/port-ranges.ts';
import type { RedirectOptions, TableFamily } from './options.ts';
import { mergeNetworks } from './ranges.ts';

/** Name of our table: nobody else's rules are read or changed. */
const TABLE = 'weft';

/**
 * The redirection as one nftables transaction: the kernel applies all of it or nothing, and applying it again changes nothing
 * (the table is made, deleted, made anew). Order of the rules as in Linkerd's proxy-init.
 * REDIRECT keeps the source address and leaves the original destination to be asked for with SO_ORIGINAL_DST.
 */
export function redirectTable(family: TableFamily, options: RedirectOptions): string {
  const chains = [...inboundChain(family, options), ...outboundChain(options)].map((line) => `  ${line}`);
  return [
    `table ${family} ${TABLE}`,
    `delete table ${family} ${TABLE}`,
    `table ${family} ${TABLE} {`,
    ...chains,
    '}',
    '',
  ].join('\n');
}

function inboundChain(family: TableFamily, options: RedirectOptions): string[] {
  return [
    'chain inbound {',
    // -100 by number: nft knows the name dstnat for the prerouting hook only.
    '  type nat hook prerouting priority -100; policy accept;',
    `  tcp dport ${portSet(ownPorts(options))} return comment "ports of the proxy itself"`,
    ...skipPorts(options.skipInboundPorts),
    ...skipSources(family, options.skipSubnets),
    `  meta l4proto tcp redirect to :${options.ports.inboundPlain}`,
    '}',
  ];
}

function outboundChain(options: RedirectOptions): string[] {
  return [
    'chain outbound {',
    '  type nat hook output priority -100; policy accept;',
    `  meta skuid ${options.uid} return comment "sent by the proxy"`,
    '  oifname "lo" return comment "within the pod"',
    ...skipPorts(options.skipOutboundPorts),
    `  meta l4proto tcp redirect to :${options.ports.outbound}`,
    '}',
  ];
}

/** Mesh TLS goes to its listener as it is; tap and admin are the proxy's own (Linkerd: proxy-init, always-ignored ports). */
function ownPorts({ ports }: RedirectOptions): [number, number][] {
  return [ports.inboundMesh, ports.tap, ports.admin].map((port) => [port, port]);
}

function skipPorts(ranges: RedirectOptions['skipInboundPorts']): string[] {
  return ranges.length === 0 ? [] : [`  tcp dport ${portSet(ranges)} return comment "skipped ports"`];
}

function skipSources(family: TableFamily, cidrs: readonly string[]): string[] {
  const ipv4 = family === 'ip6' ? [] : mergeNetworks(cidrs, 'ipv4');
  const ipv6 = family === 'ip' ? [] : mergeNetworks(cidrs, 'ipv6');
  const rules: string[] = [];
  if (ipv4.length > 0) rules.push(`  ip saddr { ${ipv4.join(', ')} } return comment "skipped subnets"`);
  if (ipv6.length > 0) rules.push(`  ip6 saddr { ${ipv6.join(', ')} } return comment "skipped subnets"`);
  return rules;
}

function portSet(ranges: RedirectOptions['skipInboundPorts']): string {
  const entries = mergeRanges(ranges).map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`));
  return `{ ${entries.join(', ')} }`;
}
