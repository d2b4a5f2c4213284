import { isDeepStrictEqual } from 'node:util';
import { isObject } from '../../lib/json.ts';

/** An object with entries in the map at `path`, which is made where it is not there. */
export function withEntries(
  object: unknown,
  path: readonly string[],
  entries: Readonly<Record<string, string>>,
): unknown {
  const [key, ...rest] = path;
  const own = isObject(object) ? object : {};
  return key === undefined ? { ...own, ...entries } : { ...own, [key]: withEntries(own[key], rest, entries) };
}

/** An object without the entries of the map at `path` that are to be taken. */
export function withoutEntries(
  object: unknown,
  path: readonly string[],
  isTaken: (key: string, value: unknown) => boolean,
): unknown {
  const [next, ...rest] = path;
  if (!isObject(object)) return object;
  const entries = Object.entries(object);
  if (next === undefined) return Object.fromEntries(entries.filter(([key, value]) => !isTaken(key, value)));
  return Object.fromEntries(
    entries.map(([key, value]) => [key, key === next ? withoutEntries(value, rest, isTaken) : value]),
  );
}

/** Whether two objects are the same to Kubernetes, as far as metadata is concerned: maps that are empty, `null` or absent say the same. */
export function isSameObject(one: unknown, other: unknown): boolean {
  return isDeepStrictEqual(tidy(one), tidy(other));
}

const METADATA: readonly string[] = ['metadata', 'annotations', 'labels'];

function tidy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(tidy);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([key, below]) => [key, tidy(below)] as const);
  return Object.fromEntries(entries.filter(([key, below]) => !METADATA.includes(key) || !isNothing(below)));
}

function isNothing(value: unknown): boolean {
  return value === null || (isObject(value) && Object.keys(value).length === 0);
}
