import { CUSTOM, type KindRow } from '../row.ts';
import { MESH, type MeshModel } from './model.ts';
import { parseMesh } from './parse.ts';

/** It is in every resource, so that its proxies are counted over all connections instead; what its status says is the whole control plane's. */
export const MESH_ROW: KindRow<MeshModel> = {
  ...MESH,
  ...CUSTOM,
  plural: 'meshes',
  scope: 'Cluster',
  watched: 'v1alpha1',
  counted: false,
  // Whose names certificates have, and for how long they are valid; how pods are injected.
  readBy: ['identity', 'webhooks'],
  indexes: [],
  status: { form: 'own' },
  parse: parseMesh,
};
