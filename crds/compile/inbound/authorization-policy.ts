import { everywhere } from '../../../proxy-image/contract/access-policy.ts';
import { serviceAccountIdentity, serviceAccountsOf } from '../../../proxy-image/contract/names.ts';
import type { AuthenticationMatch, Authorization, NetworkMatch } from '../../../proxy-image/contract/resources.ts';
import { meshTlsAuthenticationOf } from '../../kinds/authentication/mesh-tls.ts';
import { networkAuthenticationOf } from '../../kinds/authentication/network.ts';
import type { AuthenticationRef, AuthorizationPolicyModel } from '../../kinds/authorization/authorization-policy.ts';
import type { MeshModel } from '../../kinds/mesh/model.ts';
import type { ClusterView } from '../../state/view.ts';
import { POLICY_GROUP } from '../../types/api-groups.ts';

/**
 * What AuthorizationPolicies come to. One that requires an authentication which does not exist is ignored (Linkerd): it lets nobody in, and
 * takes nothing away from whom another one lets in.
 */
export function authorizationsOf(
  view: ClusterView,
  mesh: MeshModel,
  policies: readonly AuthorizationPolicyModel[],
): Authorization[] {
  return policies.map((policy) => compilePolicy(view, mesh, policy)).filter((authorization) => authorization !== null);
}

function compilePolicy(view: ClusterView, mesh: MeshModel, policy: AuthorizationPolicyModel): Authorization | null {
  let networks: NetworkMatch[] = everywhere();
  let authentication: AuthenticationMatch = { type: 'unauthenticated' };
  for (const ref of policy.authentications) {
    if (ref.kind === 'NetworkAuthentication') {
      const found = networkAuthenticationOf(view, ref.namespace, ref.name);
      if (found === null) return null;
      networks = found.networks.map(({ cidr, except }) => ({ cidr, except }));
    } else {
      const identities = identitiesOf(view, mesh, ref);
      if (identities === null) return null;
      authentication = { type: 'identities', identities };
    }
  }
  const label = { group: POLICY_GROUP, kind: 'authorizationpolicy', name: policy.meta.name };
  return { label, networks, authentication };
}

/** `null`: there is no such authentication. */
function identitiesOf(
  view: ClusterView,
  mesh: MeshModel,
  { kind, namespace, name }: AuthenticationRef,
): string[] | null {
  const { suffix } = mesh.identity;
  if (kind === 'ServiceAccount') return [serviceAccountIdentity(name, namespace, suffix)];
  const found = meshTlsAuthenticationOf(view, namespace, name);
  if (found === null) return null;
  const accounts = found.accounts.map((account) => {
    return account.name === ''
      ? serviceAccountsOf(account.namespace, suffix)
      : serviceAccountIdentity(account.name, account.namespace, suffix);
  });
  return [...found.identities, ...accounts];
}
