import { keyIndex } from '../../../crds/state/kind.ts';
import type { ClusterView } from '../../../crds/state/view.ts';
import { GADGET, type GadgetModel } from './model.ts';

export const GADGETS_OF_SERVICE = keyIndex(GADGET, 'ofService', ({ service }, { namespace }) => [
  `${namespace}/${service}`,
]);

export function gadgetsOf(view: ClusterView, namespace: string, service: string): readonly GadgetModel[] {
  return view.by(GADGETS_OF_SERVICE, `${namespace}/${service}`);
}
