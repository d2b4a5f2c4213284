import { POLICY_GROUP } from '../../types/api-groups.ts';
import { kindName } from '../../types/kind-name.ts';
import type { ObjectMeta } from '../../types/object-meta.ts';

export const HTTP_LOCAL_RATE_LIMIT_POLICY = kindName<HttpLocalRateLimitPolicyModel>(
  POLICY_GROUP,
  'HTTPLocalRateLimitPolicy',
  ['v1alpha1'],
);

/** Requests per second that each proxy of a Server lets through. 0 = not limited. */
export interface HttpLocalRateLimitPolicyModel {
  meta: ObjectMeta;
  /** Of the policy's own namespace. */
  server: string;
  totalPerSecond: number;
  identityPerSecond: number;
  overrides: { perSecond: number; accounts: { namespace: string; name: string }[] }[];
}
