import { matchesSelector } from '../../scalars/label-selector.ts';
import type { ClusterView } from '../../state/view.ts';
import { type Assessment, ready, waiting } from '../assessment.ts';
import type { ServerAuthorizationModel } from '../authorization/server-authorization.ts';
import { serversIn } from '../server/queries.ts';

/** Whether an authorization has a Server to authorize for; whom it allows is for the Server's clients to find out. */
export function assessServerAuthorization(view: ClusterView, authorization: ServerAuthorizationModel): Assessment {
  const { namespace } = authorization.meta;
  const target = authorization.server;
  const servers = serversIn(view, namespace);
  if ('name' in target) {
    const found = servers.some(({ meta }) => meta.name === target.name);
    if (!found) return waiting('ServerNotFound', [`Server ${namespace}/${target.name} does not exist`]);
    return ready(`authorizes clients of Server ${namespace}/${target.name}`);
  }
  const count = servers.filter(({ meta }) => matchesSelector(target.selector, meta.labels)).length;
  if (count === 0) return waiting('ServerNotFound', [`no Server of namespace ${namespace} matches the selector`]);
  return ready(`authorizes clients of ${count} Servers of namespace ${namespace}`);
}
