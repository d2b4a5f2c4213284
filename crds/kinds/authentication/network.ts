import type { NetworkMatch } from '../../../proxy-image/contract/resources.ts';
import type { ClusterView } from '../../state/view.ts';
import { POLICY_GROUP } from '../../types/api-groups.ts';
import { kindName } from '../../types/kind-name.ts';
import type { ObjectMeta } from '../../types/object-meta.ts';

export const NETWORK_AUTHENTICATION = kindName<NetworkAuthenticationModel>(POLICY_GROUP, 'NetworkAuthentication', [
  'v1alpha1',
]);

/** Clients that come from one of `networks`, of which there is one at least. */
export interface NetworkAuthenticationModel {
  meta: ObjectMeta;
  networks: NetworkMatch[];
}

export function networkAuthenticationOf(
  view: ClusterView,
  namespace: string,
  name: string,
): NetworkAuthenticationModel | null {
  return view.get(NETWORK_AUTHENTICATION, namespace, name);
}
