import { expect } from 'chai';
import { moduleState } from './module-state.ts';
import { sourceFiles } from './sources.ts';

describe('state of modules', () => {
  it('there is none in the proxy: two proxies in one process share nothing', () => {
    const sources = sourceFiles().filter(({ path }) => /^(?:proxy-image|lib)\//.test(path));
    expect(moduleState(sources)).to.deep.equal([]);
  });
});

describe('the search for state of modules', () => {
  const find = (text: string, ...others: { path: string; text: string }[]) =>
    moduleState([{ path: 'a.ts', text }, ...others]);

  it('finds what can be assigned again', () => {
    expect(
      find('let parts: string | null = null;\nexport function get() { parts ??= "x"; return parts; }'),
    ).to.deep.equal(['a.ts: parts']);
    expect(find('export let n = 0;')).to.deep.equal(['a.ts: n']);
  });

  it('finds what functions fill and change', () => {
    expect(
      find('const seen = new Map<string, number>();\nexport const note = (k: string) => seen.set(k, 1);'),
    ).to.have.length(1);
    expect(find('const idle: number[] = [];\nclass A { give(x: number) { idle.push(x); } }')).to.have.length(1);
    expect(find('const last = { at: 0 };\nexport function tick() { last.at++; }')).to.have.length(1);
    expect(find('const bits = new Uint8Array(8);\nexport function mark(i: number) { bits[i] = 1; }')).to.have.length(1);
    expect(find('const deep = { list: [1] };\nexport function grow() { deep.list.push(2); }')).to.have.length(1);
  });

  it('finds what another module changes', () => {
    const other = {
      path: 'b.ts',
      text: `import { shared } from './a.ts';\nexport function set() { shared.on = true; }`,
    };
    expect(find('export const shared = { on: false };', other)).to.deep.equal(['a.ts: shared']);
  });

  it('finds an object whose methods change it, also by what its class extends', () => {
    const base = { path: 'b.ts', text: 'export class Base { n = 0; next() { return this.n++; } }' };
    expect(
      find(`import { Base } from './b.ts';\nclass Own extends Base {}\nconst ONE = new Own();`, base),
    ).to.deep.equal(['a.ts: ONE']);
  });

  it('leaves tables alone, which are filled while the module loads, and what only has the same name', () => {
    expect(
      find(
        'const table: number[] = [];\nfor (let i = 0; i < 9; i++) table[i] = i;\nexport const at = (i: number) => table[i];',
      ),
    ).to.deep.equal([]);
    expect(find('const STEPS = new Uint8Array(4);\nfill();\nfunction fill() { STEPS[1] = 2; }')).to.deep.equal([]);
    expect(find('const names = ["a"];\nexport function f(names: string[]) { names.push("b"); }')).to.deep.equal([]);
    expect(
      find('class Point { readonly x; constructor(x: number) { this.x = x; } }\nexport const ZERO = new Point(0);'),
    ).to.deep.equal([]);
  });
});
