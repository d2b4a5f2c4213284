import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const BINARIES_SCRIPT = fileURLToPath(new URL('../cluster/binaries', import.meta.url));
/** The first build compiles Kubernetes: minutes on a small machine. */
const BUILD_TIMEOUT_MS = 45 * 60_000;

export type ProgramName = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kubectl';

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Builds (once, cached) with progress on this process's stderr; returns the directory. */
async function build(names: readonly ProgramName[]): Promise<string> {
  const child = promisify(execFile)(BINARIES_SCRIPT, names, { timeout: BUILD_TIMEOUT_MS });
  child.child.stderr?.pipe(process.stderr, { end: false });
  return (await child).stdout.trim();
}

/**
 * Paths of the programs: those of `KUBEBUILDER_ASSETS` (the directory that setup-envtest prints) where it has them,
 * otherwise built from source by hack/cluster/binaries.
 */
export async function findPrograms(
  names: readonly ProgramName[],
  assets: string = process.env['KUBEBUILDER_ASSETS'] ?? '',
): Promise<Record<ProgramName, string>> {
  const found: Partial<Record<ProgramName, string>> = {};
  for (const name of names) {
    if (assets !== '' && executable(join(assets, name))) found[name] = join(assets, name);
  }
  const missing = names.filter((name) => found[name] === undefined);
  if (missing.length > 0) {
    const directory = await build(missing);
    for (const name of missing) found[name] = join(directory, name);
  }
  return found as Record<ProgramName, string>;
}
