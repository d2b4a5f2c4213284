import type { ClusterView } from '../../state/view.ts';
import { POLICY_GROUP } from '../../types/api-groups.ts';
import { kindName } from '../../types/kind-name.ts';
import type { ObjectMeta } from '../../types/object-meta.ts';

export const MESH_TLS_AUTHENTICATION = kindName<MeshTlsAuthenticationModel>(POLICY_GROUP, 'MeshTLSAuthentication', [
  'v1alpha1',
]);

/** Clients that are known by a certificate of the mesh. */
export interface MeshTlsAuthenticationModel {
  meta: ObjectMeta;
  /** Exact, `*` for any, or `*.suffix` on a label boundary. */
  identities: string[];
  /** All ServiceAccounts of a namespace, where `name` is empty. */
  accounts: { namespace: string; name: string }[];
}

export function meshTlsAuthenticationOf(
  view: ClusterView,
  namespace: string,
  name: string,
): MeshTlsAuthenticationModel | null {
  return view.get(MESH_TLS_AUTHENTICATION, namespace, name);
}
