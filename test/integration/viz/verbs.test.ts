import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { parseAllDocuments } from 'yaml';
import { freePort } from '../../../hack/apiserver/process.ts';
import { startApiServer, type TestApiServer } from '../../../hack/apiserver/server.ts';
import { PooledKubeConfig } from '../../../operator/kube/kubeconfig.ts';
import { CONTROL_PLANE_LABEL, CONTROL_PLANE_NAMESPACE } from '../../../proxy-image/contract/names.ts';
import { COUNTER } from '../../../proxy-image/contract/traffic/counters.ts';
import { OVERFLOW_SERIES, type SeriesLabels } from '../../../proxy-image/contract/traffic/labels.ts';
import { TRAFFIC_VERSION } from '../../../proxy-image/contract/traffic/report.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';
import { type CliResult, runCli } from '../../support/cli.ts';
import { eventually } from '../../support/eventually.ts';
import { ATTEMPTS, INBOUND, OUTBOUND } from '../../unit/cli/traffic/shop.ts';
import { Cluster, kubeconfigText, Plane, type SeenObject } from '../operator/plane.ts';
import type { ProxyClient } from '../serve/proxy-client.ts';

const MANIFEST = join(import.meta.dirname, '..', '..', '..', 'operator', 'deploy', 'viz.yaml');
const DEPLOYMENTS = '/apis/apps/v1/namespaces/shop/deployments';
const PODS = '/api/v1/namespaces/shop/pods';
const PATIENCE_MS = 30_000;

/** Numbers of a series that a proxy has counted: what the generator of the load would know. */
interface Counts {
  success: number;
  failure: number;
}

