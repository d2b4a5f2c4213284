import { isObject } from '../../lib/json.ts';
import type { KubeObject } from './object.ts';

/** One field that would be, or was, another: `null` where there is none. */
export interface Change {
  /** `spec.template.spec.containers[operator].image` */
  path: string;
  before: string | null;
  after: string | null;
}

/** What the API server keeps of its own: it changes with every write. */
const OF_THE_SERVER: ReadonlySet<string> = new Set([
  'metadata.managedFields',
  'metadata.resourceVersion',
  'metadata.generation',
  'metadata.uid',
  'metadata.creationTimestamp',
  'status',
]);

/** Fields by which two objects of the same name differ, in the order of the later one. */
export function changes(before: KubeObject | null, after: KubeObject): Change[] {
  const found: Change[] = [];
  compare('', before ?? {}, after, found);
  return found;
}

function compare(path: string, before: unknown, after: unknown, found: Change[]): void {
  if (OF_THE_SERVER.has(path)) return;
  const [old, now] = [fieldsOf(before), fieldsOf(after)];
  if (old !== null && now !== null) {
    for (const key of new Set([...now.keys(), ...old.keys()])) {
      compare(joined(path, key), old.get(key), now.get(key), found);
    }
    return;
  }
  if (JSON.stringify(before) === JSON.stringify(after)) return;
  found.push({ path, before: printed(before), after: printed(after) });
}

/** Members of an object, or items of a list by their name where each has one; null for what has no parts, or none to compare. */
function fieldsOf(value: unknown): Map<string, unknown> | null {
  if (isObject(value)) return new Map(Object.entries(value));
  if (!Array.isArray(value)) return null;
  const names = value.map((item: unknown) => (isObject(item) ? item['name'] : undefined));
  const named = names.every((name) => typeof name === 'string') && new Set(names).size === names.length;
  return new Map(value.map((item: unknown, at) => [`[${named ? names[at] : at}]`, item]));
}

function joined(path: string, key: string): string {
  if (path === '' || key.startsWith('[')) return path + key;
  return `${path}.${key}`;
}

/** A text as it is where a terminal may show it, anything else as JSON in ASCII. */
function printed(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' && /^[ -~]*$/.test(value)) return value;
  return JSON.stringify(value).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
