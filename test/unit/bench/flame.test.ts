import { expect } from 'chai';
import { framesOf, readProfile, selfTimes } from '../../bench/flame/profile.ts';
import { BundleSources } from '../../bench/flame/sources.ts';
import { flameSvg } from '../../bench/flame/svg.ts';

const node = (id: number, functionName: string, children: number[] = [], url = 'file:///image/proxy.js') => ({
  id,
  callFrame: { functionName, url, lineNumber: id, columnNumber: 0, scriptId: '1' },
  children,
});

/** main calls parse twice (as two nodes) and write, which is native; parse calls write too. */
const PROFILE = {
  nodes: [
    node(1, '(root)', [2, 7], ''),
    node(2, 'main', [3, 4, 5]),
    { ...node(3, 'parse', [6]), callFrame: { ...node(3, 'parse').callFrame, lineNumber: 3 } },
    { ...node(4, 'parse'), callFrame: { ...node(3, 'parse').callFrame, lineNumber: 3 } },
    node(5, 'write', [], ''),
    node(6, 'write', [], ''),
    node(7, '(idle)', [], ''),
  ],
  samples: [2, 3, 4, 5, 6, 7],
  timeDeltas: [1000, 1000, 1000, 1000, 1000, 1000],
};

describe('a CPU profile', () => {
  it('becomes a tree in which calls of one function by the same caller are one frame', () => {
    const all = framesOf(PROFILE);
    expect(all).to.include({ name: 'all', totalUs: 5000, selfUs: 0 });
    const [main] = all.children;
    expect(main).to.include({ name: 'main', totalUs: 5000, selfUs: 1000, place: 'proxy.js:3' });
    expect(main!.children.map(({ name, totalUs, selfUs }) => ({ name, totalUs, selfUs }))).to.deep.equal([
      { name: 'parse', totalUs: 3000, selfUs: 2000 },
      { name: 'write', totalUs: 1000, selfUs: 1000 },
    ]);
    expect(main!.children[0]!.children.map(({ name, place }) => ({ name, place }))).to.deep.equal([
      { name: 'write', place: '' },
    ]);
  });

  it('counts a pause as one interval or two, not as work of the first function after it', () => {
    const all = framesOf({ ...PROFILE, timeDeltas: [1000, 1000, 1000, 1000, 900_000, 1000] });
    expect(all.totalUs).to.equal(6000);
  });

  it('sums up a function over all of its callers', () => {
    expect(selfTimes(framesOf(PROFILE)).map(({ name, selfUs }) => [name, selfUs])).to.deep.equal([
      ['parse', 2000],
      ['write', 2000],
      ['main', 1000],
    ]);
  });

  it('is named by what the places are called', () => {
    const all = framesOf(PROFILE, (file, line) => `${file} at ${line}`);
    expect(all.children[0]).to.include({ place: 'proxy.js at 3' });
  });

  it('is refused when it is something else', () => {
    expect(() => readProfile('{}')).to.throw(/not a CPU profile/);
    expect(() => readProfile('')).to.throw(SyntaxError);
    expect(readProfile(JSON.stringify(PROFILE))).to.have.all.keys('nodes', 'samples', 'timeDeltas');
  });
});

describe('lines of a bundle', () => {
  const sources = new BundleSources(
    '// @bun\nimport x;\n// io/head.ts\nclass Head {}\n\n// core/table.ts\nclass Table {}\n',
  );

  it('belong to the source file whose comment is the last one before them', () => {
    expect([2, 4, 5, 7].map((line) => sources.sourceOf(line))).to.deep.equal([
      null,
      'io/head.ts',
      'io/head.ts',
      'core/table.ts',
    ]);
  });
});

describe('a flame graph', () => {
  const svg = flameSvg('a <b> & c', framesOf(PROFILE));

  it('draws callers below callees, as wide as their time', () => {
    const box = (name: string) => {
      const found = new RegExp(`x="([\\d.]+)" y="(\\d+)" width="([\\d.]+)" height="\\d+" data-name="${name}"`).exec(
        svg,
      );
      return { x: Number(found?.[1]), y: Number(found?.[2]), width: Number(found?.[3]) };
    };
    expect(box('all')).to.include({ x: 0, width: 1200 });
    expect(box('main')).to.include({ x: 0, width: 1200 });
    expect(box('parse')).to.include({ x: 0, width: 720 });
    expect(box('main').y).to.be.lessThan(box('all').y);
    expect(box('parse').y).to.be.lessThan(box('main').y);
  });

  it('says the shares when pointed at', () => {
    expect(svg).to.include('<title>parse (proxy.js:4): 60.0 %, itself 40.0 %</title>');
  });

  it('is one file that takes names as text', () => {
    expect(svg).to.include('a &#60;b&#62; &#38; c');
    expect(svg).to.not.include('a <b>');
    expect(svg).to.not.match(/(href|src)=/);
    const named = flameSvg('x', { ...framesOf(PROFILE), name: '"><script>' });
    expect(named).to.not.include('"><script>');
    expect(named).to.include('&#34;&#62;&#60;script&#62;');
  });

  it('is drawn of nothing too', () => {
    const empty = framesOf({ nodes: [node(1, '(root)', [], '')], samples: [], timeDeltas: [] });
    expect(flameSvg('nothing', empty)).to.include('nothing (0 ms)');
  });
});
