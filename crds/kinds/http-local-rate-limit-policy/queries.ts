import { keyIndex } from '../../state/kind.ts';
import type { ClusterView } from '../../state/view.ts';
import { HTTP_LOCAL_RATE_LIMIT_POLICY, type HttpLocalRateLimitPolicyModel } from './model.ts';

export const RATE_LIMITS_OF_SERVER = keyIndex(HTTP_LOCAL_RATE_LIMIT_POLICY, 'ofServer', ({ server }, { namespace }) => [
  `${namespace}/${server}`,
]);

/** The oldest one that names the Server (Linkerd: HTTPLocalRateLimitPolicy). */
export function rateLimitOf(
  view: ClusterView,
  namespace: string,
  server: string,
): HttpLocalRateLimitPolicyModel | null {
  return view.first(RATE_LIMITS_OF_SERVER, `${namespace}/${server}`);
}
