import type { ObjectMeta } from '../types/object-meta.ts';
import { child, listOf, readMeta, readRecord, textOf } from './metadata.ts';

/** Annotations that mean something to the mesh; the rest (`last-applied-configuration` above all) would only fill memory. */
const ANNOTATION_PREFIX = /(^|\.)(linkerd\.io|weft\.dev)\//;

/** `metadata` of one of Kubernetes' own objects, with all labels (selectors need them) and the mesh's annotations only. */
export function readKubernetesMeta(raw: unknown): ObjectMeta {
  const meta = readMeta(raw);
  const annotations = readRecord(child(child(raw, 'metadata'), 'annotations'), (key) => ANNOTATION_PREFIX.test(key));
  return { ...meta, annotations };
}

/**
 * When somebody last changed an object, its status and other subresources apart (`metadata.managedFields`): RFC 3339, empty where that is not known. The API
 * server keeps a time for each writer, and moves it with each change of what that writer has set.
 */
export function readWrittenAt(raw: unknown): string {
  const times = listOf(child(raw, 'metadata'), 'managedFields')
    .filter((entry) => textOf(entry, 'subresource') === '')
    .map((entry) => textOf(entry, 'time'));
  return times.includes('') ? '' : times.reduce((a, b) => (a > b ? a : b), '');
}

export function oneOf<T extends string>(text: string, allowed: readonly T[], fallback: T): T {
  return allowed.find((candidate) => candidate === text) ?? fallback;
}

export const PROTOCOLS = ['TCP', 'UDP', 'SCTP'] as const;

export function textList(values: readonly unknown[]): string[] {
  return values.filter((value) => typeof value === 'string');
}
