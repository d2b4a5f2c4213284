import { isObject } from '../../lib/json.ts';
import type { ObjectMeta } from '../types/object-meta.ts';

const EMPTY_RECORD: Readonly<Record<string, string>> = Object.freeze(Object.create(null));

/** `metadata` of any object; what is absent or of a wrong type becomes empty. */
export function readMeta(raw: unknown): ObjectMeta {
  return metaWith(raw, () => true);
}

/** Annotations that mean something to the mesh; the rest (`last-applied-configuration` above all) would only fill memory. */
const MESH_ANNOTATION = /(^|\.)(linkerd\.io|weft\.dev)\//;

/** `metadata` as models keep it: with all labels (selectors need them) and the mesh's annotations only. */
export function readMeshMeta(raw: unknown): ObjectMeta {
  return metaWith(raw, (annotation) => MESH_ANNOTATION.test(annotation));
}

function metaWith(raw: unknown, keep: (annotation: string) => boolean): ObjectMeta {
  const metadata = child(raw, 'metadata');
  return {
    namespace: textOf(metadata, 'namespace'),
    name: textOf(metadata, 'name'),
    uid: textOf(metadata, 'uid'),
    resourceVersion: textOf(metadata, 'resourceVersion'),
    generation: numberOf(metadata, 'generation'),
    creationTimestamp: textOf(metadata, 'creationTimestamp'),
    labels: readRecord(child(metadata, 'labels')),
    annotations: readRecord(child(metadata, 'annotations'), keep),
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
  let record: Record<string, string> | null = null;
  for (const [key, value] of Object.entries(raw)) {
    if (typeof value !== 'string' || !keep(key)) continue;
    record ??= emptyRecord();
    record[key] = value;
  }
  return record ?? EMPTY_RECORD;
}

function emptyRecord(): Record<string, string> {
  return Object.create(null);
}
