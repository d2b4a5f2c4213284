import type { Model } from '../types/kind-name.ts';
import type { ObjectMeta } from '../types/object-meta.ts';

/** `resourceVersion` and `generation` move with every write, status writes included; no compiled resource depends on them. */
const VOLATILE = new Set<string>(['resourceVersion', 'generation'] satisfies (keyof ObjectMeta)[]);
/** Compared by itself; and when somebody last wrote the object, on which nothing compiled depends either. */
const APART = new Set(['meta', 'writtenAt']);
const NOTHING = new Set<string>();

/** Whether two models mean the same to the compiler: equal but for the volatile part of their metadata. */
export function sameModel(a: Model, b: Model): boolean {
  return sameFields(a, b, APART) && sameMeta(a.meta, b.meta);
}

function sameMeta(a: ObjectMeta | null, b: ObjectMeta | null): boolean {
  if (a === null || b === null) return a === b;
  return sameFields(a, b, VOLATILE);
}

/** Deep equality of plain JSON values. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  return sameFields(a, b, NOTHING);
}

function sameFields(a: object, b: object, except: ReadonlySet<string>): boolean {
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  for (const key of keys) {
    if (except.has(key)) continue;
    if (!Object.hasOwn(b, key) || !sameValue(Reflect.get(a, key), Reflect.get(b, key))) return false;
  }
  return true;
}
