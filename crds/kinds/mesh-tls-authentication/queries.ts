import type { ClusterView } from '../../state/view.ts';
import { MESH_TLS_AUTHENTICATION, type MeshTlsAuthenticationModel } from './model.ts';

export function meshTlsAuthenticationOf(
  view: ClusterView,
  namespace: string,
  name: string,
): MeshTlsAuthenticationModel | null {
  return view.get(MESH_TLS_AUTHENTICATION, namespace, name);
}
