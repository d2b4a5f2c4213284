import { type PortRange, portsOutside, type ReadonlyPortRange } from './port-ranges.ts';
import type {
  AuthenticationMatch,
  Authorization,
  NetworkMatch,
  ObjectLabel,
  PortPolicy,
  RangePolicy,
} from './resources.ts';

/**
 * What holds on ports without a Server (`default-inbound-policy`), and what a Server allows by itself (`accessPolicy`): the same six names
 * (Linkerd: Authorization Policy reference). This is their only list and their only meaning; operator, webhooks and proxy take it from here.
 */
export const ACCESS_POLICIES = [
  'all-authenticated',
  'all-unauthenticated',
  'cluster-authenticated',
  'cluster-unauthenticated',
  'deny',
  'audit',
] as const;

export type AccessPolicy = (typeof ACCESS_POLICIES)[number];

/** What a written policy that is none of them means: somebody wanted less than everything, and a typing error must not open a pod. */
export const UNREADABLE_POLICY: AccessPolicy = 'deny';

/** Linkerd chart: `proxy.defaultInboundPolicy` and `clusterNetworks`. */
export const DEFAULT_INBOUND_POLICY: AccessPolicy = 'all-unauthenticated';
export const DEFAULT_CLUSTER_NETWORKS: readonly string[] = [
  '10.0.0.0/8',
  '100.64.0.0/10',
  '172.16.0.0/12',
  '192.168.0.0/16',
  'fd00::/8',
];

const ANYWHERE: readonly string[] = ['0.0.0.0/0', '::/0'];

const DEFAULT_KIND = 'default';

/** How a decision by default policy is labelled in metrics and logs. */
function defaultLabel(policy: AccessPolicy): ObjectLabel {
  return { group: '', kind: DEFAULT_KIND, name: policy };
}

/** Whether a policy is a default one: no Server says anything about its port. */
export function isDefaultLabel(label: ObjectLabel): boolean {
  return label.kind === DEFAULT_KIND;
}

/** Networks without exceptions. */
function wholeNetworks(cidrs: readonly string[]): NetworkMatch[] {
  return cidrs.map((cidr) => ({ cidr, except: [] }));
}

export function everywhere(): NetworkMatch[] {
  return wholeNetworks(ANYWHERE);
}

/** What the policy allows by itself. `audit` authorises nothing: what nothing else allows is let through and noted. */
export function policyAuthorizations(policy: AccessPolicy, clusterNetworks: readonly string[]): Authorization[] {
  const label = defaultLabel(policy);
  const anyIdentity: AuthenticationMatch = { type: 'identities', identities: ['*'] };
  const anybody: AuthenticationMatch = { type: 'unauthenticated' };
  switch (policy) {
    case 'all-authenticated':
      return [{ label, networks: everywhere(), authentication: anyIdentity }];
    case 'all-unauthenticated':
      return [{ label, networks: everywhere(), authentication: anybody }];
    case 'cluster-authenticated':
      return [{ label, networks: wholeNetworks(clusterNetworks), authentication: anyIdentity }];
    case 'cluster-unauthenticated':
      return [{ label, networks: wholeNetworks(clusterNetworks), authentication: anybody }];
    case 'deny':
    case 'audit':
      return [];
  }
}

/** The policy of a port without a Server, with detection of its protocol. */
export function defaultPolicy(policy: AccessPolicy, clusterNetworks: readonly string[]): PortPolicy {
  return {
    server: defaultLabel(policy),
    protocol: 'detect',
    authorizations: policyAuthorizations(policy, clusterNetworks),
    audit: policy === 'audit',
    rules: [],
    rateLimit: null,
    probePaths: [],
    grpcProbe: false,
    profile: null,
  };
}

/** The same policy where clients must have an identity (annotation `proxy-require-identity-inbound-ports`). */
export function withIdentity(policy: AccessPolicy): AccessPolicy {
  switch (policy) {
    case 'all-unauthenticated':
    case 'audit':
      return 'all-authenticated';
    case 'cluster-unauthenticated':
      return 'cluster-authenticated';
    case 'all-authenticated':
    case 'cluster-authenticated':
    case 'deny':
      return policy;
  }
}

/**
 * Policies of the ports that nobody declared, some of which demand an identity. The default is the stricter policy and the ranges are its
 * exceptions: a reader that does not know ranges refuses too much, never too little.
 */
export function undeclaredPorts(
  policy: AccessPolicy,
  clusterNetworks: readonly string[],
  identityPorts: readonly ReadonlyPortRange[],
): { defaultPolicy: PortPolicy; ranges: RangePolicy[] } {
  const strict = withIdentity(policy);
  const open: readonly PortRange[] = strict === policy || identityPorts.length === 0 ? [] : portsOutside(identityPorts);
  const relaxed = defaultPolicy(policy, clusterNetworks);
  return {
    defaultPolicy: identityPorts.length === 0 ? relaxed : defaultPolicy(strict, clusterNetworks),
    ranges: open.map(([first, last]) => ({ first, last, policy: relaxed })),
  };
}
