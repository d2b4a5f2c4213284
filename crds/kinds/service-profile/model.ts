import type { RetryBudget } from '../../../proxy-image/contract/policy/retry.ts';
import type { PortRange } from '../../../proxy-image/contract/port-ranges.ts';
import type { Route } from '../../../proxy-image/contract/resources.ts';
import { kindName } from '../../types/kind-name.ts';
import type { ObjectMeta } from '../../types/object-meta.ts';

export const SERVICE_PROFILE = kindName<ServiceProfileModel>('linkerd.io', 'ServiceProfile', ['v1alpha1', 'v1alpha2']);

export interface ServiceProfileModel {
  meta: ObjectMeta;
  /** The profile's name, parsed: `<service>.<namespace>.svc.<clusterDomain>`. `null` when the name is not of that form. */
  target: { service: string; namespace: string; domain: string } | null;
  routes: Route[];
  /** `null` = the default budget. */
  retryBudget: RetryBudget | null;
  /** `weight` in thousandths. `port` 0 = the requested port. */
  dstOverrides: { authority: string; service: string; namespace: string; port: number; weight: number }[];
  opaquePorts: PortRange[];
}
