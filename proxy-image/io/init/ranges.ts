/** nftables refuses a set whose intervals overlap, users' lists may: ports are merged, networks inside others are dropped. */

type Range = readonly [first: number, last: number];

export function mergeRanges(ranges: readonly Range[]): Range[] {
  const merged: [number, number][] = [];
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const previous = merged.at(-1);
    if (previous !== undefined && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last);
    else merged.push([first, last]);
  }
  return merged;
}

interface Network {
  /** The network address; host bits are zero. */
  base: bigint;
  bits: number;
  width: 32 | 128;
  text: string;
}

/** Networks of one family in address order, without those that lie inside another. The entries are valid CIDRs. */
export function mergeNetworks(cidrs: readonly string[], width: 32 | 128): string[] {
  const networks = cidrs.map(parseNetwork).filter((network) => network.width === width);
  networks.sort((a, b) => (a.base === b.base ? a.bits - b.bits : a.base < b.base ? -1 : 1));
  const kept: Network[] = [];
  for (const network of networks) {
    const previous = kept.at(-1);
    if (previous === undefined || !contains(previous, network)) kept.push(network);
  }
  return kept.map((network) => network.text);
}

function contains(outer: Network, inner: Network): boolean {
  return outer.bits <= inner.bits && mask(inner.base, outer.bits, outer.width) === outer.base;
}

function parseNetwork(cidr: string): Network {
  const slash = cidr.indexOf('/');
  const address = cidr.slice(0, slash);
  const bits = Number(cidr.slice(slash + 1));
  const width = address.includes(':') ? 128 : 32;
  const value = width === 128 ? ipv6Value(address) : ipv4Value(address);
  return { base: mask(value, bits, width), bits, width, text: cidr };
}

function mask(value: bigint, bits: number, width: number): bigint {
  const hostBits = BigInt(width - bits);
  return (value >> hostBits) << hostBits;
}

function ipv4Value(address: string): bigint {
  return address.split('.').reduce((value, octet) => (value << 8n) | BigInt(octet), 0n);
}

function ipv6Value(address: string): bigint {
  const [head = '', tail] = address.split('::');
  const first = ipv6Groups(head);
  const last = ipv6Groups(tail ?? '');
  const zeros = new Array<bigint>(8 - first.length - last.length).fill(0n);
  return [...first, ...zeros, ...last].reduce((value, group) => (value << 16n) | group, 0n);
}

function ipv6Groups(text: string): bigint[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [BigInt(`0x${group}`)];
    const value = ipv4Value(group);
    return [value >> 16n, value & 0xffffn];
  });
}
