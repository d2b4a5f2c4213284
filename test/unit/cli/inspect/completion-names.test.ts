import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { CliCluster } from '../../../support/cli-cluster.ts';
import { deployment, meshedPod, plainPod, service } from '../../../support/cli-objects.ts';

const MAIN = join(import.meta.dirname, '..', '..', '..', '..', 'cli', 'main.ts');

describe('names of the cluster in completion', () => {
  const cluster = new CliCluster();
  const folder = mkdtempSync(join(tmpdir(), 'weft-completion-'));

  before(async () => {
    await cluster.start();
    // The program that the script calls.
    const program = `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`;
    writeFileSync(join(folder, 'weft'), program, { mode: 0o755 });
  });
  beforeEach(() => {
    cluster.reset();
    const namespace = (name: string) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    cluster.objects = [
      namespace('shop'),
      namespace('kitchen'),
      deployment('web'),
      deployment('worker'),
      deployment('oven', 'kitchen'),
      service('web', '10.96.0.10', [{ port: 80 }]),
      meshedPod('web-1', {}),
      plainPod('outside', {}),
    ];
  });
  after(() => {
    cluster.stop();
    rmSync(folder, { recursive: true });
  });

  const namesFor = async (place: string, line: string) => {
    const { status, stdout, stderr } = await cluster.run(['completion', '--names', place, '--line', line]);
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' });
    return stdout.split('\n').slice(0, -1);
  };

  it('offers kinds, and names behind a kind, as it was spelt', async () => {
    expect(await namesFor('resource', 'weft stat ')).to.include.members(['deploy/', 'po/', 'svc/', 'ns/']);
    expect(await namesFor('resource', 'weft stat de')).to.deep.equal(['deploy/']);
    expect(await namesFor('resource', 'weft stat deploy/')).to.deep.equal(['deploy/web', 'deploy/worker']);
    expect(await namesFor('resource', 'weft stat deployment/wo')).to.deep.equal(['deployment/worker']);
    expect(await namesFor('resource', 'weft stat gadget/')).to.deep.equal([]);
  });

  it('heeds the options before it', async () => {
    expect(await namesFor('resource', 'weft -n kitchen stat deploy/')).to.deep.equal(['deploy/oven']);
    expect(await namesFor('resource', 'weft stat --namespace=kitchen -o json deploy/')).to.deep.equal(['deploy/oven']);
    expect(await namesFor('namespace', 'weft -n ')).to.deep.equal(['shop', 'kitchen']);
    expect(await namesFor('pod', 'weft proxy-status ')).to.deep.equal(['web-1']);
    expect(await namesFor('service', 'weft endpoints w')).to.deep.equal(['web']);
  });

  it('offers nothing, and says nothing, where no cluster answers', async () => {
    const { status, stdout, stderr } = await cluster.run(
      ['completion', '--names', 'pod', '--line', 'weft proxy-status '],
      {
        env: { KUBECONFIG: '/nowhere' },
      },
    );
    expect({ status, stdout, stderr }).to.deep.equal({ status: 0, stdout: '', stderr: '' });
    expect(await namesFor('pod', 'weft --context absent proxy-status ')).to.deep.equal([]);
    cluster.answers.set('/api/v1/namespaces', () => ({ status: 403, text: '{}' }));
    expect(await namesFor('namespace', 'weft -n ')).to.deep.equal([]);
  });

  it('is what bash offers, by its script', async function () {
    this.timeout(20_000);
    const script = (await cluster.run(['completion', 'bash'])).stdout;
    const offered = async (line: string): Promise<string[]> => {
      const words = line.split(' ');
      const program = `${script}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; COMP_LINE='${line}'; COMP_POINT=${line.length}
_weft; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const env = { ...process.env, ...cluster.env, PATH: `${folder}:${process.env['PATH']}` };
      const child = spawn('bash', ['-uc', program], { env, stdio: ['ignore', 'pipe', 'inherit'] });
      let text = '';
      for await (const chunk of child.stdout) text += chunk;
      return text.split('\n').filter((name) => name !== '');
    };
    expect(await offered('weft stat deploy/w')).to.deep.equal(['deploy/web', 'deploy/worker']);
    expect(await offered('weft -n k')).to.deep.equal(['kitchen']);
    expect(await offered('weft -n kitchen authz deploy/')).to.deep.equal(['deploy/oven']);
    expect(await offered('weft stat sv')).to.deep.equal(['svc/']);
  });
});
