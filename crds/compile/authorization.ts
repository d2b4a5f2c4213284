import { serviceAccountIdentity } from '../../proxy-image/contract/names.ts';
import type {
  AuthenticationMatch,
  Authorization,
  NetworkMatch,
  ObjectLabel,
} from '../../proxy-image/contract/resources.ts';
import { ACCESS_POLICIES } from '../parse/server.ts';
import type { AccessPolicy, MeshModel, ServerAuthorizationModel } from '../types/models.ts';

export const POLICY_GROUP = 'policy.linkerd.io';

const ANYWHERE: readonly string[] = ['0.0.0.0/0', '::/0'];

export function isAccessPolicy(text: string): text is AccessPolicy {
  return ACCESS_POLICIES.some((policy) => policy === text);
}

/** How a decision by default policy is labelled in metrics and logs. */
export function defaultLabel(policy: AccessPolicy): ObjectLabel {
  return { group: '', kind: 'default', name: policy };
}

/** What a default policy or a Server's accessPolicy allows by itself. `audit` authorises nothing: what nothing else allows is let through and noted. */
export function policyAuthorizations(policy: AccessPolicy, mesh: MeshModel): Authorization[] {
  const label = defaultLabel(policy);
  const anyIdentity: AuthenticationMatch = { type: 'identities', identities: ['*'] };
  const anybody: AuthenticationMatch = { type: 'unauthenticated' };
  switch (policy) {
    case 'all-authenticated':
      return [{ label, networks: everyNetwork(ANYWHERE), authentication: anyIdentity }];
    case 'all-unauthenticated':
      return [{ label, networks: everyNetwork(ANYWHERE), authentication: anybody }];
    case 'cluster-authenticated':
      return [{ label, networks: everyNetwork(mesh.clusterNetworks), authentication: anyIdentity }];
    case 'cluster-unauthenticated':
      return [{ label, networks: everyNetwork(mesh.clusterNetworks), authentication: anybody }];
    case 'deny':
    case 'audit':
      return [];
  }
}

/** The same policy where clients must have an identity (annotation `proxy-require-identity-inbound-ports`). */
export function withIdentity(policy: AccessPolicy): AccessPolicy {
  switch (policy) {
    case 'all-unauthenticated':
    case 'audit':
      return 'all-authenticated';
    case 'cluster-unauthenticated':
      return 'cluster-authenticated';
    default:
      return policy;
  }
}

export function compileAuthorization(model: ServerAuthorizationModel, mesh: MeshModel): Authorization {
  const networks = model.networks.map(({ cidr, except }) => ({ cidr, except }));
  return {
    label: { group: POLICY_GROUP, kind: 'serverauthorization', name: model.meta.name },
    networks: networks.length > 0 ? networks : everyNetwork(mesh.clusterNetworks),
    authentication: authenticationOf(model.client, mesh),
  };
}

function authenticationOf(client: ServerAuthorizationModel['client'], mesh: MeshModel): AuthenticationMatch {
  if (client.type !== 'meshTls') return { type: client.type };
  const accounts = client.serviceAccounts.map(({ name, namespace }) => {
    return serviceAccountIdentity(name, namespace, mesh.identity.suffix);
  });
  return { type: 'identities', identities: [...client.identities, ...accounts] };
}

function everyNetwork(cidrs: readonly string[]): NetworkMatch[] {
  return cidrs.map((cidr) => ({ cidr, except: [] }));
}
