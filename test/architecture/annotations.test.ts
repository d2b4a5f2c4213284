import { expect } from 'chai';
import { ANNOTATIONS } from '../../crds/annotations/rows.ts';
import { UNSUPPORTED } from '../../crds/annotations/workload.ts';
import { type SourceFile, sourceFiles } from './sources.ts';

const HOME = 'crds/annotations';
const PRODUCT = ['lib/', 'proxy-image/', 'crds/', 'webhooks/', 'operator/', 'cli/'];
const NAMES = [...Object.values(ANNOTATIONS).flatMap((rows) => rows.flatMap(({ names }) => names)), ...UNSUPPORTED];
/** A name, or the beginning of one that is put together, as a text of its own: messages to people may mention names. */
const SPELLED =
  /['"`]((?:config|balancer|retry|timeout)\.(?:alpha\.|beta\.)?(?:linkerd\.io|weft\.dev)(?:\/[a-z-]*)?|linkerd\.io\/inject|viz\.linkerd\.io\/[a-z-]+)(?:['"`]|\$\{)/g;
/** A label of namespaces, in the same domain. */
const LABELS = ['config.linkerd.io/admission-webhooks'];

function spelled({ text }: Pick<SourceFile, 'text'>): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\/|(?:^|\s)\/\/.*/g, '');
  return [...code.matchAll(SPELLED)].map(([, name]) => name!).filter((name) => !LABELS.includes(name));
}

describe('names of annotations', () => {
  const files = sourceFiles().filter(({ path }) => PRODUCT.some((folder) => path.startsWith(folder)));

  it('are spelled in crds/annotations alone: whoever reads one uses its row', () => {
    const elsewhere = files
      .filter(({ path }) => !path.startsWith(`${HOME}/`))
      .flatMap((file) => spelled(file).map((name) => `${file.path}: ${name}`));
    expect(elsewhere).to.deep.equal([]);
  });

  it('… where all of them are found', () => {
    const home = files.filter(({ path }) => path.startsWith(`${HOME}/`)).flatMap(spelled);
    for (const name of NAMES.filter((each) => !each.startsWith('balancer.'))) expect(home).to.include(name);
  });

  it('… and a reader that spells one would be found', () => {
    for (const text of [
      "own(meta, 'retry.linkerd.io/http')",
      `\`config.linkerd.io/${'$'}{name}\``,
      '"linkerd.io/inject"',
    ]) {
      expect(spelled({ text }), text).to.have.length(1);
    }
    expect(spelled({ text: "'compare config.linkerd.io/proxy-image and Mesh'" })).to.deep.equal([]);
  });
});

describe('crds/annotations', () => {
  it('knows values and models; neither what is compiled from them, nor who holds them', () => {
    const imported = sourceFiles()
      .filter(({ path }) => path.startsWith(`${HOME}/`))
      .flatMap(({ path, imports }) => imports.map((target) => `${path} → ${target}`));
    expect(imported.filter((each) => /→ (?:crds\/(?:compile|state)|webhooks|operator)\//.test(each))).to.deep.equal([]);
  });
});
