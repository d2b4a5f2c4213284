import { join } from 'node:path';
import { expect } from 'chai';
import { type NestedValues, nested } from '../../../cli/install/nested-values.ts';
import { installation } from '../../../cli/install/objects.ts';
import { SETTINGS } from '../../../cli/install/settings.ts';
import { SOURCES } from '../../../cli/install/sources.ts';
import type { Values } from '../../../cli/install/values.ts';
import { ROOT } from '../../../hack/packages/files.ts';
import { findRenderer, rendered } from '../../../hack/packages/render.ts';
import { DEFINITIONS, MATRIX } from './matrix.ts';
import { byKey, objectsOf } from './objects.ts';

/** The build of Helm's engine, the first time. */
const BUILD_MS = 15 * 60_000;

describe("charts, by Helm's own engine", function () {
  this.timeout(60_000);
  let program: string;

  before(async function () {
    this.timeout(BUILD_MS);
    program = await findRenderer();
  });

  const render = (chart: string, all: readonly NestedValues[]) => rendered(program, join(ROOT, 'charts', chart), all);

  it('are the objects of weft install, with every combination of values', async () => {
    const renderings = await render('weft', MATRIX.map(nested));
    for (const [at, values] of MATRIX.entries()) {
      const { controlPlane } = installation(SOURCES, values);
      expect(byKey(objectsOf(renderings[at]!)), JSON.stringify(values)).to.deep.equal(byKey(controlPlane));
    }
  });

  it('have the definitions in a chart of their own, where Helm upgrades them', async () => {
    const renderings = await render('weft-crds', DEFINITIONS.map(nested));
    const counts = DEFINITIONS.map((values, at) => {
      const { definitions } = installation(SOURCES, values);
      expect(byKey(objectsOf(renderings[at]!)), JSON.stringify(values)).to.deep.equal(byKey(definitions));
      return definitions.length;
    });
    expect(counts[0]).to.be.above(counts[2]!);
    expect(counts[2]).to.be.above(counts[1]!);
  });

  it('are the same bytes every time', async () => {
    const values = MATRIX.map(nested);
    expect(await render('weft', values)).to.deep.equal(await render('weft', values));
  });

  it('take a value of every setting, and the default again in its place', async () => {
    const set = new Set([...DEFINITIONS, ...MATRIX].flatMap((values) => Object.keys(values)));
    expect(Object.keys(SETTINGS).filter((name) => !set.has(name))).to.deep.equal([]);
    const defaults = Object.entries(SETTINGS).flatMap(([name, setting]) =>
      'fallback' in setting && !name.startsWith('crds.') ? [[name, setting.fallback]] : [],
    );
    const [none, all] = await render('weft', [{}, nested(Object.fromEntries(defaults) as Values)]);
    expect(all).to.deep.equal(none);
  });

  it('say what to do next, and how things stand with these values', async () => {
    const [rendering] = await render('weft', [{}]);
    const notes = rendering?.manifests?.['weft/templates/NOTES.txt'] ?? '';
    expect(notes).to.contain('weft check').and.to.contain('linkerd.io/inject=enabled');
  });

  it('test a release by the command, from the image that goes with it or the one that is named', async () => {
    const renderings = await render('weft', [{}, { images: { cli: 'registry.example.com/weft-cli:1' } }]);
    const images = renderings.map(
      ({ manifests }) => /image: (.*)/.exec(manifests!['weft/templates/tests/check.yaml']!)?.[1],
    );
    expect(images).to.deep.equal(['"localhost/weft-cli:dev"', '"registry.example.com/weft-cli:1"']);
  });

  const refusals: [NestedValues, string][] = [
    [{ imags: { tag: '1' } }, 'imags'],
    [{ images: { tag: 1 } }, '/images/tag'],
    [{ images: { tag: null } }, 'tag'],
    [{ images: { operator: 'a b' } }, '/images/operator'],
    [{ ha: 'yes' }, '/ha'],
    [{ operator: null }, 'operator'],
    [{ operator: { replicas: 0 } }, '/operator/replicas'],
    [{ operator: { logLevel: 'all' } }, '/operator/logLevel'],
    [{ operator: { resources: { limits: { memory: 'lots' } } } }, '/operator/resources/limits/memory'],
  ];
  it('refuse what weft install refuses, and say where it stands', async () => {
    const renderings = await render(
      'weft',
      refusals.map(([values]) => values),
    );
    for (const [at, [values, place]] of refusals.entries()) {
      expect(renderings[at]?.error ?? 'rendered', JSON.stringify(values)).to.contain(place);
    }
  });
});
