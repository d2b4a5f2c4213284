import type { ClusterView } from '../../state/view.ts';
import { type Assessment, ready } from '../assessment.ts';
import type { MeshTlsAuthenticationModel } from '../authentication/mesh-tls.ts';
import { policiesRequiring } from '../authorization/authorization-policy.ts';

export function assessMeshTlsAuthentication(view: ClusterView, { meta }: MeshTlsAuthenticationModel): Assessment {
  const { namespace, name } = meta;
  const { length } = policiesRequiring(view, { kind: 'MeshTLSAuthentication', namespace, name });
  return ready(`required by ${length} AuthorizationPolicies`);
}
