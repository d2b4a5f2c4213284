import type { ClusterView } from '../../state/view.ts';
import { POLICY_GROUP } from '../../types/api-groups.ts';
import { type Assessment, conflicted, ready, waiting } from '../assessment.ts';
import { isOpaque } from '../server/model.ts';
import { serversIn } from '../server/queries.ts';
import { counted, podsOfServer } from '../server/reach.ts';
import type { HttpLocalRateLimitPolicyModel } from './model.ts';
import { rateLimitOf } from './queries.ts';

/** Reasons as Linkerd's policy controller writes them. */
export function assessHttpLocalRateLimitPolicy(view: ClusterView, policy: HttpLocalRateLimitPolicyModel): Assessment {
  const { namespace, name } = policy.meta;
  const server = serversIn(view, namespace).find(({ meta }) => meta.name === policy.server);
  if (server === undefined) {
    const message = `Server ${namespace}/${policy.server} does not exist`;
    return { ...waiting('NoMatchingTarget', [message]), accepted: { ok: false, reason: 'NoMatchingTarget', message } };
  }
  const oldest = rateLimitOf(view, namespace, policy.server)?.meta.name ?? name;
  if (oldest !== name) {
    const message = `HTTPLocalRateLimitPolicy ${namespace}/${oldest} is older and limits the same Server`;
    return { ...conflicted(message), accepted: { ok: false, reason: 'RateLimitReasonAlreadyExists', message } };
  }
  if (isOpaque(server)) {
    return ready(
      `limits nothing: Server ${namespace}/${policy.server} is ${server.proxyProtocol}, so that no request is seen`,
    );
  }
  return ready(
    `limits requests to Server ${namespace}/${policy.server} in each of ${counted(podsOfServer(view, server), 'pod')}`,
  );
}

/** `status.targetRef`, as Linkerd writes it. */
export function targetRefOf({ server }: HttpLocalRateLimitPolicyModel): Readonly<Record<string, unknown>> {
  return { targetRef: { group: POLICY_GROUP, kind: 'Server', name: server } };
}