/** The command, the aggregation layer of a real API server, and a real operator; the proxies are streams of this process. */
describe('verbs of live numbers through a real API server', function () {
  this.timeout(60_000);
  let api: TestApiServer;
  let cluster: Cluster;
  let plane: Plane;
  let vizPort = 0;
  const proxies: ProxyClient[] = [];

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    api = await startApiServer({ controllerManager: true });
    cluster = new Cluster(api);
    vizPort = await freePort();
    await cluster.apply('namespaces', '', CONTROL_PLANE_NAMESPACE, {});
    await cluster.apply('namespaces', '', 'shop', {});
    await cluster.installDefinitions();
    const token = await cluster.installWithRights();
    await installViz();
    for (const name of ['api', 'web']) await cluster.create(DEPLOYMENTS, deployment(name));
    const kubeConfig = new PooledKubeConfig();
    kubeConfig.loadFromString(kubeconfigText(api, token));
    const flags = ['--definitions-dir', '', '--viz-port', String(vizPort)];
    plane = await (await new Plane(api, 'op-0', { kubeConfig, flags }).start()).ready();
    await eventually(
      'live numbers are served',
      async () => ((await weft('stat deploy')).status === 0 ? true : null),
      PATIENCE_MS,
    );
  });

  after(async () => {
    for (const proxy of proxies) await proxy.close();
    await plane?.stop();
    await cluster?.close();
    await api?.stop();
  });

  /** As installed; but no network of Services leads to an operator within this process: the Service is a name for this machine. */
  async function installViz(): Promise<void> {
    for (const document of parseAllDocuments(readFileSync(MANIFEST, 'utf8'))) {
      const object = document.toJS() as SeenObject & { apiVersion: string; kind: string };
      if (object.kind !== 'Service') await cluster.applyRaw(object);
    }
    const ports = [{ name: 'viz', port: vizPort }];
    const spec = { type: 'ExternalName', externalName: 'localhost', ports };
    await cluster.apply('services', CONTROL_PLANE_NAMESPACE, 'weft-viz', { spec });
    await cluster.apply('endpointslices', CONTROL_PLANE_NAMESPACE, 'weft-viz-1', {
      metadata: {
        labels: { 'kubernetes.io/service-name': 'weft-viz', 'endpointslice.kubernetes.io/managed-by': 'test' },
      },
      addressType: 'IPv4',
      ports: [{ name: 'viz', port: 8089, protocol: 'TCP' }],
      endpoints: [
        {
          addresses: ['10.9.0.1'],
          conditions: { ready: true },
          targetRef: { kind: 'Pod', name: 'op-0', namespace: CONTROL_PLANE_NAMESPACE },
        },
      ],
    });
  }

  function weft(
    line: string,
    world: { unread?: AbortSignal; wrote?: (text: string) => void } = {},
  ): Promise<CliResult> {
    return runCli([...line.split(' '), '-n', 'shop'], { env: { KUBECONFIG: api.kubeconfigPath }, ...world });
  }

  async function jsonOf<R>(line: string): Promise<R> {
    const { status, stdout, stderr } = await weft(`${line} -o json`);
    expect(stderr, line).to.equal('');
    expect(status, line).to.equal(0);
    return JSON.parse(stdout) as R;
  }

  /** A pod that the API server has made for a Deployment, and the proxy that would be in it. */
  async function proxyOf(name: string): Promise<ProxyClient> {
    const pod = await eventually(
      `${name} has a pod`,
      async () => {
        const { items } = await cluster.read<{ items: { metadata: { name: string } }[] }>(PODS);
        return items.map(({ metadata }) => metadata.name).find((each) => each.startsWith(`${name}-`)) ?? null;
      },
      PATIENCE_MS,
    );
    const proxy = await plane.proxy('shop', pod);
    proxies.push(proxy);
    await proxy.until(() => proxy.messages.some(({ type }) => type === 'reportTraffic'));
    return proxy;
  }

  let seq = 0;
  function report(proxy: ProxyClient, series: readonly [SeriesLabels, Counts][]): void {
    const first = OVERFLOW_SERIES.length;
    proxy.send({
      type: 'traffic',
      version: TRAFFIC_VERSION,
      run: 'a',
      seq: ++seq,
      overMs: 1_000,
      agoMs: 0,
      declared: series.map(([labels], at) => [first + at, labels]),
      changed: series.map(([, { success, failure }], at) => [
        first + at,
        COUNTER.success,
        success,
        COUNTER.failure,
        failure,
      ]),
    } as never);
  }

  it('show what proxies have told, pod by pod and route by route', async () => {
    const [server, client] = [await proxyOf('api'), await proxyOf('web')];
    const counts = { success: 170, failure: 30 };
    report(server, [[INBOUND, counts]]);
    await server.settled();
    const { serviceName: _, ...direct } = OUTBOUND;
    report(client, [
      [OUTBOUND, counts],
      [ATTEMPTS, counts],
      [
        { ...ATTEMPTS, counted: 'connections' },
        { success: 1, failure: 0 },
      ],
      [
        { ...direct, authority: 'example.com' },
        { success: 1, failure: 0 },
      ],
    ]);
    await client.settled();

    const [row] = await jsonOf<[{ success: number; meshed: string; rps: number }]>('stat deploy/api');
    expect(row).to.include({ success: 0.85, meshed: '1/1' });
    // Of the minute, or as long as the proxies have told.
    expect(row.rps).to.be.within(200 / 75, 200);
    for (const line of [
      'stat po -l app=api',
      'stat svc/api',
      'stat deploy/web --to svc/api',
      'stat deploy/api --from deploy/web',
    ]) {
      expect((await jsonOf<{ success: number }[]>(line))[0], line).to.include({ success: 0.85 });
    }
    const routes = await jsonOf<Record<string, { route: string; success: number }[]>>('routes svc/api');
    expect(routes['svc/api']![0]).to.include({ route: 'POST /votes', success: 0.85 });
    const edges = await jsonOf<{ src: string; dst: string; no_tls_reason: string }[]>('edges deploy');
    expect(edges.map(({ src, dst, no_tls_reason }) => [src, dst, no_tls_reason])).to.deep.equal([['web', 'api', '']]);
    const inbound = await jsonOf<{ server: string; route: string; successesRate: number }[]>('stat-inbound deploy/api');
    expect(inbound).to.have.length(1);
    expect(inbound[0]).to.include({ server: 'api-http', route: 'votes', successesRate: 0.85 });
    const outbound = await jsonOf<{ service: string; backend?: string }[]>('stat-outbound deploy/web');
    expect(outbound.map(({ service, backend = '' }) => [service, backend])).to.deep.equal([
      ['api', ''],
      ['api', 'api'],
      ['example.com', ''],
      ['example.com', 'api'],
    ]);
  });

  it('watched, make proxies tell every second, and show what is new', async () => {
    const proxy = proxies[0]!;
    await proxy.until(() =>
      proxy.messages.some((message) => message.type === 'reportTraffic' && message.everyMs === 1_000),
    );
    const reading = new AbortController();
    const shares: string[] = [];
    await weft('stat deploy/api -w -o jsonpath={[0].success}', {
      unread: reading.signal,
      wrote: (text) => {
        shares.push(text.trim());
        if (shares.length === 1) report(proxy, [[INBOUND, { success: 0, failure: 200 }]]);
        else reading.abort();
      },
    });
    expect(shares).to.deep.equal(['0.85', '0.425']);
  });

  it('are for whom the rights of the cluster say', async () => {
    const { status, stderr } = await weft('stat deploy --as joe');
    expect(status).to.equal(1);
    expect(stderr).to.match(/^WEFT_CLI_FORBIDDEN: .*joe/);
    await promisify(execFile)(api.kubectlPath, [
      ...['--kubeconfig', api.kubeconfigPath, '-n', 'shop'],
      ...['create', 'rolebinding', 'joe', '--clusterrole=view', '--user=joe'],
    ]);
    await eventually(
      'joe may',
      async () => ((await weft('stat deploy --as joe')).status === 0 ? true : null),
      PATIENCE_MS,
    );
    expect((await weft('stat deploy -A --as joe')).stderr).to.match(/^WEFT_CLI_FORBIDDEN: /);
  });

  it('say so when nobody serves live numbers any more', async () => {
    await plane.stop();
    const { status, stderr } = await weft('stat deploy');
    expect(status).to.equal(1);
    expect(stderr).to.match(/^WEFT_CLI_LIVE_NUMBERS: /);
  });
});

function deployment(name: string): object {
  const app = { app: name };
  const labels = { ...app, [CONTROL_PLANE_LABEL]: CONTROL_PLANE_NAMESPACE };
  // What the operator takes for a proxy; nobody runs it.
  const containers = ['app', 'linkerd-proxy'].map((each) => ({ name: each, image: each }));
  const template = { metadata: { labels }, spec: { containers } };
  return { metadata: { name, labels: app }, spec: { replicas: 1, selector: { matchLabels: app }, template } };
}
