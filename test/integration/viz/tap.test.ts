import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { freePort } from '../../../hack/apiserver/process.ts';
import { startApiServer, type TestApiServer } from '../../../hack/apiserver/server.ts';
import { PooledKubeConfig } from '../../../operator/kube/kubeconfig.ts';
import { createNodeTransport } from '../../../proxy-image/io/transport/node.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';
import type { TestAuthority } from '../../support/certificates.ts';
import { runCli } from '../../support/cli.ts';
import { eventually } from '../../support/eventually.ts';
import { initialWorkload, portPolicy, WORKLOAD_KEY } from '../../unit/core/fixtures.ts';
import { Cluster, kubeconfigText, Plane } from '../operator/plane.ts';
import { TestMesh, type TestProxy } from '../stack/mesh.ts';
import { askOn, dialRaw, ok, serveHttp } from '../stack/peers.ts';

const SYSTEM = 'weft-system';
const API_SERVICE = '/apis/apiregistration.k8s.io/v1/apiservices/v1alpha1.tap.linkerd.io';
const PATIENCE_MS = 30_000;

/** `weft tap` from the command line to the proxy: a real API server and operator, with no rights but those of the manifests. */
describe('tap behind a real API server', function () {
  this.timeout(60_000);
  let api: TestApiServer;
  let cluster: Cluster;
  let plane: Plane;
  let mesh: TestMesh;
  let authority: TestAuthority;
  let client: TestProxy;
  let server: TestProxy;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    api = await startApiServer({ controllerManager: true });
    cluster = new Cluster(api);
    const vizPort = await freePort();
    for (const name of [SYSTEM, 'shop', 'bank']) await cluster.apply('namespaces', '', name, {});
    await cluster.installDefinitions();
    const token = await cluster.installWithRights();
    await serves(vizPort);
    const kubeConfig = new PooledKubeConfig();
    kubeConfig.loadFromString(kubeconfigText(api, token));
    const flags = ['--definitions-dir', '', '--viz-port', String(vizPort)];
    plane = await (await new Plane(api, 'op-0', { kubeConfig, flags }).start()).ready();
    authority = await plane.authority();
    await startProxies();
    await eventually('the group is available', () => available(), PATIENCE_MS);
  });

  after(async () => {
    mesh?.stop();
    await plane?.stop();
    await cluster?.close();
    await api?.stop();
  });

  /** No network of Services leads to an operator within this process: the Service is a name for this machine. */
  async function serves(vizPort: number): Promise<void> {
    const ports = [{ name: 'viz', port: vizPort }];
    await cluster.apply('services', SYSTEM, 'weft-viz', {
      spec: { type: 'ExternalName', externalName: 'localhost', ports },
    });
    const labels = { 'kubernetes.io/service-name': 'weft-viz', 'endpointslice.kubernetes.io/managed-by': 'test' };
    await cluster.apply('endpointslices', SYSTEM, 'weft-viz-1', {
      metadata: { labels },
      addressType: 'IPv4',
      ports: [{ name: 'viz', port: 8089, protocol: 'TCP' }],
      endpoints: [
        {
          addresses: ['10.9.0.1'],
          conditions: { ready: true },
          targetRef: { kind: 'Pod', name: 'op-0', namespace: SYSTEM },
        },
      ],
    });
  }

  async function available(): Promise<boolean> {
    const found = await cluster
      .read<{ status?: { conditions?: { type: string; status: string }[] } }>(API_SERVICE)
      .catch(() => null);
    return found?.status?.conditions?.some(({ type, status }) => type === 'Available' && status === 'True') === true;
  }

  async function startProxies(): Promise<void> {
    mesh = new TestMesh(createNodeTransport);
    client = await mesh.proxy({ authority });
    server = await mesh.proxy({ authority, serviceAccount: 'server' });
    const { port } = await serveHttp(mesh, () => ok('hello'));
    client.setService({ protocol: 'detect' });
    client.setEndpoints('web', [{ ...mesh.meshed(server, port), protocol: 'detect' }]);
    for (const proxy of [client, server]) {
      const initial = initialWorkload();
      const settings = { ...initial.settings, tapRedacts: ['x-session'] };
      const ports = { [port]: portPolicy({ protocol: 'detect' }) };
      proxy.set(WORKLOAD_KEY, { ...initial, sources: '9', ports, settings });
    }
    await runs('web-1', 'client', client);
    await runs('books-1', 'server', server);
    await runs('shy-1', 'server', server, { 'viz.linkerd.io/disable-tap': 'true' });
  }

  /** A pod as the kubelet would have it, with the proxy's container. */
  async function runs(
    name: string,
    serviceAccount: string,
    proxy: TestProxy,
    annotations: Record<string, string> = {},
  ): Promise<void> {
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: serviceAccount, namespace: 'shop' } };
    await cluster.create('/api/v1/namespaces/shop/serviceaccounts', account).catch(() => undefined);
    const env = [{ name: 'WEFT_PROXY_TAP_PORT', value: String(proxy.control.port) }];
    const labels = { 'linkerd.io/control-plane-ns': SYSTEM, app: name };
    const held = await cluster.apply('pods', 'shop', name, {
      metadata: { labels, annotations },
      spec: {
        serviceAccountName: serviceAccount,
        automountServiceAccountToken: false,
        containers: [{ name: 'linkerd-proxy', image: 'image', env }],
      },
    });
    const status = { phase: 'Running', podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }] };
    await cluster.setStatus('pods', 'shop', name, { ...held, status });
  }

  async function kubectl(...args: string[]): Promise<string> {
    const run = promisify(execFile)(api.kubectlPath, ['--kubeconfig', api.kubeconfigPath, ...args], {
      timeout: 30_000,
    });
    return (await run).stdout;
  }

  /** `weft tap` as somebody, until so much has been written; requests come meanwhile. */
  async function tap(as: string, argv: readonly string[], until: (stdout: string) => boolean) {
    const interrupting = new AbortController();
    const raw = dialRaw(mesh, client.outbound);
    let written = '';
    let busy = false;
    const asking = setInterval(() => {
      if (busy) return;
      busy = true;
      const request = 'GET /\u009b31m HTTP/1.1\r\nHost: web\r\nCookie: s3cret\r\nX-Session: s3cret\r\n\r\n';
      void askOn(raw, request.replace('\u009b', '%9b')).finally(() => {
        busy = false;
      });
    }, 20);
    const timer = setTimeout(() => interrupting.abort(), PATIENCE_MS);
    try {
      return await runCli(['tap', '-n', 'shop', '--as', as, ...argv], {
        env: { KUBECONFIG: api.kubeconfigPath },
        interrupted: interrupting.signal,
        wrote: (text) => {
          written += text;
          if (until(written)) interrupting.abort();
        },
      });
    } finally {
      clearInterval(asking);
      clearTimeout(timer);
      raw.close();
    }
  }

  const lines = (count: number) => (written: string) => written.split('\n').length > count;

  it('F4: who may not watch it is refused; a rule of Linkerd’s group lets in, for what it names', async () => {
    const refused = await tap('ann', ['pod/web-1'], () => false);
    expect(refused.status).to.equal(1);
    expect(refused.stderr).to.contain('WEFT_CLI_FORBIDDEN').and.to.contain('pods/tap');
    expect(client.log.filter((line) => line.includes('control port'))).to.deep.equal([]);
    await kubectl('create', 'role', 'tapper', '--verb=watch', '--resource=pods.tap.linkerd.io/tap', '-n', 'shop');
    await kubectl('create', 'rolebinding', 'ann', '--role=tapper', '--user=ann', '-n', 'shop');
    const { stdout } = await eventually(
      'ann is let in',
      async () => {
        const result = await tap('ann', ['pod/web-1'], lines(3));
        return result.status === 0 ? result : null;
      },
      PATIENCE_MS,
    );
    expect(stdout).to.match(
      /^req id=1:\d+ proxy=out src=127\.0\.0\.1:\d+ dst=127\.0\.0\.1:\d+ tls=true :method=GET :authority=web :path=\/%9b31m$/m,
    );
    expect(stdout).to.match(/^rsp id=1:\d+ .* :status=200 latency=\d+µs$/m);
    expect(stdout).to.match(/^end id=1:\d+ .* duration=\d+µs response-length=5B$/m);
    expect((await tap('ann', ['ns/shop'], () => false)).stderr).to.contain('WEFT_CLI_FORBIDDEN');
  });

  it('the role of the manifests lets in to a namespace; pods that are opted out are named', async () => {
    await kubectl('create', 'rolebinding', 'joe', '--clusterrole=weft-tap-admin', '--user=joe', '-n', 'shop');
    await eventually(
      'joe may',
      async () =>
        (await kubectl('auth', 'can-i', 'watch', 'tap.tap.linkerd.io', '-n', 'shop', '--as=joe').catch(() => 'no')) ===
        'yes\n',
      PATIENCE_MS,
    );
    const { status, stdout, stderr } = await tap(
      'joe',
      ['ns/shop', '-o', 'wide'],
      (text) => /proxy=in .*\n/.test(text) && /proxy=out .*\n/.test(text),
    );
    expect(status).to.equal(0);
    expect(stderr).to.contain('shop/shy-1: it is opted out (viz.linkerd.io/disable-tap)');
    expect(stdout).to.match(/ src_res=po\/web-1 src_ns=shop /);
    expect((await tap('joe', ['-n', 'bank', 'ns/bank'], () => false)).stderr).to.contain('WEFT_CLI_FORBIDDEN');
    expect(plane.log.lines.some((line) => line.message === 'tap begins' && line.fields['user'] === 'joe')).to.equal(
      true,
    );
  });

  it('header fields are shown without what is secret', async () => {
    const { stdout } = await tap(
      'joe',
      ['pod/web-1', '-o', 'json'],
      (text) => text.includes('"redacted"') && text.endsWith('}\n'),
    );
    expect(stdout).to.contain('"cookie"').and.to.contain('"x-session"').and.not.to.contain('s3cret');
  });

  it('makes a profile of what is asked of a workload', async () => {
    const raw = dialRaw(mesh, client.outbound);
    const asking = setInterval(() => raw.send('GET /books/7?x=1 HTTP/1.1\r\nHost: web\r\n\r\n'), 50);
    try {
      const { status, stdout, stderr } = await runCli(
        ['profile', '-n', 'shop', '--as', 'joe', '--tap', 'pod/books-1', '--tap-duration', '2s', 'books'],
        { env: { KUBECONFIG: api.kubeconfigPath } },
      );
      expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' });
      expect(stdout).to.contain('name: GET /books/7').and.to.contain('pathRegex: /books/7');
    } finally {
      clearInterval(asking);
      raw.close();
    }
  });
});
