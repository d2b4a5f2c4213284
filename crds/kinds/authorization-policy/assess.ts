import type { ClusterView } from '../../state/view.ts';
import { type Assessment, ready, waiting } from '../assessment.ts';
import { meshTlsAuthenticationOf } from '../authentication/mesh-tls.ts';
import { networkAuthenticationOf } from '../authentication/network.ts';
import { serversIn } from '../server/queries.ts';
import { counted, podsOfServer } from '../server/reach.ts';
import type { AuthenticationRef, AuthorizationPolicyModel } from './model.ts';

/** Whether a policy takes effect: what it is for exists, and all that it requires; and how many pods it is about. */
export function assessAuthorizationPolicy(view: ClusterView, policy: AuthorizationPolicyModel): Assessment {
  const missing = policy.authentications.filter((ref) => !exists(view, ref));
  if (missing.length > 0) {
    const names = missing.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name} does not exist`);
    return waiting('AuthenticationNotFound', [...names, 'until it does, the policy is ignored']);
  }
  return assessTarget(view, policy);
}

function assessTarget(view: ClusterView, { meta, target }: AuthorizationPolicyModel): Assessment {
  const { namespace } = meta;
  const servers = serversIn(view, namespace);
  const pods = (of: typeof servers) => of.reduce((sum, server) => sum + podsOfServer(view, server), 0);
  switch (target.kind) {
    case 'Server': {
      const found = servers.filter((server) => server.meta.name === target.name);
      if (found.length === 0) return waiting('ServerNotFound', [`Server ${namespace}/${target.name} does not exist`]);
      return ready(
        `authorizes clients of Server ${namespace}/${target.name}, which decides about ${counted(pods(found), 'pod')}`,
      );
    }
    case 'Namespace':
      return ready(
        `authorizes clients of ${counted(servers.length, 'Server')} of namespace ${namespace}, which decide about ports of ${counted(pods(servers), 'pod')}`,
      );
    default:
      return waiting('RouteNotFound', [`${target.kind} ${namespace}/${target.name} does not exist`]);
  }
}

function exists(view: ClusterView, { kind, namespace, name }: AuthenticationRef): boolean {
  switch (kind) {
    case 'MeshTLSAuthentication':
      return meshTlsAuthenticationOf(view, namespace, name) !== null;
    case 'NetworkAuthentication':
      return networkAuthenticationOf(view, namespace, name) !== null;
    case 'ServiceAccount':
      return true;
  }
}
