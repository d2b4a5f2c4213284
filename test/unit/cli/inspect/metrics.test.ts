import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { CliCluster } from '../../../support/cli-cluster.ts';
import { deployment, meshedPod, plainPod } from '../../../support/cli-objects.ts';

describe('weft metrics', () => {
  const cluster = new CliCluster();

  before(() => cluster.start());
  beforeEach(() => {
    cluster.reset();
    cluster.objects = [
      deployment('web'),
      meshedPod('web-1', { app: 'web' }),
      meshedPod('web-2', { app: 'web' }),
      plainPod('web-outside', { app: 'web' }),
      meshedPod('books-1', { app: 'books' }),
    ];
    for (const name of ['web-1', 'web-2', 'books-1']) {
      cluster.podAnswers('shop', name, 4191, '/metrics', `# TYPE up gauge\nup{pod="${name}"} 1\n`);
    }
  });
  after(() => cluster.stop());

  it('prints what the proxies of a deployment say, pod by pod, in the form of Linkerd', async () => {
    const { status, stdout, stderr } = await cluster.run(['metrics', 'deploy/web']);
    expect(stderr).to.equal('');
    expect(stdout).to.equal(`#
# POD web-1 (1 of 2)
#
# TYPE up gauge
up{pod="web-1"} 1
#
# POD web-2 (2 of 2)
#
# TYPE up gauge
up{pod="web-2"} 1
`);
    expect(status).to.equal(0);
  });

  it('takes the name of a pod, a namespace and labels; a pod that is meant twice is printed once', async () => {
    const podsIn = (text: string) => [...text.matchAll(/^# POD (\S+)/gm)].map(([, name]) => name);
    expect(podsIn((await cluster.run(['metrics', 'books-1'])).stdout)).to.deep.equal(['books-1']);
    expect(podsIn((await cluster.run(['metrics', 'ns/shop'])).stdout)).to.deep.equal(['books-1', 'web-1', 'web-2']);
    const both = await cluster.run(['metrics', 'web-1', '-l', 'app=web']);
    expect(podsIn(both.stdout)).to.deep.equal(['web-1', 'web-2']);
  });

  it('asks from within the pod where the API server gets no answer from it', async () => {
    const paths: string[] = [];
    const admin = createServer((request, response) => {
      paths.push(request.url ?? '');
      response.end('up{from="within"} 1\n');
    });
    await new Promise<void>((resolve) => admin.listen(0, '127.0.0.1', resolve));
    cluster.forwarded.set('shop/web-1:4191', (admin.address() as AddressInfo).port);
    cluster.podAnswers('shop', 'web-1', 4191, '/metrics', 'not allowed', 403);
    try {
      const { status, stdout } = await cluster.run(['metrics', 'web-1']);
      expect(stdout).to.match(/^up\{from="within"\} 1$/m);
      expect(status).to.equal(0);
      expect(paths).to.deep.equal(['/metrics']);
    } finally {
      admin.close();
    }
  });

  it('says of a pod that does not answer why, in the output too, and ends with 1', async () => {
    cluster.podAnswers('shop', 'web-1', 4191, '/metrics', 'no route to host', 503);
    const { status, stdout, stderr } = await cluster.run(['metrics', 'deploy/web']);
    expect(stdout).to.match(/^# POD web-1 \(1 of 2\)\n#\n# WEFT_CLI_API: .*503 to GET .*web-1/m);
    expect(stdout).to.match(/^up\{pod="web-2"\} 1$/m);
    expect(stderr).to.match(/^shop\/web-1: WEFT_CLI_API: /);
    expect(status).to.equal(1);
  });

  it('prints those of the operator, and says where there is none', async () => {
    const labels = { 'app.kubernetes.io/part-of': 'weft' };
    const without = await cluster.run(['metrics', '--control-plane']);
    expect(without.stderr).to.match(/^WEFT_CLI_NOT_INSTALLED: /);
    cluster.objects.push(plainPod('weft-operator-1', labels, 'weft-system'));
    cluster.podAnswers('weft-system', 'weft-operator-1', 9990, '/metrics', 'weft_up 1\n');
    const { stdout } = await cluster.run(['metrics', '--control-plane']);
    expect(stdout).to.equal('#\n# POD weft-operator-1 (1 of 1)\n#\nweft_up 1\n');
  });

  it('says what it does not know', async () => {
    const errorOf = async (...argv: string[]) => {
      const { status, stderr } = await cluster.run(['metrics', ...argv]);
      return `${status} ${stderr.split('\n')[0]}`;
    };
    expect(await errorOf()).to.match(/^2 WEFT_CLI_USAGE: .*which pods\?/);
    expect(await errorOf('gizmo/web')).to.match(/^2 WEFT_CLI_USAGE: .*there is no kind "gizmo"/);
    expect(await errorOf('deploy/absent')).to.match(/^1 WEFT_CLI_RESOURCE: .*no Deployment absent in namespace shop/);
    expect(await errorOf('ns/kitchen')).to.match(/^1 WEFT_CLI_RESOURCE: .*ns\/kitchen: no running pod with a proxy$/);
    expect(await errorOf('web-outside')).to.match(/^1 WEFT_CLI_RESOURCE: .*no running pod with a proxy/);
    expect(await errorOf('--control-plane', 'deploy/web')).to.match(/^2 WEFT_CLI_USAGE: /);
  });
});
