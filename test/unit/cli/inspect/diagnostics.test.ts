import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { expect } from 'chai';
import type { Command } from 'commander';
import { VERBS } from '../../../../cli/registry.ts';
import type { VerbRow } from '../../../../cli/verb.ts';
import { CliCluster, type KubeObject } from '../../../support/cli-cluster.ts';
import { meshedPod, service } from '../../../support/cli-objects.ts';
import { PLANTED, plantedObjects, plantedText } from '../../../support/planted-secrets.ts';

/** What stands for verbs that have tests of their own. */
function fixed(name: string, stdout: string): VerbRow {
  const verb = {
    describe: (command: Command) => void command.allowUnknownOption().allowExcessArguments(),
    run: async ({ context }: { context: { stdout: { write(text: string): void } } }) => {
      context.stdout.write(stdout);
      return 0 as const;
    },
  };
  return { name, summary: name, group: 'Health:', load: async () => verb };
}

describe('weft diagnostics', () => {
  const cluster = new CliCluster();
  const folder = mkdtempSync(join(tmpdir(), 'weft-diagnostics-'));
  const diagnostics = VERBS.find(({ name }) => name === 'diagnostics')!;
  const verbs = [
    diagnostics,
    fixed('version', JSON.stringify({ clientVersion: '0.1.0', password: PLANTED })),
    fixed('check', JSON.stringify({ success: false, headers: [{ name: 'x', value: PLANTED }] })),
    fixed('proxy-status', JSON.stringify([{ name: 'web-1', state: 'current' }])),
  ];

  before(() => cluster.start());
  beforeEach(() => {
    cluster.reset();
    cluster.answers.set('/version', () => ({ status: 200, text: JSON.stringify({ gitVersion: 'v1.34.4' }) }));
    const logs = '/api/v1/namespaces/weft-system/pods/weft-operator-1/log';
    cluster.answers.set(logs, (url) =>
      url.searchParams.get('previous') === 'true'
        ? { status: 400, text: JSON.stringify({ kind: 'Status', reason: 'BadRequest', message: 'not restarted' }) }
        : { status: 200, text: `{"level":"info","message":"proxy connected"}\n${plantedText()}` },
    );
    cluster.podAnswers('weft-system', 'weft-operator-1', 9990, '/metrics', `weft_up 1\n# ${plantedText()}`);
    cluster.objects = [...plantedObjects(), service('web', '10.96.0.10', [{ port: 80 }])];
  });
  after(() => {
    cluster.stop();
    rmSync(folder, { recursive: true });
  });

  /** Path within the archive → text, as tar itself unpacks it. */
  function unpacked(archive: string): Map<string, string> {
    const target = mkdtempSync(join(folder, 'unpacked-'));
    execFileSync('tar', ['-xzf', archive, '-C', target]);
    const [root] = readdirSync(target);
    const files = readdirSync(target, { recursive: true, encoding: 'utf8' }).filter((file) =>
      statSync(join(target, file)).isFile(),
    );
    return new Map(
      files.map((file) => [relative(root!, file), readFileSync(join(target, file), 'utf8')] as const).toSorted(),
    );
  }

  async function collect(...argv: string[]) {
    const cwd = mkdtempSync(join(folder, 'run-'));
    const result = await cluster.run(['diagnostics', ...argv], { cwd, verbs });
    return { ...result, files: result.status === 0 ? unpacked(result.stdout.trim()) : new Map<string, string>() };
  }

  it('writes an archive that tar reads, with a line for each part while it is collected', async () => {
    const { status, stdout, stderr, files } = await collect();
    expect(status).to.equal(0);
    expect(stdout).to.match(/weft-diagnostics-\d{8}T\d{6}Z\.tar\.gz\n$/);
    expect(stderr).to.match(/^√ versions\n√ nodes\n√ control plane\n√ logs of the control plane\n/);
    expect(statSync(stdout.trim()).mode & 0o777).to.equal(0o600);
    expect([...files.keys()]).to.include.members([
      'README.txt',
      'missing.txt',
      'versions/kubernetes.json',
      'versions/weft.json',
      'control-plane/logs/weft-operator-1/operator.log',
      'control-plane/metrics/weft-operator-1.txt',
      'control-plane/pods.json',
      'webhooks/mutatingwebhookconfigurations.json',
      'apiservices.json',
      'definitions.json',
      'objects/services.json',
      'objects/httproutes.policy.linkerd.io.json',
      'objects/httproutes.gateway.networking.k8s.io.json',
      'objects/meshes.weft.dev.json',
      'pods.json',
      'events.json',
      'proxies.json',
      'check.json',
    ]);
    expect(files.get('missing.txt')).to.equal('');
    expect(JSON.parse(files.get('versions/kubernetes.json')!)).to.deep.equal({ gitVersion: 'v1.34.4' });
    expect(JSON.parse(files.get('proxies.json')!)).to.deep.equal([{ name: 'web-1', state: 'current' }]);
  });

  it('has nothing of secrets that stand in every place where somebody may have put one, and reads no Secret', async () => {
    const { files } = await collect();
    for (const [path, text] of files) expect(text, path).not.to.include(PLANTED);
    const paths = cluster.asked.map(({ url }) => url!.split('?')[0]!);
    expect(paths.filter((path) => /\/(?:secrets|configmaps)(?:\/|$)/.test(path))).to.deep.equal([]);
  });

  it('still says what is needed: what was taken out is marked, the rest is there', async () => {
    const { files } = await collect();
    const [pod] = JSON.parse(files.get('pods.json')!) as KubeObject[];
    expect(pod!.metadata).to.nested.include({ 'annotations.linkerd\\.io/created-by': 'weft/proxy-injector v1.2.3' });
    expect(files.get('pods.json'))
      .to.match(/"WEFT_PROXY_POD_NAME"/)
      .and.to.match(/"image": "app:1"/);
    expect(files.get('control-plane/logs/weft-operator-1/operator.log')).to.match(/"message":"proxy connected"/);
    expect(files.get('control-plane/metrics/weft-operator-1.txt')).to.match(/^weft_up 1$/m);
    expect(files.get('objects/httproutes.policy.linkerd.io.json')).to.match(
      /"name": "authorization",\s+"value": "<redacted>"/,
    );
    expect(files.get('webhooks/mutatingwebhookconfigurations.json'))
      .to.match(/"weft-injector"/)
      .and.to.match(/"others"/);
    expect(files.get('events.json')).to.match(/"reason": "Injected"/);
    const deployments = files.get('control-plane/deployments.json')!;
    expect(deployments).to.match(/"name": "WEFT_OPERATOR_ROLES",\s+"value": "all"/);
    expect(deployments).to.match(/"name": "OTHER",\s+"value": "<redacted>"/);
  });

  it('goes on where something may not be read, and says so in the archive', async () => {
    const forbidden = JSON.stringify({ kind: 'Status', code: 403, reason: 'Forbidden', message: 'nodes is forbidden' });
    cluster.answers.set('/api/v1/nodes', () => ({ status: 403, text: forbidden }));
    cluster.answers.set('/apis/linkerd.io/v1alpha2/serviceprofiles', () => ({ status: 403, text: forbidden }));
    const { status, stderr, files } = await collect();
    expect(status).to.equal(0);
    expect(stderr).to.match(/^× nodes\n {2}WEFT_CLI_FORBIDDEN: .*nodes is forbidden$/m);
    expect(files.get('missing.txt')).to.match(/^nodes: WEFT_CLI_FORBIDDEN: .*nodes is forbidden\n$/);
    expect(files.get('objects/serviceprofiles.linkerd.io.missing.txt')).to.match(/nodes is forbidden/);
    expect(files.has('objects/servers.policy.linkerd.io.json')).to.equal(true);
  });

  it('is of one namespace with -n, as far as objects and pods are concerned', async () => {
    cluster.objects.push(meshedPod('books-1', {}, { namespace: 'books' }));
    const { files, stdout } = await collect('-n', 'shop', '-f', 'shop.tar.gz');
    expect(files.get('pods.json')).to.include('"web-1"').and.not.to.include('books-1');
    const again = await cluster.run(['diagnostics', '-f', stdout.trim()], { verbs });
    expect(again.status).to.equal(1);
    expect(again.stderr).to.match(/^WEFT_CLI_OUTPUT: .*shop\.tar\.gz: EEXIST/m);
  });
});
