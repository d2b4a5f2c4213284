import { expect } from 'chai';
import { CliCluster, type KubeObject } from '../../../support/cli-cluster.ts';
import { meshedPod, plainPod, service, slice } from '../../../support/cli-objects.ts';

const WEB = 'web.shop.serviceaccount.identity.linkerd.cluster.local';

describe('weft endpoints', () => {
  const cluster = new CliCluster();

  const namespace = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

  before(() => cluster.start());
  beforeEach(() => {
    cluster.reset();
    cluster.objects = [
      namespace('shop'),
      service('web', '10.96.0.10', [
        { name: 'http', port: 80 },
        { name: 'admin', port: 81 },
      ]),
      meshedPod('web-1', { app: 'web' }, { ip: '10.244.0.11' }),
      plainPod('web-2', { app: 'web' }, 'shop', '10.244.0.12'),
      slice('web', { name: 'http', port: 8080 }, [
        { address: '10.244.0.11', pod: 'web-1', zone: 'a' },
        { address: '10.244.0.12', pod: 'web-2' },
        { address: '10.244.0.13', pod: 'web-3', ready: false },
      ]),
      slice('web', { name: 'admin', port: 9000 }, [{ address: '10.244.0.11', pod: 'web-1' }]),
    ];
  });
  after(() => cluster.stop());

  it('prints the addresses that a proxy is told of, in the columns of Linkerd', async () => {
    const { status, stdout, stderr } = await cluster.run(['endpoints', 'web.shop.svc.cluster.local:80']);
    expect(stderr).to.equal('');
    expect(stdout).to.equal(`NAMESPACE  IP           PORT  POD    SERVICE
shop       10.244.0.11  8080  web-1  web.shop
shop       10.244.0.12  8080  web-2  web.shop
`);
    expect(status).to.equal(0);
  });

  it('says with -o wide how each is reached', async () => {
    const { stdout } = await cluster.run(['endpoints', 'web:80', '-o', 'wide']);
    const [, first, second] = stdout.split('\n').map((line) => line.split(/ {2,}/));
    expect(first).to.deep.equal(['shop', '10.244.0.11', '8080', 'web-1', 'web.shop', '80', 'detect', '-', 'a', WEB]);
    expect(second!.at(-1)).to.equal('-');
  });

  it('takes every port where none is named, and several destinations', async () => {
    const { stdout } = await cluster.run(['endpoints', 'web', 'web.shop:81', '-o', 'json']);
    const rows: { ip: string; port: number; servicePort: number; identity: string | null }[] = JSON.parse(stdout);
    expect(rows.map(({ ip, port, servicePort }) => `${servicePort} ${ip}:${port}`)).to.deep.equal([
      '80 10.244.0.11:8080',
      '80 10.244.0.12:8080',
      '81 10.244.0.11:9000',
      '81 10.244.0.11:9000',
    ]);
    expect(rows.map(({ identity }) => identity)).to.deep.equal([WEB, null, WEB, WEB]);
    expect((await cluster.run(['endpoints', 'web', '-o', 'name'])).stdout).to.equal('pod/web-1\npod/web-2\n');
  });

  it('heeds what the objects say: a port that bypasses the proxy has no identity', async () => {
    cluster.objects = cluster.objects.map((object) =>
      object.metadata.name === 'web-1'
        ? meshedPod(
            'web-1',
            { app: 'web' },
            { ip: '10.244.0.11', annotations: { 'config.linkerd.io/skip-inbound-ports': '9000' } },
          )
        : object,
    );
    const { stdout } = await cluster.run(['endpoints', 'web:81', '-o', 'jsonpath={.[*].identity}']);
    expect(stdout).to.not.include(WEB);
  });

  it('says of what is not there what is not there', async () => {
    const errorOf = async (...argv: string[]) => {
      const { status, stderr } = await cluster.run(['endpoints', ...argv]);
      return `${status} ${stderr.split('\n')[0]}`;
    };
    expect(await errorOf('books')).to.match(/^1 WEFT_CLI_RESOURCE: .*no Service books in namespace shop$/);
    expect(await errorOf('web:99')).to.match(/^1 WEFT_CLI_RESOURCE: .*has no TCP port 99$/);
    expect(await errorOf('web.shop.svc.other.domain:80')).to.match(/domain of this cluster is cluster\.local/);
    for (const text of ['web.shop.pod', 'web:0', 'Web', 'a b', 'web:99999', '']) {
      expect(await errorOf(text), text).to.match(/^2 WEFT_CLI_USAGE: /);
    }
    cluster.objects.push(service('empty', '10.96.0.11', [{ port: 80 }]));
    const empty = await cluster.run(['endpoints', 'empty']);
    expect(empty).to.deep.include({ status: 0, stdout: '', stderr: 'No endpoints found.\n' });
  });

  it('reads policies of its own namespace where it may not read those of all', async () => {
    const forbidden = JSON.stringify({
      kind: 'Status',
      status: 'Failure',
      code: 403,
      reason: 'Forbidden',
      message: 'no',
    });
    for (const path of [
      '/apis/policy.linkerd.io/v1beta3/servers',
      '/api/v1/namespaces',
      '/apis/weft.dev/v1alpha1/meshes',
    ]) {
      cluster.answers.set(path, () => ({ status: 403, text: forbidden }));
    }
    cluster.objects.push({
      apiVersion: 'policy.linkerd.io/v1beta3',
      kind: 'Server',
      metadata: { name: 'web', namespace: 'shop' },
      spec: { podSelector: { matchLabels: { app: 'web' } }, port: 8080, proxyProtocol: 'opaque' },
    });
    const { stdout } = await cluster.run(['endpoints', 'web:80', '-o', 'json']);
    expect(JSON.parse(stdout)[0]).to.deep.include({ ip: '10.244.0.11', protocol: 'opaque' });
  });
});
