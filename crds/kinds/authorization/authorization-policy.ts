import { keyIndex } from '../../state/kind.ts';
import type { ClusterView } from '../../state/view.ts';
import { POLICY_GROUP } from '../../types/api-groups.ts';
import { kindName } from '../../types/kind-name.ts';
import type { ObjectMeta } from '../../types/object-meta.ts';

export const AUTHORIZATION_POLICY = kindName<AuthorizationPolicyModel>(POLICY_GROUP, 'AuthorizationPolicy', [
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

/** By what they are for, which is of their own namespace. */
export const POLICIES_OF_TARGET = keyIndex(AUTHORIZATION_POLICY, 'ofTarget', ({ target }, { namespace }) => [
  keyOf(namespace, target),
]);

/** Policies of `namespace` whose target is this Server, route or (by its name) the namespace itself. */
export function policiesOf(
  view: ClusterView,
  namespace: string,
  target: PolicyTarget,
): readonly AuthorizationPolicyModel[] {
  return view.by(POLICIES_OF_TARGET, keyOf(namespace, target));
}

/** Policies for all of the Server of this metadata: those for it, and those for its namespace. One for a route of it is not among them. */
export function policiesOfServer(
  view: ClusterView,
  { namespace, name }: ObjectMeta,
): readonly AuthorizationPolicyModel[] {
  return [
    ...policiesOf(view, namespace, { group: AUTHORIZATION_POLICY.group, kind: 'Server', name }),
    ...policiesOf(view, namespace, { group: '', kind: 'Namespace', name: namespace }),
  ];
}

/** Whether a client needs an identity to meet all that a policy requires. */
export function demandsIdentity({ authentications }: AuthorizationPolicyModel): boolean {
  return authentications.some(({ kind }) => kind !== 'NetworkAuthentication');
}

function keyOf(namespace: string, { group, kind, name }: PolicyTarget): string {
  return `${namespace}/${kind}.${group}/${name}`;
}

/** By what they require, whatever namespace that is of. */
export const POLICIES_OF_AUTHENTICATION = keyIndex(AUTHORIZATION_POLICY, 'ofAuthentication', ({ authentications }) =>
  authentications.map(authenticationKey),
);

export function policiesRequiring(view: ClusterView, ref: AuthenticationRef): readonly AuthorizationPolicyModel[] {
  return view.by(POLICIES_OF_AUTHENTICATION, authenticationKey(ref));
}

function authenticationKey({ kind, namespace, name }: AuthenticationRef): string {
  return `${kind}/${namespace}/${name}`;
}
