/** First and last port, inclusive. */
export type PortRange = [first: number, last: number];
export type ReadonlyPortRange = readonly [first: number, last: number];

export const FIRST_PORT = 1;
export const LAST_PORT = 65_535;

export const EVERY_PORT: ReadonlyPortRange = [FIRST_PORT, LAST_PORT];

export function portInRanges(port: number, ranges: readonly ReadonlyPortRange[]): boolean {
  return ranges.some(([first, last]) => port >= first && port <= last);
}

/** The same ports in ascending ranges that neither overlap nor touch. */
export function mergeRanges(ranges: readonly ReadonlyPortRange[]): PortRange[] {
  const merged: PortRange[] = [];
  for (const [first, last] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const previous = merged.at(-1);
    if (previous !== undefined && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last);
    else merged.push([first, last]);
  }
  return merged;
}

/** Every port from 1 to 65535 that is in none of the ranges, in ascending ranges. */
export function portsOutside(ranges: readonly ReadonlyPortRange[]): PortRange[] {
  const outside: PortRange[] = [];
  let next = FIRST_PORT;
  for (const [first, last] of mergeRanges(ranges)) {
    if (first > next) outside.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= LAST_PORT) outside.push([next, LAST_PORT]);
  return outside;
}

/** How many ports they name, each counted once. */
export function countPorts(ranges: readonly ReadonlyPortRange[]): number {
  return mergeRanges(ranges).reduce((count, [first, last]) => count + last - first + 1, 0);
}
