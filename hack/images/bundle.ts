/**
 * Bundles one program of ours for its image: node hack/images/bundle.ts ENTRY OUTPUT node|bun [--names] [--late]
 * With --names it is not minified, for profiles. With --late a program for Node keeps what it imports late in files of their own, as one for Bun always does.
 * WEFT_COMMIT: what it says of itself (`proxy-image/contract/version.ts`).
 * Everything is in it but the modules of the runtime itself; an image has no node_modules.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { inOneFile } from './one-file.ts';
import { PUBLISHED, publishingPrivateNames } from './private-names.ts';

const [entry, output, runtime, ...flags] = process.argv.slice(2);
const isNamed = flags.includes('--names');
const isSplit = runtime === 'bun' || flags.includes('--late');
if (
  entry === undefined ||
  output === undefined ||
  (runtime !== 'node' && runtime !== 'bun') ||
  flags.some((flag) => flag !== '--names' && flag !== '--late')
) {
  console.error('usage: node hack/images/bundle.ts ENTRY OUTPUT node|bun [--names] [--late]');
  process.exit(64);
}

// Packages in CommonJS form call require() for modules of the runtime; an ES module has none of its own.
const REQUIRE = `import { createRequire as weftCreateRequire } from 'node:module';
const require = weftCreateRequire(import.meta.url);`;

// Bun then takes the file as it is: its own transpiler would leave 4 MiB of syntax trees in every proxy (docs/performance.md).
const TRANSPILED = `// @bun
const require = import.meta.require;`;

interface Apart {
  /** Of the file that is made of it, behind that of the bundle. */
  readonly name: string;
  /** Folder of what is required by a relative path. */
  readonly folder: string;
  /** It has its own copy of what others need too: functions without state, which as a file for both would be one more that every proxy reads. */
  readonly alone?: boolean;
}

/**
 * Needed by some proxies only, and then at once, within a call: where one of these is required, its text would be in the memory of all of them. In the image
 * it is a file of its own.
 */
const APART: Readonly<Record<string, Apart>> = {
  re2js: { name: 're2js', folder: '' },
  './http2-parts.ts': { name: 'http2', folder: 'proxy-image/io/pool' },
  '../core/state/parse/rule-parts.ts': { name: 'rules', folder: 'proxy-image/io', alone: true },
  '../core/filter/apply.ts': { name: 'filters', folder: 'proxy-image/io', alone: true },
  './exposition.ts': { name: 'exposition', folder: 'proxy-image/io/telemetry', alone: true },
  './connection-families.ts': { name: 'connection-families', folder: 'proxy-image/io/telemetry', alone: true },
  './route-families.ts': { name: 'route-families', folder: 'proxy-image/io/telemetry', alone: true },
  '../stack/control/port.ts': { name: 'control', folder: 'proxy-image/run', alone: true },
  './telemetry/traffic/reporter.ts': { name: 'traffic', folder: 'proxy-image/io', alone: true },
  './translate.ts': { name: 'translate', folder: 'proxy-image/codec/bridge' },
};
/**
 * What an entry imports late from here is an alternative to the rest, and a bundle of its own by the name of its file: not even what it has in common with
 * others is shared.
 */
const VERB = /^\.\/verbs\/([a-z]+)\.ts$/;
/** The verb that what is apart belongs to. */
const STAYING = 'run';
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const name = basename(output, extname(output));
const fileOf = (required: string) => `${name}-${APART[required]!.name}${extname(output)}`;

/** Source and name of the file that is made of it, without what it ends in. */
interface Entry {
  in: string;
  out: string;
}

/** `require` of one of these reads its own file; `import` shares what is in it. */
const apart: Plugin = {
  name: 'apart',
  setup(plugins) {
    plugins.onResolve({ filter: /./ }, ({ kind, path }) =>
      kind === 'require-call' && Object.hasOwn(APART, path) ? { path: `./${fileOf(path)}`, external: true } : null,
    );
  },
};

function apartEntries(isAlone: boolean): Entry[] {
  return Object.entries(APART)
    .filter(([, { alone = false }]) => alone === isAlone)
    .map(([required, { folder }]) => ({
      in: required.startsWith('.') ? join(ROOT, folder, required) : fileURLToPath(import.meta.resolve(required)),
      out: basename(fileOf(required), extname(output!)),
    }));
}

/**
 * What packages load and the command never calls. Commander starts programs with `node:child_process`, for verbs that are programs; loading it takes a tenth of the time in which
 * `weft version` starts. The Kubernetes client sends by undici, which does not load on Node 20; the command takes credentials from it, and sends by the standard modules.
 */
