import { keyIndex } from '../../state/kind.ts';
import type { ClusterView } from '../../state/view.ts';
import {
  AUTHORIZATION_POLICY,
  type AuthenticationRef,
  type AuthorizationPolicyModel,
  type PolicyTarget,
} from './model.ts';

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
