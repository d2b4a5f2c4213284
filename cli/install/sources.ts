import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MANIFEST_DIRECTORY, manifestFiles } from '../../crds/manifest.ts';

/** The texts that an installation is made of. */
export interface Sources {
  /** A CustomResourceDefinition each. */
  definitions: readonly string[];
  /** Manifests of the control plane with `${name.of.a.value}` where a value comes; what comes later needs what comes before. */
  controlPlane: readonly ManifestText[];
}

export interface ManifestText {
  /** Of the file, without its ending. */
  name: string;
  text: string;
}

const DEPLOY = join(MANIFEST_DIRECTORY, '..', '..', 'operator', 'deploy');
/** The root of trust is in the namespace that the first of them makes. */
const CONTROL_PLANE = ['namespace', 'direct-mode', 'viz', 'operator', 'network-policy'];

/** Of this tree. In the bundle of the command it is a constant (`hack/images/bundle.ts`): there is no tree then. */
export const SOURCES: Sources = {
  definitions: manifestFiles().map((file) => readFileSync(file, 'utf8')),
  controlPlane: CONTROL_PLANE.map((name) => ({ name, text: readFileSync(join(DEPLOY, `${name}.yaml`), 'utf8') })),
};
