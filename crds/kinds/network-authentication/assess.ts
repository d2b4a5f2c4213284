import type { ClusterView } from '../../state/view.ts';
import { type Assessment, ready } from '../assessment.ts';
import type { NetworkAuthenticationModel } from '../authentication/network.ts';
import { policiesRequiring } from '../authorization/authorization-policy.ts';

export function assessNetworkAuthentication(view: ClusterView, { meta }: NetworkAuthenticationModel): Assessment {
  const { namespace, name } = meta;
  const { length } = policiesRequiring(view, { kind: 'NetworkAuthentication', namespace, name });
  return ready(`required by ${length} AuthorizationPolicies`);
}
