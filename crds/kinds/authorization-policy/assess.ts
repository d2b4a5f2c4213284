import type { ClusterView } from '../../state/view.ts';
import { type Assessment, listed, ready, waiting } from '../assessment.ts';
import { meshTlsAuthenticationOf } from '../authentication/mesh-tls.ts';
import { networkAuthenticationOf } from '../authentication/network.ts';
import type { RouteModel } from '../route/model.ts';
import { routeOf } from '../route/queries.ts';
import type { ServerModel } from '../server/model.ts';
import { serversIn } from '../server/queries.ts';
import { counted, podsOfServers } from '../server/reach.ts';
import type { AuthenticationRef, AuthorizationPolicyModel } from './model.ts';

/** Whether a policy takes effect: what it is for exists, and all that it requires; and how many pods it is about. */
export function assessAuthorizationPolicy(view: ClusterView, policy: AuthorizationPolicyModel): Assessment {
  return { fields: { pods: 0 }, ...assess(view, policy) };
}

function assess(view: ClusterView, policy: AuthorizationPolicyModel): Assessment {
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
  const named = `${target.kind} ${namespace}/${target.name}`;
  switch (target.kind) {
    case 'Server': {
      const found = servers.filter((server) => server.meta.name === target.name);
      if (found.length === 0) return waiting('ServerNotFound', [`${named} does not exist`]);
      return about(view, namespace, found, `authorizes clients of ${named}`);
    }
    case 'Namespace': {
      const count = counted(servers.length, 'Server');
      return about(view, namespace, servers, `authorizes clients of ${count} of namespace ${namespace}`);
    }
    default: {
      const route = routeOf(view, target.group, target.kind, namespace, target.name);
      if (route === null) return waiting('RouteNotFound', [`${named} does not exist`]);
      const attached = servers.filter(({ meta: { name } }) => isAttached(route, namespace, name));
      // A route that is attached to no Server has no clients to authorize.
      if (attached.length === 0) return waiting('RouteNotAttached', [`${named} is attached to no Server that exists`]);
      const names = listed(attached.map((server) => `Server ${namespace}/${server.meta.name}`));
      return about(view, namespace, attached, `authorizes clients of ${named}, on ${names}`);
    }
  }
}

function about(view: ClusterView, namespace: string, servers: readonly ServerModel[], message: string): Assessment {
  const pods = podsOfServers(view, namespace, servers);
  return { ...ready(`${message}; decided about ${counted(pods, 'pod')}`), fields: { pods } };
}

function isAttached({ parents }: RouteModel, namespace: string, server: string): boolean {
  return parents.some(({ target, ...parent }) => {
    return target === 'server' && parent.namespace === namespace && parent.name === server;
  });
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
