import { expect } from 'chai';
import { cyclesOf, foldersOf, importsWithin } from './folders.ts';
import { sourceFiles } from './sources.ts';

const PRODUCT = /^(?:lib|proxy-image|crds|webhooks|operator|cli)\//;

/** Lists of what lies below them: that is all that they are, so that a row more is no edge more. */
const LISTS: ReadonlySet<string> = new Set(['crds/kinds/registry.ts', 'cli/registry.ts']);

describe('folders', () => {
  const graph = foldersOf(sourceFiles().filter(({ path }) => PRODUCT.test(path) && !LISTS.has(path)));

  it('import one another in one direction, types counted', () => {
    expect(cyclesOf(graph).map((cycle) => importsWithin(graph, cycle))).to.deep.equal([]);
  });
});

describe('the search for cycles of folders', () => {
  const file = (path: string, ...imports: string[]) => ({ path, imports });

  it('finds one that no cycle of files closes, and says what makes it', () => {
    const graph = foldersOf([file('a/one.ts', 'b/one.ts'), file('b/two.ts', 'a/two.ts'), file('c/one.ts', 'a/one.ts')]);
    expect(cyclesOf(graph)).to.deep.equal([['a', 'b']]);
    expect(importsWithin(graph, ['a', 'b'])).to.deep.equal(['a/one.ts imports b/one.ts', 'b/two.ts imports a/two.ts']);
    expect(cyclesOf(foldersOf([file('a/one.ts', 'b/one.ts'), file('c/one.ts', 'a/one.ts')]))).to.deep.equal([]);
  });

  it('finds one around several, and one between a folder and what lies in it', () => {
    const around = foldersOf([file('a/x.ts', 'b/x.ts'), file('b/y.ts', 'c/x.ts'), file('c/y.ts', 'a/y.ts')]);
    expect(cyclesOf(around)).to.deep.equal([['a', 'b', 'c']]);
    const nested = foldersOf([file('a/x.ts', 'a/b/x.ts'), file('a/b/y.ts', 'a/y.ts')]);
    expect(cyclesOf(nested)).to.deep.equal([['a', 'a/b']]);
  });
});
