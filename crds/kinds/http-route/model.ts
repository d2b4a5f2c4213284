import { kindName } from '../../types/kind-name.ts';
import { GATEWAY_GROUP, POLICY_GROUP, type RouteModel } from '../route/model.ts';

export const HTTP_ROUTE = kindName<RouteModel>(GATEWAY_GROUP, 'HTTPRoute', ['v1beta1', 'v1']);

/** Linkerd's own, which came before the Gateway API had one for meshes; the same but for the group. */
export const POLICY_HTTP_ROUTE = kindName<RouteModel>(POLICY_GROUP, 'HTTPRoute', [
  'v1alpha1',
  'v1beta1',
  'v1beta2',
  'v1beta3',
]);
