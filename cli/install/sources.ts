import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MANIFEST_DIRECTORY, manifestFiles } from '../../crds/manifest.ts';

/** The texts that an installation is made of. */
export interface Sources {
  /** A CustomResourceDefinition each. */
  definitions: readonly string[];
  /** Manifests of the control plane with `${NAME}` where a value comes; what comes later needs what comes before. */
  controlPlane: readonly string[];
}

/** The root of trust is in the namespace that the first of them makes. */
const CONTROL_PLANE = ['namespace.yaml', 'rbac.yaml', 'direct-mode.yaml', 'operator.yaml'];

/** @param root of the source tree */
export function sourcesOfTree(root: string = join(MANIFEST_DIRECTORY, '..', '..')): Sources {
  const read = (file: string) => readFileSync(file, 'utf8');
  return {
    definitions: manifestFiles(join(root, 'crds', 'kinds')).map(read),
    controlPlane: CONTROL_PLANE.map((name) => read(join(root, 'operator', 'deploy', name))),
  };
}
