import { kubectl } from './kubectl.ts';
import { OURS } from './manifests.ts';

/** What of an object is looked at. */
export interface Found {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
}

/** Whether it carries the label that everything carries which was installed from here. */
export function isOurs({ metadata }: Pick<Found, 'metadata'>): boolean {
  const [key, value] = OURS;
  return metadata.labels?.[key] === value;
}

/**
 * Deletes those of the named objects that are ours. A name proves nothing: what somebody else has put there is left, and said.
 * @param args of `kubectl get`: `type/name` …, or `-f -` with the manifest as `input`
 */
export async function deleteOurs(args: readonly string[], input = '', ...how: string[]): Promise<void> {
  const found = await find(args, input);
  for (const other of found.filter((object) => !isOurs(object))) {
    console.log(`  left: ${nameOf(other)} is not of this installation: it has no label ${OURS.join('=')}`);
  }
  const items = found.filter(isOurs).map(({ apiVersion, kind, metadata: { name, namespace } }) => ({
    apiVersion,
    kind,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
  }));
  if (items.length === 0) return;
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  await kubectl(['delete', '--ignore-not-found', '--timeout=120s', ...how, '-f', '-'], list);
}

/** kubectl gives one object as itself, several as a List, and none as nothing. */
async function find(args: readonly string[], input: string): Promise<Found[]> {
  const text = await kubectl(['get', '--ignore-not-found', '-o', 'json', ...args], input);
  if (text.trim() === '') return [];
  const value = JSON.parse(text) as Found | { items: Found[] };
  return 'items' in value ? value.items : [value];
}

function nameOf({ kind, metadata: { namespace, name } }: Found): string {
  return `${kind.toLowerCase()}/${name}${namespace === undefined ? '' : ` in ${namespace}`}`;
}
