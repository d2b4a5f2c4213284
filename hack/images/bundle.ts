/**
 * Bundles one program of ours for its image: node hack/images/bundle.ts ENTRY OUTPUT node|bun [--names]
 * With --names it is not minified, for profiles. WEFT_COMMIT: what it says of itself (`proxy-image/version.ts`).
 * Everything is in it but the modules of the runtime itself; an image has no node_modules.
 */
import { basename, dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { PUBLISHED, publishingPrivateNames } from './private-names.ts';

const [entry, output, runtime, names] = process.argv.slice(2);
if (
  entry === undefined ||
  output === undefined ||
  (runtime !== 'node' && runtime !== 'bun') ||
  (names ?? '--names') !== '--names'
) {
  console.error('usage: node hack/images/bundle.ts ENTRY OUTPUT node|bun [--names]');
  process.exit(64);
}

// Packages in CommonJS form call require() for modules of the runtime; an ES module has none of its own.
const REQUIRE = `import { createRequire as weftCreateRequire } from 'node:module';
const require = weftCreateRequire(import.meta.url);`;

// Bun then takes the file as it is: its own transpiler would leave 4 MiB of syntax trees in every proxy (docs/performance.md).
const TRANSPILED = `// @bun
const require = import.meta.require;`;

/**
 * Needed by some proxies only, and then at once, within a call: where one of these is required, its text would be in the memory of all of them. In the image
 * it is a file of its own, by the name on the right behind that of the bundle.
 */
const APART: Readonly<Record<string, string>> = {
  re2js: 're2js',
  './http2-parts.ts': 'http2',
};
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const name = basename(output, extname(output));
const fileOf = (required: string) => `${name}-${APART[required]}${extname(output)}`;

/** `require` of one of these reads its own file; `import` shares what is in it. */
const apart: Plugin = {
  name: 'apart',
  setup(plugins) {
    plugins.onResolve({ filter: /./ }, ({ kind, path }) =>
      kind === 'require-call' && Object.hasOwn(APART, path) ? { path: `./${fileOf(path)}`, external: true } : null,
    );
  },
};

function apartEntries(): { in: string; out: string }[] {
  const io = join(ROOT, 'proxy-image/io');
  return Object.keys(APART).map((required) => ({
    in: required.startsWith('.') ? join(io, required) : fileURLToPath(import.meta.resolve(required)),
    out: basename(fileOf(required), extname(output!)),
  }));
}

await build({
  // What is loaded later is a file of its own beside the output (`<name>-*.js`): the text of a script stays in memory from its first line on.
  entryPoints: [{ in: entry, out: name }, ...(runtime === 'bun' ? apartEntries() : [])],
  outdir: dirname(output),
  outExtension: { '.js': extname(output) },
  splitting: runtime === 'bun',
  plugins: runtime === 'bun' ? [apart, publishingPrivateNames(ROOT)] : [],
  ...(names === undefined ? { mangleProps: PUBLISHED } : {}),
  chunkNames: `${name}-[name]-[hash]`,
  bundle: true,
  // Fields are set in the constructor, not by a function of their own for each class: 0.2 MiB of an idle proxy.
  tsconfigRaw: { compilerOptions: { useDefineForClassFields: runtime === 'node' } },
  minify: names === undefined,
  // Class and function names appear in logs and stack traces.
  keepNames: runtime === 'node',
  format: 'esm',
  platform: 'node',
  target: 'es2024',
  external: runtime === 'bun' ? ['bun', 'bun:*'] : [],
  banner: { js: runtime === 'node' ? REQUIRE : TRANSPILED },
  define: { WEFT_COMMIT: JSON.stringify(process.env['WEFT_COMMIT'] ?? 'unknown') },
  legalComments: 'none',
  logLevel: 'warning',
}).catch(() => process.exit(1)); // esbuild has said where and why
