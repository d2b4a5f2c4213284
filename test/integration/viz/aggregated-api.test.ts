import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { expect } from 'chai';
import type { TrafficItem, TrafficList } from '../../../crds/viz/traffic-list.ts';
import { freePort } from '../../../hack/apiserver/process.ts';
import { startApiServer, type TestApiServer } from '../../../hack/apiserver/server.ts';
import { PooledKubeConfig } from '../../../operator/kube/kubeconfig.ts';
import { toPem } from '../../../operator/pki/certificate.ts';
import { readAuthority } from '../../../operator/pki/secrets.ts';
import type { ConfigurationQuestion } from '../../../proxy-image/contract/control/configuration.ts';
import { CONTROL_ALPN } from '../../../proxy-image/contract/control/messages.ts';
import { encodeFrame, FrameReader } from '../../../proxy-image/contract/framing.ts';
import { COUNTER } from '../../../proxy-image/contract/traffic/counters.ts';
import { OVERFLOW_SERIES } from '../../../proxy-image/contract/traffic/labels.ts';
import { TRAFFIC_VERSION } from '../../../proxy-image/contract/traffic/report.ts';
import { askOver, leafOf, type Reply, VIZ_HOST } from '../../support/aggregated-api.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';
import { createLeaf, createTestAuthority } from '../../support/certificates.ts';
import { runCli } from '../../support/cli.ts';
import { eventually } from '../../support/eventually.ts';
import { Cluster, kubeconfigText, Plane, type SeenObject } from '../operator/plane.ts';

const GROUP = '/apis/viz.weft.dev/v1alpha1';
const API_SERVICE = '/apis/apiregistration.k8s.io/v1/apiservices/v1alpha1.viz.weft.dev';
const SYSTEM = 'weft-system';
const PATIENCE_MS = 30_000;

interface ApiService extends SeenObject {
  spec: { caBundle: string };
  status?: {
    conditions?: {
      type: string;
      status: string;
      reason: string;
      message: string;
      lastTransitionTime: string;
      observedGeneration: number;
    }[];
  };
}

