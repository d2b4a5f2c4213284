import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, realpathSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The tree that is measured. */
export const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

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
 * @param root tree of the sources
 * @param withNames not minified: the same code, with names that a profile can show
 */
export function makeShipped(directory: string, root = ROOT, withNames = false): Shipped {
  const bundle = join(directory, 'proxy.js');
  const bun = join(directory, 'bun');
  const program = join(root, 'hack/images/bundle.ts');
  const args = [program, join(root, 'proxy-image/main.ts'), bundle, 'bun', ...(withNames ? ['--names'] : [])];
  const done = spawnSync(process.execPath, args, { cwd: root, timeout: BUNDLE_MS, encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`the proxy could not be bundled: ${done.stderr.trim()}`);
  copyFileSync(realpathSync(join(ROOT, 'node_modules/.bin/bun')), bun);
  chmodSync(bun, 0o755);
  chmodSync(bundle, 0o644);
  return { directory, argv: [bun, '--smol', bundle, 'run'], env: imageEnvironment(root) };
}

/**
 * The tree of a commit, unpacked into `directory`; with the packages of the present one.
 * @throws Error where git knows no such commit
 */
export function unpackCommit(commit: string, directory: string): string {
  const archive = spawnSync('git', ['archive', '--format=tar', commit], { cwd: ROOT, maxBuffer: 512 * 1024 * 1024 });
  if (archive.status !== 0) throw new Error(`git archive ${commit}: ${archive.stderr.toString().trim()}`);
  mkdirSync(directory, { mode: 0o755 });
  const done = spawnSync('tar', ['-x', '-C', directory], { input: archive.stdout });
  if (done.status !== 0) throw new Error(`tar: ${done.stderr.toString().trim()}`);
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  return directory;
}

/** What the Dockerfile sets for the runtime. */
function imageEnvironment(root: string): Record<string, string> {
  const text = readFileSync(join(root, 'proxy-image/Dockerfile'), 'utf8').replace(/\\\n/g, ' ');
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
