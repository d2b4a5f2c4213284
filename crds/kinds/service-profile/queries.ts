import type { ClusterView } from '../../state/view.ts';
import { SERVICE_PROFILE, type ServiceProfileModel } from './model.ts';

/** The profile named `name` (an FQDN) in `namespace`. */
export function profileOf(view: ClusterView, namespace: string, name: string): ServiceProfileModel | null {
  return view.get(SERVICE_PROFILE, namespace, name);
}
