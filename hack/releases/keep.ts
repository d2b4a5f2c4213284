/**
 * Keeps what a release before is needed for: its proxy, its operator's two servers for proxies, and its definitions, for tests of them with today's.
 *   node hack/releases/keep.ts COMMIT FOLDER
 * Needs the history of the repository and its installed packages; tests need neither.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { constants, gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { manifestFiles } from '../../crds/manifest.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const [commit, folder] = process.argv.slice(2);
if (commit === undefined || folder === undefined) {
  console.error('usage: node hack/releases/keep.ts COMMIT FOLDER');
  process.exit(64);
}

/** What tests use of the operator of then: `ControlPlane`, and the models that its state is filled with. */
const OPERATOR = `export { ControlPlane } from './test/support/control-plane.ts';
export * as models from './test/support/models.ts';
`;

// Packages in CommonJS form call require() for modules of the runtime; an ES module has none of its own.
const REQUIRE = `import { createRequire as weftCreateRequire } from 'node:module';
const require = weftCreateRequire(import.meta.url);`;

const tree = mkdtempSync(join(tmpdir(), 'weft-release-'));
const made = join(tree, 'made');
try {
  const archive = execFileSync('git', ['archive', commit], { cwd: ROOT, maxBuffer: 2 ** 30 });
  execFileSync('tar', ['-x', '-C', tree], { input: archive });
  symlinkSync(join(ROOT, 'node_modules'), join(tree, 'node_modules'));
  mkdirSync(made);
  const proxy = ['hack/images/bundle.ts', 'proxy-image/main.ts', join(made, 'proxy.js'), 'bun'];
  execFileSync(process.execPath, proxy, { cwd: tree, stdio: 'inherit', env: { ...process.env, WEFT_COMMIT: commit } });
  await build({
    stdin: { contents: OPERATOR, resolveDir: tree, loader: 'ts' },
    outfile: join(made, 'operator.js'),
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'es2024',
    banner: { js: REQUIRE },
    define: { WEFT_COMMIT: JSON.stringify(commit) },
    legalComments: 'none',
    logLevel: 'warning',
  });
  const definitions = manifestFiles(join(tree, 'crds')).map((file) => readFileSync(file, 'utf8'));
  writeFileSync(join(made, 'definitions.yaml'), definitions.join('---\n'));
  const target = resolve(folder);
  mkdirSync(target, { recursive: true });
  for (const name of readdirSync(made)) {
    const text = gzipSync(readFileSync(join(made, name)), { level: constants.Z_BEST_COMPRESSION });
    writeFileSync(join(target, `${name}.gz`), text);
    console.log(`${name}.gz`, text.length);
  }
} finally {
  rmSync(tree, { recursive: true, force: true });
}
