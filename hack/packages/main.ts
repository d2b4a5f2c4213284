/**
 * Writes the Helm charts (`charts/`) and the kustomizations (`kustomize/`), which are committed: a GitOps tool is pointed at a path of the repository.
 *
 *   node hack/packages/main.ts
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packageFiles, ROOT } from './files.ts';

for (const [path, text] of packageFiles()) {
  mkdirSync(dirname(join(ROOT, path)), { recursive: true });
  writeFileSync(join(ROOT, path), text);
}
