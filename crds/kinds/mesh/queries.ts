import { objectRead } from '../../state/reads.ts';
import type { ClusterView } from '../../state/view.ts';
import { MESH, type MeshModel } from './model.ts';
import { DEFAULT_MESH } from './parse.ts';

/** A CEL rule of the manifest allows one object, of this name. */
const ONLY_NAME = 'default';

/** The Mesh, or its defaults where there is none. */
export function meshOf(view: ClusterView): MeshModel {
  return view.get(MESH, '', ONLY_NAME) ?? DEFAULT_MESH;
}

/** Whether an answer of `meshOf` may differ. */
export const MESH_READ = objectRead(MESH, '', ONLY_NAME);
