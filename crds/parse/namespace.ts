import type { NamespaceModel } from '../types/kubernetes.ts';
import { readKubernetesMeta } from './kubernetes-object.ts';

/** A core/v1 Namespace. Never throws. */
export function reduceNamespace(raw: unknown): NamespaceModel {
  return { meta: readKubernetesMeta(raw) };
}
