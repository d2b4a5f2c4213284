import type { ReadKey } from './view.ts';

/** One spelling per read: the store that reports a change and the view that notes a read must write the same text. */
export const MESH_READ: ReadKey = 'mesh';
export const TRUST_READ: ReadKey = 'trust';

export const READS = {
  namespace: (name: string): ReadKey => `namespace/${name}`,
  service: (namespace: string, name: string): ReadKey => `service/${namespace}/${name}`,
  serviceByIp: (ip: string): ReadKey => `serviceByIp/${ip}`,
  endpointSlices: (namespace: string, service: string): ReadKey => `endpointSlices/${namespace}/${service}`,
  pod: (namespace: string, name: string): ReadKey => `pod/${namespace}/${name}`,
  podByIp: (ip: string): ReadKey => `podByIp/${ip}`,
  profile: (namespace: string, name: string): ReadKey => `profile/${namespace}/${name}`,
  splits: (namespace: string, service: string): ReadKey => `splits/${namespace}/${service}`,
  servers: (namespace: string): ReadKey => `servers/${namespace}`,
  pods: (namespace: string): ReadKey => `pods/${namespace}`,
  /** One bucket of a selector index; `label` is `key=value`, or `*` for selectors that no label narrows. */
  serversByLabel: (namespace: string, label: string): ReadKey => `serversByLabel/${namespace}/${label}`,
  /** Which label keys the selectors of a namespace are filed under. */
  serverLabelKeys: (namespace: string): ReadKey => `serverLabelKeys/${namespace}`,
  servicesByLabel: (namespace: string, label: string): ReadKey => `servicesByLabel/${namespace}/${label}`,
  serviceLabelKeys: (namespace: string): ReadKey => `serviceLabelKeys/${namespace}`,
  /** Authorizations that name a Server; `*` = those that select Servers by label. */
  authorizations: (namespace: string, server: string): ReadKey => `authorizations/${namespace}/${server}`,
} as const;
