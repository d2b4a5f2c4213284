import { expect } from 'chai';
import fc from 'fast-check';
import { parse } from 'yaml';
import { runCli } from '../../../support/cli.ts';
import { injected } from '../../../support/pods.ts';

const uninject = (stdin: string) => runCli(['uninject', '-'], { stdin });
const inject = (stdin: string) => runCli(['inject', '-'], { stdin });

/** How people write the metadata of a template; a level is two spaces here. */
const METADATA: readonly string[] = [
  '',
  'metadata:\n  labels:\n    app: web\n',
  'metadata:\n\n  # of the Service\n  labels: {app: web}\n\n  # the last\n',
  'metadata: {}\n',
  'metadata: { }  # none\n',
  'metadata: { labels: {app: web} }\n',
  'metadata: {labels: {app: web}, annotations: {team: a}}\n',
  'metadata:\n  annotations: {}\n',
  'metadata:\n  annotations: { team: a, other: "b", }\n',
  'metadata:\n  annotations: {\n    team: a, # why\n    other: b\n  }\n',
  'metadata:\n  annotations: # of people\n    # first\n    team: "a" # why\n\n    other: b\n  labels:\n    app: web\n',
  'metadata:\n  annotations:\n    note: |\n      two\n\n      lines\n    folded: >-\n      one\n      line\n',
  'metadata:\n  name: x\n  annotations:\n    note: |+\n      kept\n\n  labels: {}\n',
  'metadata: &meta\n  labels: &labels\n    app: web\n',
  '"metadata":\n  \'labels\':\n    app: web\n',
];
const SPEC: readonly string[] = [
  'spec:\n  containers:\n  - name: app # ours\n    image: x\n',
  'spec: {containers: [{name: app}]}\n',
  '# before\nspec:\n\n  containers:\n\n    - name: app\n      args: ["--a", \'b\']\n# behind\n',
];
const HEAD: readonly string[] = [
  'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  template:\n',
  '# about\n---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: web}\nspec:\n  backoffLimit: 1\n  template: # of pods\n',
];

function indented(text: string, by: string): string {
  return text.replace(/^(?=.)/gm, by);
}

describe('weft uninject', () => {
  const manifests = fc
    .record({
      head: fc.constantFrom(...HEAD),
      metadata: fc.constantFrom(...METADATA),
      spec: fc.constantFrom(...SPEC),
      isSpecFirst: fc.boolean(),
      isWide: fc.boolean(),
      ending: fc.constantFrom('\n', '\r\n'),
      isEnded: fc.boolean(),
    })
    .map(({ head, metadata, spec, isSpecFirst, isWide, ending, isEnded }) => {
      const own = isWide ? metadata.replace(/^ +/gm, (spaces) => spaces + spaces) : metadata;
      const text = head + indented(isSpecFirst ? spec + own : own + spec, '    ');
      const ended = isEnded ? text : text.replace(/\n+$/, '');
      return ended.replaceAll('\n', ending);
    });

  it('restores every manifest that weft inject has changed, to the character', async () => {
    await fc.assert(
      fc.asyncProperty(manifests, async (text) => {
        const { status, stdout, stderr } = await inject(text);
        expect(status, stderr).to.equal(0);
        expect(stdout).not.to.equal(text);
        const expected = parse(text);
        expected.spec.template.metadata = { ...expected.spec.template.metadata };
        const { metadata } = expected.spec.template;
        metadata.annotations = { ...metadata.annotations, 'linkerd.io/inject': 'enabled' };
        expect(parse(stdout)).to.deep.equal(expected);
        expect((await uninject(stdout)).stdout).to.equal(text);
      }),
      { numRuns: 500 },
    );
  });

  it('restores JSON, however it is laid out', async () => {
    const template = (metadata?: object) => ({ metadata, spec: { containers: [{ name: 'app' }] } });
    const metas = [
      undefined,
      { labels: { app: 'web' } },
      { annotations: { team: 'a' } },
      { annotations: { a: '1', b: '2' }, labels: {} },
    ];
    for (const metadata of metas) {
      const object = {
        kind: 'Deployment',
        apiVersion: 'apps/v1',
        metadata: { name: 'w' },
        spec: { template: template(metadata) },
      };
      for (const space of [0, 2, '\t']) {
        const text = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [object, object] }, null, space);
        const { stdout } = await inject(text);
        expect(JSON.parse(stdout).items[1].spec.template.metadata.annotations).to.include({
          'linkerd.io/inject': 'enabled',
        });
        expect((await uninject(stdout)).stdout).to.equal(text);
      }
    }
  });

  it('takes what injection has written, and leaves what people decided', async () => {
    const text = `apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations:
    linkerd.io/inject: enabled
    config.linkerd.io/opaque-ports: "3306"
    linkerd.io/created-by: somebody
    team: a
  labels:
    linkerd.io/control-plane-ns: weft-system
spec:
  containers: [{name: a}]
`;
    const { stdout, stderr } = await uninject(text);
    expect(stdout).to.equal(`apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations:
    config.linkerd.io/opaque-ports: "3306"
    team: a
spec:
  containers: [{name: a}]
`);
    expect(stderr).to.equal('\npod "web" uninjected\n\n');
    const disabled = text.replace('inject: enabled', 'inject: disabled');
    expect((await uninject(disabled)).stdout).to.include('linkerd.io/inject: disabled');
  });

  it('takes the annotation of a namespace, and nothing else of it', async () => {
    const text = 'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels:\n    linkerd.io/workload-ns: x\n';
    const { stdout } = await inject(text);
    expect(parse(stdout).metadata.annotations).to.deep.equal({ 'linkerd.io/inject': 'enabled' });
    expect((await uninject(stdout)).stdout).to.equal(text);
    expect((await uninject(text)).stderr).to.equal('\nnamespace "shop" skipped: nothing of it is from injection\n\n');
  });

  it('leaves a pod that has its proxy already: it is made from something else', async () => {
    const text = JSON.stringify(injected().pod);
    const { stdout, stderr } = await uninject(text);
    expect(stdout).to.equal(text);
    expect(stderr).to.match(/skipped: it has the containers of a proxy/);
  });
});
