import { readWrittenAt } from '../../parse/kubernetes-object.ts';
import { readMeshMeta } from '../../parse/metadata.ts';
import type { NamespaceModel } from './model.ts';

/** A core/v1 Namespace. Never throws. */
export function reduceNamespace(raw: unknown): NamespaceModel {
  return { meta: readMeshMeta(raw), writtenAt: readWrittenAt(raw) };
}
