import { serviceAccountIdentity } from '../../../proxy-image/contract/names.ts';
import type { RateLimit } from '../../../proxy-image/contract/policy/inbound.ts';
import { HTTP_LOCAL_RATE_LIMIT_POLICY } from '../../kinds/http-local-rate-limit-policy/model.ts';
import { rateLimitOf } from '../../kinds/http-local-rate-limit-policy/queries.ts';
import type { MeshModel } from '../../kinds/mesh/model.ts';
import type { ServerModel } from '../../kinds/server/model.ts';
import type { ClusterView } from '../../state/view.ts';

/** The limit of the requests to a Server; none where nothing is seen of requests. */
export function compileRateLimit(view: ClusterView, mesh: MeshModel, server: ServerModel): RateLimit | null {
  const policy = rateLimitOf(view, server.meta.namespace, server.meta.name);
  if (policy === null) return null;
  const { group, kind } = HTTP_LOCAL_RATE_LIMIT_POLICY;
  const { namespace, name } = policy.meta;
  return {
    meta: { group, kind, namespace, name, section: '', port: 0 },
    totalPerSecond: policy.totalPerSecond,
    identityPerSecond: policy.identityPerSecond,
    overrides: policy.overrides.map(({ perSecond, accounts }) => ({
      perSecond,
      identities: accounts.map((account) =>
        serviceAccountIdentity(account.name, account.namespace, mesh.identity.suffix),
      ),
    })),
  };
}
