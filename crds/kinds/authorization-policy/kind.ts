import {
  AUTHORIZATION_POLICY,
  type AuthorizationPolicyModel,
  POLICIES_OF_AUTHENTICATION,
  POLICIES_OF_TARGET,
} from '../authorization/authorization-policy.ts';
import { CUSTOM, type KindRow } from '../row.ts';
import { assessAuthorizationPolicy } from './assess.ts';
import { parseAuthorizationPolicy } from './parse.ts';

export const AUTHORIZATION_POLICY_ROW: KindRow<AuthorizationPolicyModel> = {
  ...AUTHORIZATION_POLICY,
  ...CUSTOM,
  plural: 'authorizationpolicies',
  watched: 'v1alpha1',
  indexes: [POLICIES_OF_TARGET, POLICIES_OF_AUTHENTICATION],
  status: { form: 'conditions', assess: assessAuthorizationPolicy },
  parse: parseAuthorizationPolicy,
};
