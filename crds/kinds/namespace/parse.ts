import { readKubernetesMeta, readWrittenAt } from '../../parse/kubernetes-object.ts';
import type { NamespaceModel } from './model.ts';

/** A core/v1 Namespace. Never throws. */
export function reduceNamespace(raw: unknown): NamespaceModel {
  return { meta: readKubernetesMeta(raw), writtenAt: readWrittenAt(raw) };
}