const UNUSED: readonly { name: string; by: RegExp; text: string }[] = [
  { name: 'node:child_process', by: /\/node_modules\/commander\//, text: 'export default {};' },
  {
    name: 'undici',
    by: /\/node_modules\/@kubernetes\/client-node\//,
    text: ['Agent', 'ProxyAgent', 'FormData', 'fetch'].map((name) => `export const ${name} = undefined;`).join('\n'),
  },
];

const withoutUnused: Plugin = {
  name: 'without-unused',
  setup(plugins) {
    plugins.onResolve({ filter: /./ }, ({ path, importer }) => {
      const isUnused = UNUSED.some(({ name, by }) => name === path && by.test(importer));
      return isUnused ? { path, namespace: 'unused' } : null;
    });
    plugins.onLoad({ filter: /./, namespace: 'unused' }, ({ path }) => ({
      contents: UNUSED.find(({ name }) => name === path)!.text,
    }));
  },
};

/** What is generated of the Kubernetes API is in its client by name, and three quarters of it. */
const CLIENT = '@kubernetes/client-node';
const LIBRARY = /\/node_modules\/@dot-i\/k8s-operator\//;

/**
 * The library of the operator is in CommonJS form and asks for the whole client, so that all of the generated API stayed: 2 MB of text, and 10 MiB of every replica. It gets what it
 * names, and what nobody does is left out.
 */
const namedOfClient: Plugin = {
  name: 'named-of-client',
  setup(plugins) {
    plugins.onResolve({ filter: /^@kubernetes\/client-node$/ }, ({ importer, namespace }) =>
      namespace === 'file' && LIBRARY.test(importer) ? { path: importer, namespace: 'named-of-client' } : null,
    );
    plugins.onLoad({ filter: /./, namespace: 'named-of-client' }, async ({ path }) => {
      const exported = (await import(CLIENT)) as object;
      const words = new Set(readFileSync(path, 'utf8').match(/(?<=\.)[A-Za-z]\w*/g));
      const names = [...words].filter((word) => Object.hasOwn(exported, word));
      return { resolveDir: ROOT, contents: `export { ${names.join(', ')} } from '${CLIENT}';` };
    });
  },
};

/** Where the entry imports a verb, the import stays, of the verb's own bundle; `found` learns of it. */
function verbs(found: Map<string, Entry>): Plugin {
  return {
    name: 'verbs',
    setup(plugins) {
      plugins.onResolve({ filter: VERB }, ({ kind, path, resolveDir }) => {
        if (kind !== 'dynamic-import') return null;
        const [, verb] = VERB.exec(path)!;
        found.set(verb!, { in: join(resolveDir, path), out: `${name}-${verb}` });
        return { path: `./${name}-${verb}${extname(output!)}`, external: true };
      });
    },
  };
}

/** What these read of the tree when they are loaded is in the bundle: each export as it is now. */
const CONSTANTS: ReadonlySet<string> = new Set(
  ['install/sources.ts', 'check/pages.ts'].map((path) => join(ROOT, 'cli', path)),
);

const constants: Plugin = {
  name: 'constants',
  setup(plugins) {
    plugins.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      if (!CONSTANTS.has(path)) return null;
      const exported = Object.entries((await import(pathToFileURL(path).href)) as object);
      const lines = exported.map(([key, value]) => `export const ${key} = ${JSON.stringify(value)};`);
      return { contents: lines.join('\n'), loader: 'js' };
    });
  },
};

/** Runtimes keep a text with one such letter in two octets for each of its millions; esbuild escapes them but in regular expressions. */
const BEYOND_LATIN_1 = /[\u0100-\uffff]/;

/** Of everything that is made here. */
const COMMON: BuildOptions = {
  bundle: true,
  minify: !isNamed,
  // Class and function names appear in logs and stack traces.
  keepNames: runtime === 'node',
  format: 'esm',
  platform: 'node',
  target: 'es2024',
  external: runtime === 'bun' ? ['bun', 'bun:*'] : [],
  banner: { js: runtime === 'node' ? REQUIRE : TRANSPILED },
  legalComments: 'none',
  logLevel: 'warning',
};

/**
 * What is loaded later is a file of its own beside the output (`<name>-*.js`): the text of a script stays in memory from its first line on.
 * The first entry and what it has in common with the others are one file.
 */
async function bundle(entryPoints: Entry[], plugins: Plugin[]): Promise<void> {
  const { outputFiles } = await build({
    ...COMMON,
    entryPoints,
    outdir: dirname(output!),
    outExtension: { '.js': extname(output!) },
    splitting: isSplit,
    plugins,
    ...(isNamed ? {} : { mangleProps: PUBLISHED }),
    chunkNames: `${name}-[name]-[hash]`,
    // Fields are set in the constructor, not by a function of their own for each class: 0.2 MiB of an idle proxy.
    tsconfigRaw: { compilerOptions: { useDefineForClassFields: runtime === 'node' } },
    define: { WEFT_COMMIT: JSON.stringify(process.env['WEFT_COMMIT'] ?? 'unknown') },
    write: false,
  });
  const texts = await inOneFile(`${entryPoints[0]!.out}${extname(output!)}`, outputFiles, COMMON);
  mkdirSync(dirname(output!), { recursive: true });
  const isProgram = (file: string) => file === basename(output!);
  for (const [file, text] of texts) {
    const [letter] = BEYOND_LATIN_1.exec(text) ?? [];
    if (letter !== undefined) throw new Error(`${file}: ${JSON.stringify(letter)} has to be escaped`);
    writeFileSync(join(dirname(output!), file), isProgram(file) ? withShebang(text) : text);
  }
}

/** What makes a file a program that a shell can start; esbuild takes it for a comment when files are put together. */
function withShebang(text: string): string {
  const [, line = ''] = /^(#!.*\n)/.exec(readFileSync(entry!, 'utf8')) ?? [];
  return text.startsWith('#!') ? text : line + text;
}

async function bundleAll(): Promise<void> {
  const main = { in: entry!, out: name };
  if (runtime === 'node') return bundle([main], isSplit ? [constants, withoutUnused] : [constants, namedOfClient]);
  const found = new Map<string, Entry>();
  const common = [apart, publishingPrivateNames(ROOT)];
  await bundle([main], [verbs(found), ...common]);
  for (const [verb, own] of found) await bundle(verb === STAYING ? [own, ...apartEntries(false)] : [own], common);
  for (const own of apartEntries(true)) await bundle([own], common);
}

await bundleAll().catch(() => process.exit(1)); // esbuild has said where and why