/** The aggregation layer of a real API server before a real operator, which has no rights but those of the manifests. */
describe('aggregated API behind a real API server', function () {
  this.timeout(60_000);
  let api: TestApiServer;
  let cluster: Cluster;
  let plane: Plane;
  let token = '';
  let vizPort = 0;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    api = await startApiServer({ controllerManager: true });
    cluster = new Cluster(api);
    vizPort = await freePort();
    await cluster.apply('namespaces', '', SYSTEM, {});
    await cluster.apply('namespaces', '', 'shop', {});
    await cluster.apply('namespaces', '', 'bank', {});
    await cluster.installDefinitions();
    token = await cluster.installWithRights();
    await nameService();
    await endpoints('op-0');
    plane = await startPlane('op-0');
    await available();
  });

  after(async () => {
    await plane?.stop();
    await cluster?.close();
    await api?.stop();
  });

  /** No network of Services leads to an operator within this process: the Service is a name for this machine. */
  async function nameService(): Promise<void> {
    const ports = [{ name: 'viz', port: vizPort }];
    await cluster.apply('services', SYSTEM, 'weft-viz', {
      spec: { type: 'ExternalName', externalName: 'localhost', ports },
    });
  }

  /** As the kubelet's view of readiness makes them. */
  async function endpoints(...pods: string[]): Promise<void> {
    await cluster.apply('endpointslices', SYSTEM, 'weft-viz-1', {
      metadata: {
        labels: { 'kubernetes.io/service-name': 'weft-viz', 'endpointslice.kubernetes.io/managed-by': 'test' },
      },
      addressType: 'IPv4',
      ports: [{ name: 'viz', port: 8089, protocol: 'TCP' }],
      endpoints: pods.map((name, at) => ({
        addresses: [`10.9.0.${at + 1}`],
        conditions: { ready: true },
        targetRef: { kind: 'Pod', name, namespace: SYSTEM },
      })),
    });
  }

  async function startPlane(name: string): Promise<Plane> {
    const kubeConfig = new PooledKubeConfig();
    kubeConfig.loadFromString(kubeconfigText(api, token));
    const flags = ['--definitions-dir', '', '--viz-port', String(vizPort)];
    return (await new Plane(api, name, { kubeConfig, flags }).start()).ready();
  }

  function apiService(): Promise<ApiService | null> {
    return cluster.read<ApiService>(API_SERVICE).catch(() => null);
  }

  function available(): Promise<ApiService> {
    return eventually(
      'the group is available',
      async () => {
        const found = await apiService();
        const is = found?.status?.conditions?.some(({ type, status }) => type === 'Available' && status === 'True');
        return is === true ? found : null;
      },
      PATIENCE_MS,
    );
  }

  async function kubectl(...args: string[]): Promise<string> {
    const run = promisify(execFile)(api.kubectlPath, ['--kubeconfig', api.kubeconfigPath, ...args], {
      timeout: 30_000,
    });
    return (await run).stdout;
  }

  async function refusalOf(...args: string[]): Promise<string> {
    return kubectl(...args).then(
      () => 'not refused',
      (error: { stderr?: string }) => error.stderr ?? '',
    );
  }

  const traffic = async (path: string, ...args: string[]): Promise<TrafficList> =>
    JSON.parse(await kubectl('get', '--raw', path, ...args)) as TrafficList;

  const pki = (name: string) => readFileSync(join(api.directory, 'pki', name), 'utf8');

  /** Past the API server, at the port of the operator. */
  async function direct(
    path: string,
    as: { keyPem: string; certPem: string } | null,
    user: string,
    groups: string[],
  ): Promise<Reply> {
    const { spec } = (await apiService())!;
    const ca = Buffer.from(spec.caBundle, 'base64').toString();
    const headers = { 'X-Remote-User': user, 'X-Remote-Group': groups };
    return askOver({ host: '127.0.0.1', port: vizPort, servername: VIZ_HOST, ca, as }, path, { headers });
  }

  const frontProxy = () => ({ keyPem: pki('front-proxy-client.key'), certPem: pki('front-proxy-client.crt') });

  it('is registered by the operator, owned by its ClusterRole, and listed with what can be read, and nothing that can be deleted', async () => {
    const { metadata } = (await apiService())!;
    expect(metadata.ownerReferences).to.have.length(1);
    expect(metadata.ownerReferences![0]).to.include({ kind: 'ClusterRole', name: 'weft-operator' });
    const listed = await kubectl('api-resources', '--api-group=viz.weft.dev', '--no-headers', '-o', 'wide');
    expect(listed).to.match(/^traffic +viz\.weft\.dev\/v1alpha1 +true +TrafficList +list *$/m);
    expect(await kubectl('api-versions')).to.include('viz.weft.dev/v1alpha1');
    const { resources } = await cluster.read<{ resources: { verbs: string[] }[] }>(GROUP);
    expect(
      resources.flatMap(({ verbs }) => verbs).filter((verb) => !['get', 'list', 'watch', 'create'].includes(verb)),
    ).to.deep.equal([]);
  });

  it('is known of on the Mesh to be reached', async () => {
    await cluster.apply('meshes', '', 'default', { spec: {} });
    const told = await cluster.condition('meshes', '', 'default', 'LiveNumbersReached', 'True', PATIENCE_MS);
    expect(told.reason).to.equal('Reached');
    await cluster.condition('meshes', '', 'default', 'Ready', 'True');
  });

  it('gives live numbers of the proxies through kubectl', async () => {
    const account = '/api/v1/namespaces/shop/serviceaccounts/default';
    await eventually('pods are admitted', () => cluster.read(account).catch(() => null), PATIENCE_MS);
    const spec = { containers: [{ name: 'main', image: 'image' }] };
    await cluster.apply('pods', 'shop', 'web-1', {
      spec,
      metadata: { labels: { 'linkerd.io/control-plane-ns': SYSTEM } },
    });
    const client = await plane.proxy('shop', 'web-1');
    await client.until(() => client.messages.some(({ type }) => type === 'reportTraffic'));
    const series = OVERFLOW_SERIES.length;
    client.send({
      type: 'traffic',
      version: TRAFFIC_VERSION,
      run: 'a',
      seq: 1,
      overMs: 1_000,
      agoMs: 0,
      declared: [[series, { direction: 'inbound', counted: 'requests' }]],
      changed: [[series, COUNTER.success, 42]],
    } as never);
    await client.settled();
    const question = 'traffic?by=namespace,name&where.direction=inbound&where.counted=requests&seconds=60';
    const found = (list: TrafficList) =>
      list.items.map(({ labels, counts }: TrafficItem) => [...labels, counts.success]);
    const whole = await traffic(`${GROUP}/${question}`);
    expect(whole.missing).to.deep.equal([]);
    expect(found(whole)).to.deep.equal([['shop', 'web-1', 42]]);
    expect(found(await traffic(`${GROUP}/namespaces/shop/${question}`))).to.deep.equal([['shop', 'web-1', 42]]);
    expect(found(await traffic(`${GROUP}/namespaces/bank/${question}`))).to.deep.equal([]);
    expect(await kubectl('get', 'traffic', '-n', 'shop')).to.match(
      /^NAMESPACE +KIND +NAME +DIRECTION +COUNTED +SUCCESS +RPS.*\nshop +Pod +web-1 +inbound +requests +100\.00%/,
    );
    // Whoever has looked is told at once from now on.
    await client.until(() =>
      client.messages.some((message) => message.type === 'reportTraffic' && message.everyMs === 1_000),
    );
    await client.close();
  });

  it('says of each proxy what it has beside what it should have, to whoever calls the command', async () => {
    const tap = await listening((socket) => answerConfiguration(socket, () => client.held));
    const proxied = {
      name: 'linkerd-proxy',
      image: 'image',
      env: [{ name: 'WEFT_PROXY_TAP_PORT', value: String(tap.port) }],
    };
    const labels = { app: 'web-2', 'linkerd.io/control-plane-ns': SYSTEM };
    await cluster.apply('pods', 'shop', 'web-2', { spec: { containers: [proxied] }, metadata: { labels } });
    const status = { phase: 'Running', podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }] };
    await cluster.setStatus('pods', 'shop', 'web-2', { ...(await cluster.get('pods', 'shop', 'web-2')), status });
    const client = await plane.proxy('shop', 'web-2');
    await client.until(() => client.held.has('workload/shop/web-2') && client.held.has('trust'));
    await client.settled();
    const weft = (...argv: string[]) =>
      runCli(['-n', 'shop', 'proxy-status', ...argv], { env: { KUBECONFIG: api.kubeconfigPath } });

    const all = await weft('-l', 'app=web-2');
    expect(all.stdout, all.stderr).to.match(/\nweb-2 +current +t +2 +2\/2 +\d+s +\d+s\n$/);
    expect(all.status).to.equal(0);
    const one = await weft('web-2');
    expect(one.stdout, one.stderr).to.match(/\n√ trust\n√ workload\/shop\/web-2\n$/);
    expect(one.status).to.equal(0);
    expect(await kubectl('get', 'proxies', '-n', 'shop')).to.match(/^NAME +VERSION.*\nweb-2 +t +2\/2 +0 +\d+s\n$/);

    client.refuse.set('workload/shop/web-2', 'ports.4191: no');
    const spec = { podSelector: { matchLabels: { app: 'web-2' } }, port: 8081, proxyProtocol: 'opaque' };
    await cluster.apply('servers', 'shop', 'web-2', { spec });
    const refused = await eventually(
      'the refusal is told',
      async () => {
        const shown = await weft('web-2');
        return shown.stdout.includes('refused: ports.4191: no') ? shown : null;
      },
      PATIENCE_MS,
    );
    expect(refused.status).to.equal(1);
    expect(refused.stdout).to.match(/\n× workload\/shop\/web-2 \(refused for \d+s\)\n/);
    expect(refused.stdout).to.match(/\n {4}--- the proxy has: version \S+\n {4}\+\+\+ it should have: version \S+\n/);
    expect(refused.stdout).to.match(/\n {4}\+ +name: web-2\n/);
    await client.close();
    await tap.close();
    expect((await weft('-l', 'app=web-2')).stdout).to.match(/\nweb-2 +not connected /);
    expect((await weft('web-2')).stderr).to.match(/^WEFT_CLI_RESOURCE: /);
  });

  /** A control port of a proxy of the ServiceAccount `default`, for nobody but the control plane. */
  async function listening(answer: (socket: TLSSocket) => void): Promise<{ port: number; close(): Promise<unknown> }> {
    const path = `/api/v1/namespaces/${SYSTEM}/secrets/weft-identity-issuer`;
    const { data } = await cluster.read<SeenObject & { data: Record<string, string> }>(path);
    const bytes = Object.entries(data).map(([name, text]): [string, Buffer] => [name, Buffer.from(text, 'base64')]);
    const read = readAuthority({ type: 'kubernetes.io/tls', data: Object.fromEntries(bytes) }, Date.now());
    if (!read.ok) throw new Error('no issuer');
    const { authority } = read;
    const anchorsPem = toPem(authority.anchors);
    const leaf = createLeaf(
      { anchor: authority, issuer: authority, anchorsPem },
      'default.shop.serviceaccount.identity.linkerd.cluster.local',
    );
    const server = createServer(
      {
        key: leaf.keyPem,
        cert: leaf.chainPem,
        ca: anchorsPem,
        requestCert: true,
        rejectUnauthorized: true,
        ALPNProtocols: [CONTROL_ALPN],
      },
      answer,
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return {
      port: (server.address() as AddressInfo).port,
      close: () => new Promise((resolve) => server.close(resolve)),
    };
  }

  /** As a proxy answers `configuration`. */
  function answerConfiguration(
    socket: TLSSocket,
    held: () => ReadonlyMap<string, { version: string; body: object }>,
  ): void {
    const frames = new FrameReader(1_000_000);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      for (const { about } of frames.push(chunk) as { about: ConfigurationQuestion }[]) {
        for (const [key, { version, body }] of held()) {
          const item = { key, version, body: about.bodies?.includes(key) === false ? null : body };
          socket.write(encodeFrame({ type: 'tell', item }));
        }
        socket.end(encodeFrame({ type: 'end' }));
      }
    });
  }

  it('is for whom the rights of the cluster say: by namespace, by role view, or nobody', async () => {
    const shop = `${GROUP}/namespaces/shop/traffic`;
    expect(await refusalOf('get', '--raw', shop, '--as=joe')).to.match(
      /forbidden: User "joe" cannot list resource "traffic" in API group "viz.weft.dev" in the namespace "shop"/,
    );
    await kubectl('create', 'rolebinding', 'joe', '--clusterrole=view', '--user=joe', '-n', 'shop');
    await kubectl('create', 'clusterrolebinding', 'ann', '--clusterrole=weft-viz-reader', '--user=ann');
    await eventually(
      'joe may',
      async () => ((await refusalOf('get', '--raw', shop, '--as=joe')) === 'not refused' ? true : null),
      PATIENCE_MS,
    );
    expect(await kubectl('auth', 'can-i', 'list', 'traffic.viz.weft.dev', '-n', 'shop', '--as=joe')).to.equal('yes\n');
    expect(await refusalOf('get', '--raw', `${GROUP}/namespaces/bank/traffic`, '--as=joe')).to.include('forbidden');
    expect(await refusalOf('get', '--raw', `${GROUP}/traffic`, '--as=joe')).to.include('at the cluster scope');
    expect((await traffic(`${GROUP}/traffic`, '--as=ann')).kind).to.equal('TrafficList');
  });

  it('asks for these rights itself, whoever the API server has let through', async () => {
    const shop = `${GROUP}/namespaces/shop/traffic`;
    expect((await direct(shop, frontProxy(), 'eve', ['system:authenticated'])).json).to.deep.include({
      kind: 'Status',
      code: 403,
      reason: 'Forbidden',
    });
    expect((await direct(shop, frontProxy(), 'admin', ['system:masters'])).status).to.equal(200);
    expect(plane.log.lines.filter(({ message }) => String(message).includes('forbidden'))).to.deep.equal([]);
  });

  it('knows nobody who comes past the API server, whatever headers say: without certificate, or with one of the cluster', async () => {
    const impostors = [
      null,
      { keyPem: api.adminKeyPem, certPem: api.adminCertificatePem },
      leafOf(createTestAuthority().issuer, 'front-proxy-client'),
    ];
    for (const impostor of impostors) {
      for (const path of [`${GROUP}/traffic`, '/apis', '/replica/traffic']) {
        expect((await direct(path, impostor, 'admin', ['system:masters'])).status).to.equal(401);
      }
    }
  });

  it('does not keep a namespace from being deleted', async () => {
    await cluster.apply('namespaces', '', 'short-lived', {});
    await cluster.delete('namespaces', '', 'short-lived');
    await gone('short-lived');
  });

  async function gone(namespace: string): Promise<void> {
    const left = async () => (await cluster.get('namespaces', '', namespace).catch(() => null)) === null;
    await eventually(`${namespace} is gone`, async () => ((await left()) ? true : null), PATIENCE_MS);
  }

  it('has its registration back, with the right authority, when somebody spoils or removes it', async () => {
    const { spec } = (await apiService())!;
    await kubectl(
      'patch',
      'apiservice',
      'v1alpha1.viz.weft.dev',
      '--type=merge',
      '-p',
      '{"spec":{"caBundle":"bm8="}}',
    ).catch(() => '');
    await kubectl('delete', 'apiservice', 'v1alpha1.viz.weft.dev');
    await endpoints('op-0', 'op-1');
    await endpoints('op-0');
    expect((await available()).spec.caBundle).to.equal(spec.caBundle);
  });

  it('follows a front proxy with another authority, without a restart', async () => {
    const next = createTestAuthority(Date.now(), 'front-proxy-2.test');
    const client = leafOf(next.issuer, 'front-proxy-client');
    const former = frontProxy();
    const formerAuthority = pki('front-proxy-ca.crt');
    writeFileSync(join(api.directory, 'pki', 'front-proxy-ca.crt'), toPem([next.anchor.certificate]));
    writeFileSync(join(api.directory, 'pki', 'front-proxy-client.crt'), client.certPem);
    writeFileSync(join(api.directory, 'pki', 'front-proxy-client.key'), client.keyPem);
    await api.restart();
    await eventually(
      'it is answered',
      async () => ((await refusalOf('get', '--raw', `${GROUP}/traffic`)) === 'not refused' ? true : null),
      PATIENCE_MS,
    );
    // Kubernetes keeps authorities of before in the ConfigMap until somebody takes them out.
    const path = '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication';
    const config = await cluster.read<SeenObject & { data: Record<string, string> }>(path);
    expect(config.data['requestheader-client-ca-file']).to.include(formerAuthority.trim().split('\n')[3]);
    expect((await direct(`${GROUP}/traffic`, former, 'admin', ['system:masters'])).status).to.equal(200);
    await cluster.put(path, {
      ...config,
      data: { ...config.data, 'requestheader-client-ca-file': toPem([next.anchor.certificate]) },
    });
    await eventually(
      'the former is nobody',
      async () =>
        (await direct(`${GROUP}/traffic`, former, 'admin', ['system:masters'])).status === 401 ? true : null,
      PATIENCE_MS,
    );
    expect((await direct(`${GROUP}/traffic`, client, 'admin', ['system:masters'])).status).to.equal(200);
    expect((await traffic(`${GROUP}/traffic`)).kind).to.equal('TrafficList');
  });

  it('is taken back by the last replica that goes: a namespace can be deleted while nobody serves', async () => {
    await plane.stop();
    expect(await apiService()).to.equal(null);
    await cluster.apply('namespaces', '', 'deleted-meanwhile', {});
    await cluster.delete('namespaces', '', 'deleted-meanwhile');
    await gone('deleted-meanwhile');
    expect(await kubectl('api-versions')).not.to.include('viz.weft.dev');
  });

  it('is left there by a replica that goes while another is ready, and served again by the next one', async () => {
    plane = await startPlane('op-0');
    await available();
    await endpoints('op-0', 'op-1');
    await eventually('it is seen', async () => ((await plane.readiness()).status === 200 ? true : null));
    await new Promise((resolve) => setTimeout(resolve, 200));
    await plane.stop();
    expect(await apiService()).not.to.equal(null);
    plane = await startPlane('op-1');
    await available();
  });
});
