import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseAllDocuments } from 'yaml';
import { SOURCES } from '../../cli/install/sources.ts';
import { runCli } from '../support/cli.ts';

const FOLDER = join(import.meta.dirname, 'install');

/** What `weft install` prints of the control plane. A wanted change: `node cli/main.ts install --skip-crds OPTIONS > test/golden/install/NAME.yaml`. */
const GOLDEN: Readonly<Record<string, readonly string[]>> = {
  'default.yaml': [],
  'ha.yaml': ['--ha'],
  'without-viz.yaml': ['--set=viz.enabled=false'],
  'split.yaml': ['--set=operator.split=true'],
  'set.yaml': [
    '--set=images.prefix=registry.example.com/mesh/,images.tag=1.2.3',
    '--set=images.proxy=registry.example.com/mesh/weft-proxy@sha256:7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069',
    '--set=operator.replicas=2',
    '--set=operator.logLevel=debug,images.pullPolicy=Always,operator.resources.limits.memory=2Gi',
  ],
};

describe('what weft install prints', () => {
  for (const [file, options] of Object.entries(GOLDEN)) {
    it(`is, byte by byte and every time, ${file} with ${options.join(' ') || 'no options'}`, async () => {
      const golden = readFileSync(join(FOLDER, file), 'utf8');
      for (let i = 0; i < 2; i++) {
        const { status, stdout, stderr } = await runCli(['install', '--skip-crds', ...options]);
        expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' });
        expect(stdout).to.equal(golden);
      }
    });
  }

  it('asks no cluster, begins with the definitions, and is the same objects as JSON', async () => {
    const env = { KUBECONFIG: '/nowhere' };
    const [all, definitions, rest] = await Promise.all(
      [[], ['--crds'], ['--skip-crds']].map((flags) => runCli(['install', ...flags], { env })),
    );
    expect(all!.status).to.equal(0);
    expect(all!.stdout).to.equal(definitions!.stdout + rest!.stdout);
    const json = await runCli(['install', '-o', 'json'], { env });
    const { items } = JSON.parse(json.stdout) as { items: object[] };
    expect(parseAllDocuments(all!.stdout).map((one) => one.toJS() as object)).to.deep.equal(items);
    expect(items).to.have.length(11 + 17);
  });

  it('means the same to parsers of YAML 1.1, as that of kubectl is, and so do the manifests that it is made of', async () => {
    const { definitions, controlPlane } = SOURCES;
    const { stdout } = await runCli(['install']);
    for (const text of [...definitions, ...controlPlane.map((file) => file.text), stdout]) {
      const [older, newer] = (['1.1', '1.2'] as const).map((version) =>
        parseAllDocuments(text, { version }).map((one) => one.toJS() as object),
      );
      expect(older).to.deep.equal(newer);
    }
  });

  it('does not depend on the order in which values are given', async () => {
    const one = await runCli(['install', '--set=images.tag=1,ha=true']);
    const other = await runCli(['install', '--ha', '--set=images.tag=2', '--set=images.tag=1']);
    expect(one.stdout).to.equal(other.stdout);
  });
});
