import { CUSTOM, type KindRow } from '../row.ts';
import { assessHttpLocalRateLimitPolicy, targetRefOf } from './assess.ts';
import { HTTP_LOCAL_RATE_LIMIT_POLICY, type HttpLocalRateLimitPolicyModel } from './model.ts';
import { parseHttpLocalRateLimitPolicy } from './parse.ts';
import { RATE_LIMITS_OF_SERVER } from './queries.ts';

export const HTTP_LOCAL_RATE_LIMIT_POLICY_ROW: KindRow<HttpLocalRateLimitPolicyModel> = {
  ...HTTP_LOCAL_RATE_LIMIT_POLICY,
  ...CUSTOM,
  plural: 'httplocalratelimitpolicies',
  watched: 'v1alpha1',
  indexes: [RATE_LIMITS_OF_SERVER],
  status: { form: 'conditions', assess: assessHttpLocalRateLimitPolicy, fields: targetRefOf },
  parse: parseHttpLocalRateLimitPolicy,
};
