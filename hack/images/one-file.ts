import { basename } from 'node:path';
import { type BuildOptions, build, type OutputFile, type Plugin } from 'esbuild';

/** Text of each file of a bundle by its name. */
type Texts = ReadonlyMap<string, string>;

/** What the one file calls that which the file `part` exported as `name`. */
type Published = (part: string, name: string) => string;

/** `import { a as b } from "./file.js"`, as esbuild writes it without spaces, or with them. */
const IMPORT = /import\s*(?:\{([^}]*)\}\s*from\s*)?"\.\/([^"]+)"/g;

/**
 * Makes one file of `main` and of all that it imports at once: each file costs memory in whoever reads it. The other files of the bundle, which are read later,
 * import from that one what they imported from its parts, so that nothing is there twice.
 * @param options as the files were made with; `banner.js` begins each of them, and is taken from them first
 * @returns the files that are left, by name
 */
export async function inOneFile(main: string, files: readonly OutputFile[], options: BuildOptions): Promise<Texts> {
  const banner = options.banner?.['js'] ?? '';
  const texts = new Map(files.map(({ path, text }) => [basename(path), text.replace(banner, '')]));
  const parts = partsOf(main, texts);
  if (parts.size === 0) return new Map(files.map(({ path, text }) => [basename(path), text]));
  const late = [...texts.keys()].filter((name) => name !== main && !parts.has(name));
  const wanted = wantedOf(late, parts, texts);
  const order = [...wanted.keys()];
  const published: Published = (part, name) => `$${order.indexOf(part)}${name}`;
  const exports = [...wanted].map(([part, names]) => {
    return `export { ${renamed(names, (name) => `${name} as ${published(part, name)}`)} } from "./${part}";`;
  });
  const entry = `export * from "./${main}";\n${exports.join('\n')}`;
  const made = new Map<string, string>();
  made.set(main, await again(entry, [only(new Set([main, ...parts]), texts)], options));
  for (const name of late) {
    const sharing = [fromMain(main, wanted, published), only(new Set(), texts)];
    made.set(name, await again(texts.get(name)!, sharing, options));
  }
  return made;
}

/** What `main` imports at once, and what that imports. */
function partsOf(main: string, texts: Texts, found = new Set<string>()): Set<string> {
  for (const [, , name] of texts.get(main)!.matchAll(IMPORT)) {
    if (found.has(name!) || name === main || !texts.has(name!)) continue;
    found.add(name!);
    partsOf(name!, texts, found);
  }
  return found;
}

/** What the files `late` import from each of the parts; an import without names wants it to be there. */
function wantedOf(late: readonly string[], parts: ReadonlySet<string>, texts: Texts): Map<string, Set<string>> {
  const wanted = new Map<string, Set<string>>();
  for (const [, names = '', part] of late.flatMap((name) => [...texts.get(name)!.matchAll(IMPORT)])) {
    if (!parts.has(part!)) continue;
    const own = wanted.get(part!) ?? new Set();
    for (const name of names.split(',').filter((text) => text.trim() !== ''))
      own.add(name.trim().split(/\s+as\s+/)[0]!);
    wanted.set(part!, own);
  }
  return wanted;
}

function renamed(names: ReadonlySet<string>, rename: (name: string) => string): string {
  return [...names].map(rename).join(', ');
}

async function again(contents: string, plugins: Plugin[], options: BuildOptions): Promise<string> {
  const stdin = { contents, resolveDir: '/', loader: 'js' } as const;
  // Names are kept already, where they are.
  const { outputFiles } = await build({ ...options, keepNames: false, stdin, plugins, write: false });
  return outputFiles[0]!.text;
}

/** Of the files of the bundle those in `inside` are put in; the others stay imports. */
function only(inside: ReadonlySet<string>, texts: Texts): Plugin {
  return {
    name: 'only',
    setup(plugins) {
      plugins.onResolve({ filter: /^\.\// }, ({ path, kind }) =>
        inside.has(path.slice(2)) && kind === 'import-statement'
          ? { path: path.slice(2), namespace: 'bundle' }
          : { path, external: true },
      );
      plugins.onLoad({ filter: /./, namespace: 'bundle' }, ({ path }) => ({
        contents: texts.get(path)!,
        resolveDir: '/',
      }));
    },
  };
}

/** What was exported by a part is exported by `main`. */
function fromMain(main: string, wanted: ReadonlyMap<string, ReadonlySet<string>>, published: Published): Plugin {
  return {
    name: 'from-main',
    setup(plugins) {
      plugins.onResolve({ filter: /^\.\// }, ({ path, namespace }) =>
        namespace !== 'shared' && wanted.has(path.slice(2)) ? { path: path.slice(2), namespace: 'shared' } : null,
      );
      plugins.onLoad({ filter: /./, namespace: 'shared' }, ({ path }) => {
        const names = renamed(wanted.get(path)!, (name) => `${published(path, name)} as ${name}`);
        return { contents: `export { ${names} } from "./${main}";`, resolveDir: '/' };
      });
    },
  };
}
