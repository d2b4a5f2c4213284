import type { Dimension } from '../../../crds/viz/dimensions.ts';
import { isObject } from '../../../lib/json.ts';
import { isLabelText } from '../../../proxy-image/contract/traffic/labels.ts';
import type { Group } from './query.ts';
import { SUM_NUMBERS, TrafficSum } from './traffic-sum.ts';

/** Of the form below. A part of another is not understood, and its replica counts as missing. */
const PART_VERSION = 1;

/** What one replica answers another that was asked: its own proxies' part, as JSON. */
export interface TrafficPart {
  version: number;
  replica: string;
  by: readonly Dimension[];
  groups: readonly PartGroup[];
}

/** Labels in the order of `by`; then pairs of a number's place in a `TrafficSum` and the number, for those that are not 0. */
interface PartGroup {
  labels: readonly string[];
  numbers: readonly number[];
}

/** More groups than a cluster has pods; what is beyond belongs to nobody who asks sensibly. */
const MAX_GROUPS = 100_000;

export function partOf(replica: string, by: readonly Dimension[], groups: readonly Group[]): TrafficPart {
  return {
    version: PART_VERSION,
    replica,
    by,
    groups: groups.map(({ labels, sum }) => ({ labels, numbers: pairsOf(sum) })),
  };
}

function pairsOf({ numbers }: TrafficSum): number[] {
  const pairs: number[] = [];
  for (const [at, number] of numbers.entries()) {
    // A proxy that lies about its octets must not make the whole part one that is refused.
    if (number !== 0) pairs.push(at, Math.min(number, Number.MAX_SAFE_INTEGER));
  }
  return pairs;
}

export interface Merged {
  groups: Group[];
  /** Replicas that were to answer and have not, or not understandably: what their proxies have counted is not in it. */
  missing: string[];
}

/**
 * Puts together what the replicas have answered to the same question. Exact, and the same in whatever order. `parts` come from the network: one that is not
 * what was asked for, or of a replica that nobody expects, does not count; of several of one replica the first.
 */
export function mergeParts(expected: readonly string[], by: readonly Dimension[], parts: readonly unknown[]): Merged {
  const groups = new Map<string, Group>();
  const missing = new Set(expected);
  for (const value of parts) {
    const part = readPart(value, by);
    if (part === null || !missing.delete(part.replica)) continue;
    for (const group of part.groups) addGroup(groups, group);
  }
  return { groups: [...groups.values()], missing: [...missing] };
}

function addGroup(groups: Map<string, Group>, { labels, sum }: Group): void {
  const key = JSON.stringify(labels);
  const known = groups.get(key);
  if (known === undefined) groups.set(key, { labels, sum });
  else known.sum.add(sum);
}

function readPart(value: unknown, by: readonly Dimension[]): { replica: string; groups: Group[] } | null {
  if (!isObject(value)) return null;
  const { version, replica, by: answered, groups } = value;
  if (version !== PART_VERSION || typeof replica !== 'string') return null;
  if (!Array.isArray(answered) || answered.length !== by.length || !by.every((name, at) => answered[at] === name)) {
    return null;
  }
  if (!Array.isArray(groups) || groups.length > MAX_GROUPS) return null;
  const read = groups.map((group: unknown) => readGroup(group, by.length));
  const usable = read.filter((group) => group !== null);
  return usable.length === read.length ? { replica, groups: usable } : null;
}

function readGroup(value: unknown, labelCount: number): Group | null {
  if (!isObject(value)) return null;
  const { labels, numbers } = value;
  if (!Array.isArray(labels) || labels.length !== labelCount || !labels.every(isLabelText)) return null;
  const sum = Array.isArray(numbers) ? sumOf(numbers) : null;
  return sum === null ? null : { labels, sum };
}

function sumOf(pairs: readonly unknown[]): TrafficSum | null {
  if (pairs.length > 2 * SUM_NUMBERS) return null;
  const sum = new TrafficSum();
  for (let at = 0; at < pairs.length; at += 2) {
    const [place, number] = [pairs[at], pairs[at + 1]];
    if (!isCount(place) || place >= SUM_NUMBERS || !isCount(number)) return null;
    sum.numbers[place] = number;
  }
  return sum;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
