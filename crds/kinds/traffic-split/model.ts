import { kindName } from '../../types/kind-name.ts';
import type { ObjectMeta } from '../../types/object-meta.ts';

export const TRAFFIC_SPLIT = kindName<TrafficSplitModel>('split.smi-spec.io', 'TrafficSplit', [
  'v1alpha1',
  'v1alpha2',
  'v1alpha3',
  'v1alpha4',
]);

export interface TrafficSplitModel {
  meta: ObjectMeta;
  /** Name of the root Service, reduced to its short name (short, `name.ns` and FQDN of the same namespace are accepted). */
  service: string;
  /** `weight` in thousandths, a non-negative integer. Order as written. */
  backends: { service: string; weight: number }[];
}
