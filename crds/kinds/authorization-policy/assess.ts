import type { ClusterView } from '../../state/view.ts';
import { type Assessment, listed, ready, waiting } from '../assessment.ts';
import { meshTlsAuthenticationOf } from '../authentication/mesh-tls.ts';
import { networkAuthenticationOf } from '../authentication/network.ts';
import type {
  AuthenticationRef,
  AuthorizationPolicyModel,
  PolicyTarget,
} from '../authorization/authorization-policy.ts';
import { routeOf } from '../route/queries.ts';
import type { ServerModel } from '../server/model.ts';
import { serversIn } from '../server/queries.ts';
import { counted, podsOfServer } from '../server/reach.ts';

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
      return assessRoute(view, namespace, target, servers);
  }
}

/** A route that is attached to no Server has no clients to authorize. */
function assessRoute(
  view: ClusterView,
  namespace: string,
  { group, kind, name }: PolicyTarget,
  servers: readonly ServerModel[],
): Assessment {
  const route = routeOf(view, group, kind, namespace, name);
  if (route === null) return waiting('RouteNotFound', [`${kind} ${namespace}/${name} does not exist`]);
  const parents = route.parents.filter((parent) => parent.target === 'server' && parent.namespace === namespace);
  const attached = servers.filter(({ meta }) => parents.some((parent) => parent.name === meta.name));
  if (attached.length === 0)
    return waiting('RouteNotAttached', [`${kind} ${namespace}/${name} is attached to no Server that exists`]);
  const pods = attached.reduce((sum, server) => sum + podsOfServer(view, server), 0);
  const names = listed(attached.map(({ meta }) => `Server ${namespace}/${meta.name}`));
  return ready(
    `authorizes clients of ${kind} ${namespace}/${name}, on ${names}, which decides about ${counted(pods, 'pod')}`,
  );
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
