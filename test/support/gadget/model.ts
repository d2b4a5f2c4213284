import { kindName } from '../../../crds/types/kind-name.ts';
import type { ObjectMeta } from '../../../crds/types/object-meta.ts';

export const GADGET = kindName<GadgetModel>('toys.example.com', 'Gadget', ['v1']);

/** A kind that nobody has: what it takes to add one is tested with it. */
export interface GadgetModel {
  meta: ObjectMeta;
  service: string;
  size: number;
}
