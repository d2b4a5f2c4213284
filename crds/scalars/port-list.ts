import type { PortRange } from '../../proxy-image/contract/port-ranges.ts';
import { parsePortRange } from './port.ts';
import { quote } from './scalar.ts';

/** A list of a thousand ports and more. An object may carry 256 KiB of annotations, and a Service thousands of such objects. */
const MAX_LENGTH = 8_192;

/** What names stand for on one object; on a pod, one name may stand for a port of each of several containers. */
export type PortNames = ReadonlyMap<string, readonly number[]>;

export const NO_NAMES: PortNames = new Map();

/** A list of an annotation as everybody reads it: injection, compiler and admission. */
export interface PortList {
  /** In the order written. */
  ranges: PortRange[];
  /** Entries that are neither a port, a range nor a known name, as written: the rest of the list holds without them. */
  leftOut: readonly string[];
  /** Why the list says nothing at all, so that the next in line (the namespace, then the Mesh) counts; empty where it says something. */
  problem: string;
}

/** Names of container ports, or of a Service's ports; ports without a name are left out. */
export function portNames(ports: readonly { name: string; port: number }[]): PortNames {
  const names = new Map<string, number[]>();
  for (const { name, port } of ports) {
    if (name !== '') names.set(name, [...(names.get(name) ?? []), port]);
  }
  return names;
}

/**
 * A comma-separated list of ports, ranges and names such as `25,4444-5555,mysql` (Linkerd: `opaque-ports`, `skip-*-ports`). Never fails: what it cannot
 * read is left out (Linkerd logs and ignores it). Empty text is an empty list, which says that there are no such ports.
 */
export function readPortList(text: string, names: PortNames = NO_NAMES): PortList {
  if (text.length > MAX_LENGTH) {
    return { ranges: [], leftOut: [], problem: `must be at most ${MAX_LENGTH} characters long` };
  }
  const ranges: PortRange[] = [];
  const leftOut: string[] = [];
  for (const entry of text.split(',').map((part) => part.trim())) {
    if (entry === '') continue;
    const range = parsePortRange(entry);
    const named = names.get(entry);
    if (range.ok) ranges.push(range.value);
    else if (named !== undefined) ranges.push(...named.map((port): PortRange => [port, port]));
    else leftOut.push(entry);
  }
  const empty = ranges.length === 0 && leftOut.length > 0;
  return { ranges, leftOut, problem: empty ? `must have a port, a range or a known name, not ${quote(text)}` : '' };
}

/** What people are told of entries that were left out: a phrase behind the name of the list. */
export function leftOutText([first, ...others]: readonly string[]): string {
  const more = others.length > 0 ? ` and ${others.length} more` : '';
  return `holds without ${quote(first)}${more}: no port, range or name of a port of this object`;
}
