import { kindName } from '../../types/kind-name.ts';
import type { ObjectMeta } from '../../types/object-meta.ts';

export const NAMESPACE = kindName<NamespaceModel>('', 'Namespace', ['v1']);

export interface NamespaceModel {
  meta: ObjectMeta;
  /** RFC 3339; when somebody last changed it. Empty where that is not known. */
  writtenAt: string;
}
