import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { sourceFiles } from './sources.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** Where a path in a document may begin. */
const BASES = ['', 'proxy-image', 'operator', 'test'];

/** `a/{b,c}/d` as `a/b/d` and `a/c/d`. */
function expanded(path: string): string[] {
  const braces = /^(.*?)\{([^}]*)\}(.*)$/.exec(path);
  if (braces === null) return [path];
  const [, before, names, after] = braces;
  return names!.split(',').flatMap((name) => expanded(`${before}${name}${after}`));
}

function codeOf(document: string): string[] {
  return [...readFileSync(join(ROOT, document), 'utf8').matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!);
}

describe('documents of the tree', () => {
  for (const document of ['ARCHITECTURE.md', 'CONTRIBUTING.md', 'proxy-image/core/README.md']) {
    it(`${document} names only paths that are there`, () => {
      const paths = codeOf(document).filter((code) => /^[a-z][\w.-]+(?:\/[\w.{},-]+)+\/?$/.test(code));
      const missing = paths
        .flatMap(expanded)
        .filter((path) => !BASES.some((base) => existsSync(join(ROOT, base, path))));
      expect(paths.length).to.be.above(0);
      expect(missing).to.deep.equal([]);
    });
  }

  it('proxy-image/core/README.md names only functions that are there', () => {
    const core = sourceFiles().filter(({ path }) => path.startsWith('proxy-image/core/'));
    const names = codeOf('proxy-image/core/README.md').flatMap((code) => /^(\w+)\(\)$/.exec(code)?.[1] ?? []);
    const isThere = (name: string) =>
      core.some(({ text }) => new RegExp(`^(?:export function| ) ${name}\\(`, 'm').test(text));
    expect(names.length).to.be.above(10);
    expect(names.filter((name) => !isThere(name))).to.deep.equal([]);
  });

  it('proxy-image/core/README.md has a row for each folder', () => {
    const folders = new Set(
      sourceFiles().flatMap(({ path }) => /^proxy-image\/core\/([a-z]+)\//.exec(path)?.[1] ?? []),
    );
    const rows = [...readFileSync(join(ROOT, 'proxy-image/core/README.md'), 'utf8').matchAll(/^\| `([a-z]+)\/` \|/gm)];
    expect(rows.map(([, folder]) => folder!).sort()).to.deep.equal([...folders].sort());
  });
});
