import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

const BUNDLE_MS = 60_000;

/** The proxy as its image has it: one bundled file and the runtime with the Dockerfile's flags. */
export interface Shipped {
  /** Folder with both; readable for the proxy's user. */
  directory: string;
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
}

/**
 * Bundles the proxy and copies the runtime into `directory`: a file of its own, which is in nobody's page cache, as on a node that has just
 * unpacked the image.
 * @param withNames not minified: the same code, with names that a profile can show
 */
export function makeShipped(directory: string, withNames = false): Shipped {
  const bundle = join(directory, 'proxy.js');
  const bun = join(directory, 'bun');
  const program = join(ROOT, 'hack/images/bundle.ts');
  const args = [program, join(ROOT, 'proxy-image/main.ts'), bundle, 'bun', ...(withNames ? ['--names'] : [])];
  const done = spawnSync(process.execPath, args, { cwd: ROOT, timeout: BUNDLE_MS, encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`the proxy could not be bundled: ${done.stderr.trim()}`);
  copyFileSync(realpathSync(join(ROOT, 'node_modules/.bin/bun')), bun);
  chmodSync(bun, 0o755);
  chmodSync(bundle, 0o644);
  return { directory, argv: [bun, '--smol', bundle, 'run'], env: imageEnvironment() };
}

/** What the Dockerfile sets for the runtime. */
function imageEnvironment(): Record<string, string> {
  const text = readFileSync(join(ROOT, 'proxy-image/Dockerfile'), 'utf8').replace(/\\\n/g, ' ');
  const lines = text.split('\n').filter((line) => line.startsWith('ENV '));
  const pairs = lines.flatMap((line) => line.slice('ENV '.length).trim().split(/\s+/));
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
}

/** The same, leaving a CPU profile in the file `path` when it ends. */
export function withProfile([bun, ...rest]: readonly string[], path: string): string[] {
  return [bun!, '--cpu-prof', `--cpu-prof-dir=${dirname(path)}`, `--cpu-prof-name=${basename(path)}`, ...rest];
}

/** Takes the runtime's file out of the page cache (as far as nobody runs it), so that the next to start it is charged for its pages. */
export function forgetPages({ argv }: Shipped): void {
  spawnSync('dd', [`of=${argv[0]}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0'], {
    timeout: 10_000,
    stdio: 'ignore',
  });
}
