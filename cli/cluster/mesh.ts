import { MESH, type MeshModel } from '../../crds/kinds/mesh/model.ts';
import { DEFAULT_MESH, MESH_NAME, parseMesh } from '../../crds/kinds/mesh/parse.ts';
import { type Cluster, find } from './cluster.ts';

/** The Mesh of the cluster as the operator reads it; its defaults where there is none, or none that can be used. */
export async function readMesh(cluster: Cluster): Promise<MeshModel> {
  const raw = await find<unknown>(cluster, `/apis/${MESH.group}/${MESH.versions[0]}/meshes/${MESH_NAME}`);
  return (raw === null ? null : parseMesh(raw).model) ?? DEFAULT_MESH;
}
