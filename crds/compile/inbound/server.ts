import { policyAuthorizations } from '../../../proxy-image/contract/access-policy.ts';
import type { Authorization, PortPolicy } from '../../../proxy-image/contract/resources.ts';
import { policiesOfServer } from '../../kinds/authorization/authorization-policy.ts';
import { authorizationsFor } from '../../kinds/authorization/server-authorization.ts';
import type { MeshModel } from '../../kinds/mesh/model.ts';
import { isOpaque, type ServerModel } from '../../kinds/server/model.ts';
import type { ClusterView } from '../../state/view.ts';
import { POLICY_GROUP } from '../../types/api-groups.ts';
import { compileAuthorization } from './authorization.ts';
import { authorizationsOf } from './authorization-policy.ts';
import { compileRateLimit } from './rate-limit.ts';
import { compileRules } from './rules.ts';

/** What a Server says of a port: who may use it, by which routes, and how often. Nothing of it matches → denied. */
export type ServerPolicy = Pick<PortPolicy, 'server' | 'authorizations' | 'audit' | 'rules' | 'rateLimit'>;

export function serverPolicy(view: ClusterView, mesh: MeshModel, server: ServerModel): ServerPolicy {
  const authorizations = authorizationsOfServer(view, mesh, server);
  return {
    server: { group: POLICY_GROUP, kind: 'server', name: server.meta.name },
    authorizations,
    audit: server.accessPolicy === 'audit',
    rules: compileRules(view, mesh, server, authorizations),
    rateLimit: isOpaque(server) ? null : compileRateLimit(view, mesh, server),
  };
}

/**
 * Of the whole Server: the ServerAuthorizations that name or select it, the AuthorizationPolicies for it and for its namespace, and its accessPolicy (Linkerd:
 * authorization policy). What a policy for a route says is not among them: it holds for the rules of that route alone.
 */
function authorizationsOfServer(view: ClusterView, mesh: MeshModel, server: ServerModel): Authorization[] {
  return [
    ...authorizationsFor(view, server.meta).map((model) => compileAuthorization(model, mesh)),
    ...authorizationsOf(view, mesh, policiesOfServer(view, server.meta)),
    ...policyAuthorizations(server.accessPolicy, mesh.clusterNetworks),
  ];
}
