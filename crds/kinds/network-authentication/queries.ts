import type { ClusterView } from '../../state/view.ts';
import { NETWORK_AUTHENTICATION, type NetworkAuthenticationModel } from './model.ts';

export function networkAuthenticationOf(
  view: ClusterView,
  namespace: string,
  name: string,
): NetworkAuthenticationModel | null {
  return view.get(NETWORK_AUTHENTICATION, namespace, name);
}
