import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { nested } from '../../../../cli/install/nested-values.ts';
import { printedValues } from '../../../../cli/install/print.ts';
import { SETTINGS } from '../../../../cli/install/settings.ts';
import { merged, recordOf, valuesOfFile, valuesOfRecord, valuesOfSet } from '../../../../cli/install/values.ts';
import { LOG_LEVELS } from '../../../../operator/telemetry/log.ts';
import { runCli } from '../../../support/cli.ts';

const DOCUMENT = readFileSync(join(import.meta.dirname, '..', '..', '..', '..', 'docs', 'cli.md'), 'utf8');

describe('values of an installation', () => {
  it('are several in one --set, and later ones win', () => {
    const first = valuesOfSet('images.tag=1, operator.replicas=2');
    expect(merged(first, valuesOfSet('images.tag=2'))).to.deep.equal({ 'images.tag': '2', 'operator.replicas': '2' });
  });

  it('are nested by the parts of their names in a file, and taken as they are written', () => {
    const text =
      'ha: true\nimages: { tag: 1.10 }\noperator:\n  replicas: 5\n  resources: { limits: { memory: 1Gi } }\n';
    expect(valuesOfFile(text, 'values.yaml')).to.deep.equal({
      ha: 'true',
      'images.tag': '1.10',
      'operator.replicas': '5',
      'operator.resources.limits.memory': '1Gi',
    });
    expect(valuesOfFile('# nothing\n', 'values.yaml')).to.deep.equal({});
  });

  it('may have parts: YAML in a file, JSON with --set, kept in one form', () => {
    const text = `operator:
  nodeSelector: { kubernetes.io/os: linux, disk: ssd }
  tolerations: [{ tolerationSeconds: 60, key: dedicated, operator: Exists }]
images: { pullSecrets: [{ name: registry }] }
`;
    const values = {
      'operator.nodeSelector': '{"disk":"ssd","kubernetes.io/os":"linux"}',
      'operator.tolerations': '[{"key":"dedicated","operator":"Exists","tolerationSeconds":60}]',
      'images.pullSecrets': '[{"name":"registry"}]',
    };
    expect(valuesOfFile(text, 'values.yaml')).to.deep.equal(values);
    expect(valuesOfRecord(JSON.stringify(values))).to.deep.equal(values);
    expect(valuesOfSet('operator.nodeSelector={"disk": "ssd"}')).to.deep.equal({
      'operator.nodeSelector': '{"disk":"ssd"}',
    });
  });

  it('are printed as a file that gives them again, each as its type', () => {
    const values = valuesOfSet(
      'images.tag=1.10,ha=true,operator.replicas=3,operator.tolerations=[{"operator":"Exists"}]',
    );
    const text = printedValues(nested(values));
    expect(text).to.contain('tag: "1.10"').and.to.contain('ha: true').and.to.contain('replicas: 3');
    expect(valuesOfFile(text, 'values.yaml')).to.deep.equal(values);
    expect(printedValues(nested({}))).to.equal('');
  });

  it('are recorded where they are other than what holds anyway, in the order of their names', () => {
    expect(recordOf(valuesOfSet('viz.enabled=true,images.tag=dev,ha=false'))).to.equal('');
    expect(recordOf(valuesOfSet('images.tag=1,ha=true'))).to.equal('{"ha":"true","images.tag":"1"}');
  });

  it('are taken over from an earlier installation as far as this version knows them', () => {
    expect(valuesOfRecord('{"images.tag":"1","once.known":"x"}')).to.deep.equal({ 'images.tag': '1' });
    for (const text of ['{', '[]', '{"operator.replicas":"many"}']) {
      expect(() => valuesOfRecord(text))
        .to.throw(/--reset-values/)
        .with.property('code', 'WEFT_INSTALL_VALUE');
    }
  });

  const refusals: [string, RegExp][] = [
    ['imags.tag=1', /there is no value "imags\.tag"; did you mean images\.tag\?$/],
    ['tag=1', /did you mean images\.tag\?$/],
    ['operator.resources.request.cpu=1', /did you mean operator\.resources\.requests\.cpu\?$/],
    ['constructor=1', /there is no value "constructor"; there are ha, images\.prefix, /],
    ['images.tag', /"images\.tag" is not name=value$/],
    ['images.tag=a b', /images\.tag wants a tag: .*, not "a b"$/],
    ['images.tag=', /not ""$/],
    ['operator.replicas=0', /wants a number from 1 to 99, not "0"$/],
    ['operator.resources.limits.memory=lots', /wants a quantity, such as 100m or 128Mi, not "lots"$/],
    ['images.tag=\u001b[2J', /not "\\u001b\[2J"$/],
    ['operator.nodeSelector=ssd', /wants a mapping of labels, such as .*, not "ssd"$/],
    ['operator.nodeSelector={"a":1}', /wants a mapping of labels/],
    ['operator.tolerations=[{"kee":"a"}]', /wants a list of tolerations/],
    ['operator.tolerations=[{"tolerationSeconds":"soon"}]', /wants a list of tolerations/],
    ['images.pullSecrets=registry', /wants a list of references/],
    ['images.pullPolicy=always', /wants Always, IfNotPresent or Never/],
  ];
  for (const [text, message] of refusals) {
    it(`refuse --set ${text}`, () => {
      expect(() => valuesOfSet(text))
        .to.throw(message)
        .with.property('code', 'WEFT_INSTALL_VALUE');
    });
  }

  it('refuse a file that is no mapping or no YAML, has a list for a value, or a mapping within itself', () => {
    expect(() => valuesOfFile('- a', 'v.yaml')).to.throw(/v\.yaml is not a mapping/);
    expect(() => valuesOfFile('a: [', 'v.yaml')).to.throw(/v\.yaml: /);
    expect(() => valuesOfFile('images: { tag: [a] }', 'v.yaml')).to.throw(/"images\.tag" is not a value/);
    expect(() => valuesOfFile('a: &a { b: *a }', 'v.yaml')).to.throw(/"a\.b\.b.*" is not a value/);
  });

  it('end the command with the status of a wrong command line, a file that is not there too', async () => {
    for (const argv of [['--set=imags.tag=1'], ['-f', 'missing.yaml']]) {
      const { status, stdout, stderr } = await runCli(['install', ...argv]);
      expect({ status, stdout }).to.deep.equal({ status: 2, stdout: '' });
      expect(stderr).to.match(/^WEFT_INSTALL_VALUE: .*\nnext: /);
    }
  });

  it('are listed in docs/cli.md, name by name', () => {
    const documented = [...DOCUMENT.matchAll(/^\| `([\w.]+)` \| (.*) \|$/gm)].map(([, name, doc]) => [name, doc]);
    const rows = Object.entries(SETTINGS).map(([name, { doc }]) => [name, doc]);
    expect(documented.filter(([name]) => name! in SETTINGS)).to.deep.equal(rows);
  });

  it('know every level that the operator logs at, and no other', () => {
    expect(LOG_LEVELS.filter((level) => !SETTINGS['operator.logLevel'].pattern.test(level))).to.deep.equal([]);
    expect(SETTINGS['operator.logLevel'].pattern.source.split('|')).to.have.length(LOG_LEVELS.length);
  });
});
