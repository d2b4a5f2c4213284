import type { ObjectMeta } from '../types/object-meta.ts';
import { child, readMeta, readRecord } from './metadata.ts';

/** Annotations that mean something to the mesh; the rest (`last-applied-configuration` above all) would only fill memory. */
const ANNOTATION_PREFIX = /(^|\.)(linkerd\.io|weft\.dev)\//;

/** `metadata` of one of Kubernetes' own objects, with all labels (selectors need them) and the mesh's annotations only. */
export function readKubernetesMeta(raw: unknown): ObjectMeta {
  const meta = readMeta(raw);
  const annotations = readRecord(child(child(raw, 'metadata'), 'annotations'), (key) => ANNOTATION_PREFIX.test(key));
  return { ...meta, annotations };
}

export function oneOf<T extends string>(text: string, allowed: readonly T[], fallback: T): T {
  return allowed.find((candidate) => candidate === text) ?? fallback;
}

export const PROTOCOLS = ['TCP', 'UDP', 'SCTP'] as const;

export function textList(values: readonly unknown[]): string[] {
  return values.filter((value) => typeof value === 'string');
}
