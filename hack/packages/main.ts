/**
 * Writes the Helm charts (`charts/`) and the kustomizations (`kustomize/`), which are committed: a GitOps tool is pointed at a path of the repository.
 *
 *   node hack/packages/main.ts
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packageFiles, presentFiles, ROOT } from './files.ts';

const files = packageFiles();
for (const path of presentFiles()) if (!files.has(path)) rmSync(join(ROOT, path));
for (const [path, text] of files) {
  mkdirSync(dirname(join(ROOT, path)), { recursive: true });
  writeFileSync(join(ROOT, path), text);
}
