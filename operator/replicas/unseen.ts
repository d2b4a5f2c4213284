import type { Missing } from './follow.ts';

/** Sentences for conditions: they say the same for as long as the same is wrong, so that nothing is written anew. */
const WHY: Partial<Record<Missing, string>> = {
  arriving: 'its report is on the way',
  WEFT_REPLICA_UNREACHABLE: 'it cannot be reached on the port of the configuration stream',
  WEFT_REPLICA_IDENTITY: 'what answers at its address did not prove to be that replica',
  WEFT_REPLICA_RELEASE: 'it is of a release that does not report',
  WEFT_REPLICA_PROTOCOL: 'what it reports is not understood',
  WEFT_REPLICA_SILENT: 'it does not answer',
};
const MAX_NAMED = 5;

export const NOT_LEADING = 'this operator replica does not lead any more';
export const NO_REPLICA_KNOWN = 'no operator replica that serves proxies is known';
export const TWICE_TEXT = 'a proxy is connected to two operator replicas, one of which does not let go of it';

export function missingText(missing: readonly { name: string; why: Missing }[]): string {
  const sorted = missing.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const named = sorted.slice(0, MAX_NAMED).map(({ name, why }) => `${name} (${WHY[why] ?? why})`);
  if (sorted.length > MAX_NAMED) named.push(`and ${sorted.length - MAX_NAMED} more`);
  return `the proxies of ${replicas(sorted.length)} are not known: ${named.join(', ')}`;
}

export function laggingText(names: readonly string[]): string {
  const named = names.toSorted().slice(0, MAX_NAMED).join(', ');
  return `${replicas(names.length)} ${names.length === 1 ? 'has' : 'have'} not seen this version of it yet: ${named}`;
}

function replicas(count: number): string {
  return count === 1 ? 'one operator replica' : `${count} operator replicas`;
}
