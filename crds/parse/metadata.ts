import { isObject } from '../../lib/json.ts';
import type { ObjectMeta } from '../types/object-meta.ts';

const EMPTY_RECORD: Readonly<Record<string, string>> = Object.freeze(Object.create(null));

/** `metadata` of any object; what is absent or of a wrong type becomes empty. */
export function readMeta(raw: unknown): ObjectMeta {
  const metadata = child(raw, 'metadata');
  return {
    namespace: textOf(metadata, 'namespace'),
    name: textOf(metadata, 'name'),
    uid: textOf(metadata, 'uid'),
    resourceVersion: textOf(metadata, 'resourceVersion'),
    generation: numberOf(metadata, 'generation'),
    creationTimestamp: textOf(metadata, 'creationTimestamp'),
    labels: readRecord(child(metadata, 'labels')),
    annotations: readRecord(child(metadata, 'annotations')),
  };
}

/** The own property `key` of `raw`, whatever `raw` is. */
export function child(raw: unknown, key: string): unknown {
  return isObject(raw) && Object.hasOwn(raw, key) ? raw[key] : undefined;
}

export function textOf(raw: unknown, key: string): string {
  const value = child(raw, key);
  return typeof value === 'string' ? value : '';
}

export function numberOf(raw: unknown, key: string): number {
  const value = child(raw, key);
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

export function listOf(raw: unknown, key: string): readonly unknown[] {
  const value = child(raw, key);
  return Array.isArray(value) ? value : [];
}

/** A copy without prototype of the entries that are text: looking up `constructor` or `__proto__` finds nothing that was not written. */
export function readRecord(
  raw: unknown,
  keep: (key: string) => boolean = () => true,
): Readonly<Record<string, string>> {
  if (!isObject(raw)) return EMPTY_RECORD;
  const record: Record<string, string> = Object.create(null);
  for (const [key, value] of Object.entries(raw)) {
    if (typeof value === 'string' && keep(key)) record[key] = value;
  }
  return record;
}
