import { type AccessPolicy, undeclaredPorts } from '../../contract/access-policy.ts';
import type { ReadonlyPortRange } from '../../contract/port-ranges.ts';
import type { WorkloadResource } from '../../contract/resources.ts';

/** What the proxy is started with (its environment): in force until the workload resource arrives. */
export interface WorkloadDefaults {
  namespace: string;
  pod: string;
  policy: AccessPolicy;
  clusterNetworks: readonly string[];
  detectTimeoutMs: number;
  opaquePorts: readonly ReadonlyPortRange[];
  /** Ports that need a client identity whatever the default policy says. */
  requireIdentityPorts: readonly ReadonlyPortRange[];
}

export function defaultWorkload(defaults: WorkloadDefaults): WorkloadResource {
  return {
    sources: '0',
    namespace: defaults.namespace,
    pod: defaults.pod,
    ports: {},
    ...undeclaredPorts(defaults.policy, defaults.clusterNetworks, defaults.requireIdentityPorts),
    opaquePorts: defaults.opaquePorts.map(([first, last]) => [first, last]),
    settings: { detectTimeoutMs: defaults.detectTimeoutMs, requireIdentity: false, tapRedacts: null },
  };
}
