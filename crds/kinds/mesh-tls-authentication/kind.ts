import { MESH_TLS_AUTHENTICATION, type MeshTlsAuthenticationModel } from '../authentication/mesh-tls.ts';
import { CUSTOM, type KindRow } from '../row.ts';
import { assessMeshTlsAuthentication } from './assess.ts';
import { parseMeshTlsAuthentication } from './parse.ts';

export const MESH_TLS_AUTHENTICATION_ROW: KindRow<MeshTlsAuthenticationModel> = {
  ...MESH_TLS_AUTHENTICATION,
  ...CUSTOM,
  plural: 'meshtlsauthentications',
  watched: 'v1alpha1',
  indexes: [],
  status: { form: 'conditions', assess: assessMeshTlsAuthentication },
  parse: parseMeshTlsAuthentication,
};
