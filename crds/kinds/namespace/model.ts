import type { ObjectMeta } from '../../types/object-meta.ts';

export interface NamespaceModel {
  meta: ObjectMeta;
}
