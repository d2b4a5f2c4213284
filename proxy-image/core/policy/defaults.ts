import type { Authorization, PortPolicy, WorkloadResource } from '../../contract/resources.ts';

export type DefaultPolicyName =
  | 'all-authenticated'
  | 'all-unauthenticated'
  | 'cluster-authenticated'
  | 'cluster-unauthenticated'
  | 'deny'
  | 'audit';

const ALL_NETWORKS = ['0.0.0.0/0', '::/0'];

/** What the proxy is started with (its environment): in force until the workload resource arrives. */
export interface WorkloadDefaults {
  namespace: string;
  pod: string;
  policy: DefaultPolicyName;
  clusterNetworks: readonly string[];
  detectTimeoutMs: number;
  opaquePorts: readonly (readonly [first: number, last: number])[];
  /** Inclusive ranges of ports that need a client identity whatever the default policy says. */
  requireIdentityPorts: readonly (readonly [first: number, last: number])[];
}

/** Policy of a default by name (Linkerd: default policies, `linkerd.io/inbound-policy`). */
export function defaultPolicy(name: DefaultPolicyName, clusterNetworks: readonly string[]): PortPolicy {
  const label = { group: '', kind: 'default', name };
  const networks = (name.startsWith('cluster-') ? clusterNetworks : ALL_NETWORKS).map((cidr) => ({ cidr, except: [] }));
  const authentication: Authorization['authentication'] = name.endsWith('-authenticated')
    ? { type: 'identities', identities: ['*'] }
    : { type: 'unauthenticated' };
  return {
    server: label,
    protocol: 'detect',
    authorizations: name === 'deny' || name === 'audit' ? [] : [{ label, networks, authentication }],
    audit: name === 'audit',
    probePaths: [],
    profile: null,
  };
}

export function defaultWorkload(defaults: WorkloadDefaults): WorkloadResource {
  const { clusterNetworks } = defaults;
  const authenticated = defaultPolicy(identityRequired(defaults.policy), clusterNetworks);
  const ports: Record<string, PortPolicy> = {};
  for (const [first, last] of defaults.requireIdentityPorts) {
    for (let port = first; port <= last; port++) {
      const opaque = defaults.opaquePorts.some(([low, high]) => port >= low && port <= high);
      ports[port] = opaque ? { ...authenticated, protocol: 'opaque' } : authenticated;
    }
  }
  return {
    sources: '0',
    namespace: defaults.namespace,
    pod: defaults.pod,
    ports,
    defaultPolicy: defaultPolicy(defaults.policy, clusterNetworks),
    opaquePorts: defaults.opaquePorts.map(([first, last]) => [first, last]),
    settings: {
      detectTimeoutMs: defaults.detectTimeoutMs,
      requireIdentity: false,
      clusterNetworks: [...clusterNetworks],
    },
  };
}

/** The same default with an identity demanded; `deny` stays `deny`. */
function identityRequired(name: DefaultPolicyName): DefaultPolicyName {
  if (name === 'deny') return name;
  return name.startsWith('cluster-') ? 'cluster-authenticated' : 'all-authenticated';
}
