import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

/** The proxy as its image has it, in `folder`. Takes seconds. Returns the path of the program. */
export function bundleProxy(folder: string, commit = 'commit-of-a-test'): string {
  const program = join(folder, 'proxy.js');
  const argv = ['hack/images/bundle.ts', 'proxy-image/main.ts', program, 'bun'];
  const env = { ...process.env, WEFT_COMMIT: commit };
  const { status, stderr } = spawnSync(process.execPath, argv, { cwd: ROOT, encoding: 'utf8', timeout: 60_000, env });
  if (status !== 0) throw new Error(`the bundle: ${stderr}`);
  return program;
}
