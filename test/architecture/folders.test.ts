import { expect } from 'chai';
import { cyclesOf, foldersOf, importsWithin, without } from './folders.ts';
import { sourceFiles } from './sources.ts';

const PRODUCT = /^(?:lib|proxy-image|crds|webhooks|operator|cli)\//;

/** Edges that close a cycle and are still there, with the reason. To be taken away one by one; none may be added for convenience. */
const LEFT: Readonly<Record<string, string>> = {
  'crds/compile/inbound -> crds/compile': 'what both sides read of a workload still lies beside them',
  'crds/kinds/route -> crds/kinds/http-route': 'what is asked of routes of either kind lies with what they share',
  'crds/kinds/route -> crds/kinds/grpc-route': 'the same',
  'crds/kinds/server -> crds/kinds/server-authorization': 'each is judged by what there is of the other',
};

/** Lists of what lies below them: that is all that they are, so that a row more is no edge more. */
const LISTS: ReadonlySet<string> = new Set(['crds/kinds/registry.ts']);

describe('folders', () => {
  const graph = foldersOf(sourceFiles().filter(({ path }) => PRODUCT.test(path) && !LISTS.has(path)));

  it('import one another in one direction, types counted', () => {
    const rest = without(graph, Object.keys(LEFT));
    expect(cyclesOf(rest).map((cycle) => importsWithin(rest, cycle))).to.deep.equal([]);
  });

  it('have no exception that is not needed any more', () => {
    const cycles = cyclesOf(graph);
    for (const edge of Object.keys(LEFT)) {
      const [from, to] = edge.split(' -> ');
      expect(
        cycles.some((cycle) => cycle.includes(from!) && cycle.includes(to!)),
        `${edge} closes no cycle: take it from the list`,
      ).to.equal(true);
    }
  });
});

describe('the search for cycles of folders', () => {
  const file = (path: string, ...imports: string[]) => ({ path, imports });

  it('finds one that no cycle of files closes, and says what makes it', () => {
    const graph = foldersOf([file('a/one.ts', 'b/one.ts'), file('b/two.ts', 'a/two.ts'), file('c/one.ts', 'a/one.ts')]);
    expect(cyclesOf(graph)).to.deep.equal([['a', 'b']]);
    expect(importsWithin(graph, ['a', 'b'])).to.deep.equal(['a/one.ts imports b/one.ts', 'b/two.ts imports a/two.ts']);
    expect(cyclesOf(without(graph, ['b -> a']))).to.deep.equal([]);
  });

  it('finds one around several, and one between a folder and what lies in it', () => {
    const around = foldersOf([file('a/x.ts', 'b/x.ts'), file('b/y.ts', 'c/x.ts'), file('c/y.ts', 'a/y.ts')]);
    expect(cyclesOf(around)).to.deep.equal([['a', 'b', 'c']]);
    const nested = foldersOf([file('a/x.ts', 'a/b/x.ts'), file('a/b/y.ts', 'a/y.ts')]);
    expect(cyclesOf(nested)).to.deep.equal([['a', 'a/b']]);
  });
});
