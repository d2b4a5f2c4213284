import { objectRead } from '../../state/reads.ts';
import type { ClusterView } from '../../state/view.ts';
import { MESH, type MeshModel } from './model.ts';
import { DEFAULT_MESH, MESH_NAME } from './parse.ts';

/** The Mesh, or its defaults where there is none. */
export function meshOf(view: ClusterView): MeshModel {
  return view.get(MESH, '', MESH_NAME) ?? DEFAULT_MESH;
}

/** Whether an answer of `meshOf` may differ. */
export const MESH_READ = objectRead(MESH, '', MESH_NAME);
