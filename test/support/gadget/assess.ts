import { type Assessment, ready, waiting } from '../../../crds/kinds/assessment.ts';
import { serviceOf } from '../../../crds/kinds/service/queries.ts';
import type { ClusterView } from '../../../crds/state/view.ts';
import type { GadgetModel } from './model.ts';

export function assessGadget(view: ClusterView, { meta, service }: GadgetModel): Assessment {
  if (serviceOf(view, meta.namespace, service) !== null) return ready(`belongs to Service ${service}`);
  return waiting('ServiceNotFound', [`Service ${service} does not exist`]);
}
