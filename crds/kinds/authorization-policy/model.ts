import { kindName } from '../../types/kind-name.ts';
import type { ObjectMeta } from '../../types/object-meta.ts';

export const AUTHORIZATION_POLICY = kindName<AuthorizationPolicyModel>('policy.linkerd.io', 'AuthorizationPolicy', [
  'v1alpha1',
]);

/** Who may use what `target` names, in the policy's own namespace: whoever meets all of `authentications`; without any, everybody. */
export interface AuthorizationPolicyModel {
  meta: ObjectMeta;
  target: PolicyTarget;
  authentications: AuthenticationRef[];
}

export interface PolicyTarget {
  /** Of the two groups that have an HTTPRoute, the one that is meant; empty for a Namespace. */
  group: string;
  kind: 'Server' | 'Namespace' | 'HTTPRoute' | 'GRPCRoute';
  name: string;
}

/** At most one names a network, and at most one an identity. A ServiceAccount need not exist: its name alone says who is meant. */
export interface AuthenticationRef {
  kind: 'MeshTLSAuthentication' | 'NetworkAuthentication' | 'ServiceAccount';
  namespace: string;
  name: string;
}
