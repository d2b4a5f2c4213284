import { serviceAccountIdentity } from '../../../proxy-image/contract/names.ts';
import type { AuthenticationMatch, Authorization, NetworkMatch } from '../../../proxy-image/contract/resources.ts';
import type { ServerAuthorizationModel } from '../../kinds/authorization/server-authorization.ts';
import type { MeshModel } from '../../kinds/mesh/model.ts';
import { POLICY_GROUP } from '../../types/api-groups.ts';

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
