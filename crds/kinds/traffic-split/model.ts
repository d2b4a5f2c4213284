import type { ObjectMeta } from '../../types/object-meta.ts';

export interface TrafficSplitModel {
  meta: ObjectMeta;
  /** Name of the root Service, reduced to its short name (short, `name.ns` and FQDN of the same namespace are accepted). */
  service: string;
  /** `weight` in thousandths, a non-negative integer. Order as written. */
  backends: { service: string; weight: number }[];
}
