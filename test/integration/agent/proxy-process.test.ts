import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { CONTROL_PLANE_LABEL, PROXY_CONTAINER } from '../../../proxy-image/contract/names.ts';
import { PROXY_PORTS } from '../../../proxy-image/contract/ports.ts';
import { formatRelayedProbes, type RelayedProbe } from '../../../proxy-image/contract/relayed-probes.ts';
import { VERSION } from '../../../proxy-image/contract/version.ts';
import { collectionPath } from '../../../proxy-image/io/config-source/kubernetes/kinds.ts';
import { FakeApiServer } from '../../fakes/api-server.ts';
import { createLeaf, createTestAuthority } from '../../support/certificates.ts';
import { ControlPlane, SUFFIX } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { rowOf } from '../../support/kinds.ts';
import { namespace, pod, service, servicePort, slice, sliceEndpoint } from '../../support/models.ts';
import { ProxyProcess, type ProxyProcessOptions } from '../../support/proxy-process.ts';
import { AccountFolder, caOf } from './fixtures/direct-client.ts';

/** Loopback addresses of this run: the mesh port is the same in every pod, so each pod needs an address of its own. */
const NET = `127.${64 + (process.pid % 128)}.${(process.pid >> 7) % 256}`;
const SERVER_HOST = `${NET}.1`;
const CLIENT_IDENTITY = `client.app.serviceaccount.identity.${SUFFIX}`;

/** The application behind the server's proxy: `/slow` waits until it is told, everything else says who asked. */
class Application {
  readonly #server: Server;
  readonly #waiting: ServerResponse[] = [];
  port = 0;

  constructor() {
    this.#server = createServer((incoming, response) => this.#answer(incoming, response));
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, SERVER_HOST, resolve));
    const address = this.#server.address();
    this.port = typeof address === 'object' && address !== null ? address.port : 0;
    return this;
  }

  #answer(incoming: IncomingMessage, response: ServerResponse): void {
    if (incoming.url === '/slow') this.#waiting.push(response);
    else response.end(String(incoming.headers['l5d-client-id'] ?? 'nobody'));
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  release(): void {
    for (const response of this.#waiting.splice(0)) response.end('at last');
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

describe('a proxy process on Bun', function () {
  this.timeout(30_000);
  let plane: ControlPlane;
  let application: Application;
  const proxies: ProxyProcess[] = [];

  beforeEach(async () => {
    plane = await ControlPlane.start();
    application = await new Application().start();
    plane.put('Namespace', namespace('app'));
    plane.put('Pod', pod('web-1', '10.1.0.1'));
    plane.put('Pod', pod('client-1', '10.1.0.2', { serviceAccount: 'client' }));
    plane.put('Service', service('web', '10.0.0.1', { ports: [servicePort(80, { targetPort: application.port })] }));
    putEndpoint('10.1.0.1', 'web-1');
  });

  afterEach(async () => {
    for (const proxy of proxies.splice(0)) await proxy.remove();
    application.stop();
    await plane.stop();
  });

  function putEndpoint(ip: string, targetPod: string): void {
    const ports = [{ name: 'http', port: application.port, protocol: 'TCP' as const }];
    plane.put('EndpointSlice', slice('web-abc', 'web', [sliceEndpoint(ip, { targetPod })], { ports }));
  }

  function create(options: Partial<ProxyProcessOptions>): ProxyProcess {
    const proxy = new ProxyProcess({
      namespace: 'app',
      serviceAccount: 'web',
      pod: 'web-1',
      podIp: '10.1.0.1',
      ...options,
    });
    proxies.push(proxy);
    return proxy;
  }

  /** The pod of the application: its proxy takes mesh traffic on the well-known port of the pod's own address. */
  function createServerPod(): ProxyProcess {
    return create({ environment: { inboundListen: `${SERVER_HOST}:${PROXY_PORTS.inboundMesh}` } });
  }

  function createClientPod(options: Partial<ProxyProcessOptions> = {}): ProxyProcess {
    const network = {
      outbound: [{ listen: '127.0.0.1:0', destination: '10.0.0.1:80' }],
      addresses: { '10.1.0.1': SERVER_HOST },
    };
    return create({ serviceAccount: 'client', pod: 'client-1', podIp: '10.1.0.2', network, ...options });
  }

  async function meshed(): Promise<{ server: ProxyProcess; client: ProxyProcess }> {
    const server = createServerPod().start(plane);
    const client = createClientPod().start(plane);
    await server.line('proxy is ready');
    await client.line('proxy is ready');
    return { server, client };
  }

  it('says in its first line what runs, is ready when certificate, policy and listeners are there, and tells metrics', async () => {
    const proxy = createServerPod().start(plane);
    expect(await proxy.line('proxy starts')).to.include({ version: VERSION, pod: 'web-1', source: 'operator' });
    await proxy.line('proxy is ready');
    expect(await proxy.get('/ready')).to.deep.equal({ status: 200, text: 'ready\n' });
    expect((await proxy.get('/live')).status).to.equal(200);
    const { text } = await proxy.get('/metrics');
    expect(text).to.match(/^weft_config_connected 1$/m);
    expect(text).to.match(/^control_identity_cert_refreshes_total 1$/m);
    expect(text).to.match(/^weft_config_staleness_seconds [0-9.]+$/m);
  });

  it('reports a wrong environment whole, with a code, and ends', async () => {
    const proxy = create({ environment: { podIps: 'none', configPort: '-1' } }).start(plane);
    const line = await eventually('the report', () => proxy.lines.find(({ level }) => level === 'error'));
    expect(line).to.include({ code: 'WEFT_CONFIG_ENVIRONMENT' });
    expect(line['error']).to.contain('WEFT_PROXY_POD_IPS').and.contain('WEFT_PROXY_CONFIG_PORT');
    await eventually('the end', () => proxy.exitCode === 1);
  });

  it('makes the probes of its pod that it was started with, before it is ready itself', async () => {
    const { keyPem, chainPem } = createLeaf(createTestAuthority(), 'app.example');
    const secure = createTlsServer({ key: keyPem, cert: chainPem }, (_, response) => response.end('fine'));
    await new Promise<void>((resolve) => secure.listen(0, SERVER_HOST, resolve));
    const address = secure.address();
    const securePort = typeof address === 'object' && address !== null ? address.port : 0;
    const common = { target: '/health', headers: [], timeoutMs: 5_000, isHook: false };
    const probes: RelayedProbe[] = [
      { ...common, path: '/app-probe/web/livenessProbe', type: 'tcp', port: application.port },
      { ...common, path: '/app-probe/web/readinessProbe', type: 'https', port: securePort },
      { ...common, path: '/app-probe/web/startupProbe', type: 'https', port: application.port },
    ];
    const proxy = create({ environment: { podIps: SERVER_HOST, relayedProbes: formatRelayedProbes(probes) } });
    proxy.start({ anchorsPem: plane.anchorsPem, configPort: 1, identityPort: 1 });
    try {
      const status = async (probe: string) => (await proxy.get(`/app-probe/web/${probe}`)).status;
      expect(await status('livenessProbe')).to.equal(200);
      expect(await status('readinessProbe')).to.equal(200);
      expect(await status('startupProbe'), 'no TLS there').to.equal(503);
      expect((await proxy.get('/ready')).status).to.equal(503);
    } finally {
      secure.close();
    }
  });

  it('carries a request to another proxy with its identity', async () => {
    const { client } = await meshed();
    expect(await client.ask()).to.deep.equal({ status: 200, text: CLIENT_IDENTITY });
  });

  it('waits, not ready and with closed listeners, for a certificate; then serves without a restart', async () => {
    await plane.stopIdentity();
    const proxy = createServerPod().start(plane);
    await proxy.line('no new certificate');
    expect(await proxy.get('/ready')).to.deep.equal({
      status: 503,
      text: 'waiting for certificate, workload policy, listeners\n',
    });
    expect(await reached(SERVER_HOST, PROXY_PORTS.inboundMesh)).to.equal('ECONNREFUSED');
    await plane.startIdentity();
    await proxy.line('proxy is ready');
    expect(await reached(SERVER_HOST, PROXY_PORTS.inboundMesh)).to.equal('connected');
  });

  it('waits with closed listeners for its policy', async () => {
    await plane.stopConfig();
    const proxy = createServerPod().start(plane);
    await proxy.line('certificate obtained');
    expect((await proxy.get('/ready')).text).to.equal('waiting for workload policy, listeners\n');
    expect(await reached(SERVER_HOST, PROXY_PORTS.inboundMesh)).to.equal('ECONNREFUSED');
    await plane.startConfig();
    await proxy.line('proxy is ready');
  });

  it('killed while the operator is away, serves again from what it kept, and follows when the operator is back', async () => {
    const { server, client } = await meshed();
    expect((await client.ask()).status).to.equal(200);
    await keeps(server, 'workload/app/web-1');
    await keeps(client, 'endpoints/app/web:80/ipv4');
    await plane.stopConfig();
    await plane.stopIdentity();
    await server.kill();
    await client.kill();
    server.start(plane);
    client.start(plane);
    expect(await client.line('snapshot restored')).to.include({ level: 'info' });
    await server.line('proxy is ready');
    expect(await client.ask()).to.deep.equal({ status: 200, text: CLIENT_IDENTITY });
    expect((await client.get('/ready')).status).to.equal(200);
    expect((await client.get('/metrics')).text).to.match(/^weft_config_connected 0$/m);

    await plane.startConfig();
    await plane.startIdentity();
    putEndpoint('10.1.0.77', 'gone');
    await eventually('the change', async () => (await client.ask()).status >= 502, 20_000);
  });

  it('on SIGTERM is not ready, finishes what is in flight, and ends', async () => {
    const { client } = await meshed();
    const slow = client.ask('/slow');
    await eventually('the request at the application', () => application.waiting === 1);
    client.signal('SIGTERM');
    await client.line('proxy drains');
    expect(await client.get('/ready')).to.deep.equal({ status: 503, text: 'draining\n' });
    expect(client.exitCode).to.equal(null);
    application.release();
    expect(await slow).to.deep.equal({ status: 200, text: 'at last' });
    await eventually('the end', () => client.exitCode === 0, 10_000);
    expect(client.lines.at(-1)).to.include({ message: 'proxy ends', reason: 'nothing is in flight' });
  });

  it('ends at the end of the grace period, whatever is in flight', async () => {
    await createServerPod().start(plane).line('proxy is ready');
    const client = createClientPod({ environment: { shutdownGraceMs: '700' } }).start(plane);
    await client.line('proxy is ready');
    const slow = client.ask('/slow').catch((error: Error) => error.message);
    await eventually('the request at the application', () => application.waiting === 1);
    const begunMs = performance.now();
    client.signal('SIGTERM');
    await eventually('the end', () => client.exitCode === 0, 15_000);
    expect(performance.now() - begunMs).to.be.at.least(650);
    expect(client.lines.at(-1)).to.include({ reason: 'the grace period is over' });
    await slow;
  });

  it('is shut down through the admin port only where that is enabled', async () => {
    const [closed, open] = [create({}), create({ environment: { adminShutdown: 'enabled' } })];
    const post = async (proxy: ProxyProcess): Promise<number> => {
      const response = await fetch(`http://${await proxy.address('admin')}/shutdown`, { method: 'POST' });
      return response.status;
    };
    expect(await post(closed.start(plane))).to.equal(404);
    expect(await post(open.start(plane))).to.equal(200);
    await eventually('the end', () => open.exitCode === 0, 10_000);
    expect(closed.exitCode).to.equal(null);
  });

  it('renews its certificate while connections live on', async () => {
    await plane.stop();
    // Renewed after about two seconds.
    plane = await ControlPlane.start({ lifetimeMs: 3000 });
    plane.put('Pod', pod('web-1', '10.1.0.1'));
    const proxy = createServerPod().start(plane);
    await proxy.line('proxy is ready');
    await eventually(
      'a second certificate',
      async () => /^control_identity_cert_refreshes_total [2-9]$/m.test((await proxy.get('/metrics')).text),
      15_000,
    );
    expect(proxy.lines.filter(({ message }) => message === 'proxy is ready')).to.have.length(1);
  });

  it('in direct mode watches the API server itself, and goes on without the operator', async () => {
    const api = await new FakeApiServer('kubernetes.default.svc').start();
    const account = new AccountFolder('token', caOf(api));
    try {
      fillDirect(api, application.port);
      await createServerPod().start(plane).line('proxy is ready');
      const client = createClientPod({
        environment: { configSource: 'kubernetes', accountDir: account.path },
        extra: {
          KUBERNETES_SERVICE_HOST: '127.0.0.1',
          KUBERNETES_SERVICE_PORT: new URL(api.url).port,
        },
      }).start(plane);
      await client.line('proxy is ready');
      expect(await client.ask()).to.deep.equal({ status: 200, text: CLIENT_IDENTITY });
      await plane.stopConfig();
      await plane.stopIdentity();
      api.objects.remove(collectionPath(rowOf('EndpointSlice')), 'app/web-abc');
      await eventually('the deletion', async () => (await client.ask()).status >= 500);
    } finally {
      await api.stop();
      account.remove();
    }
  });

  it('outlives hostile bytes on every port (D8)', async () => {
    const { server, client } = await meshed();
    const [plainHost, plainPort] = (await server.address('inboundPlain')).split(':');
    const [adminHost, adminPort] = (await server.address('admin')).split(':');
    const targets: [string, number][] = [
      [SERVER_HOST, PROXY_PORTS.inboundMesh],
      [plainHost!, Number(plainPort)],
      [adminHost!, Number(adminPort)],
    ];
    for (const bytes of [Buffer.alloc(100_000, 0xff), Buffer.from('GET / HTTP/9.9\r\n\r\n'), Buffer.from([0x16, 3, 1])])
      for (const [host, port] of targets) await throwAt(host, port, bytes);
    expect(await client.ask()).to.deep.equal({ status: 200, text: CLIENT_IDENTITY });
    expect(server.lines.filter(({ message }) => message === 'defect')).to.deep.equal([]);
  });

  it('F12: says nothing of its key at the level debug, in health, in failure, or of a file that it cannot read', async () => {
    const environment = { logLevel: 'debug' };
    const server = createServerPod().start(plane);
    const client = createClientPod({ environment }).start(plane);
    await server.line('proxy is ready');
    await client.line('proxy is ready');
    await client.ask();
    const file = join(client.folder, 'identity', 'identity.json');
    const kept = readFileSync(file, 'utf8');
    const key = JSON.parse(kept).keyPem as string;
    expect(key).to.contain('PRIVATE KEY');
    const said = () => JSON.stringify([...client.lines, ...server.lines]);
    const secret = key.split('\n').slice(1, -2);
    for (const part of secret) expect(said()).not.to.contain(part);
    await client.kill();
    // Valid JSON that holds no usable identity, and JSON that breaks off behind the key.
    for (const damaged of [JSON.stringify({ ...JSON.parse(kept), certificateChainPem: key }), kept.slice(0, 200)]) {
      writeFileSync(file, damaged);
      client.start(plane);
      await client.line('proxy is ready');
      for (const part of secret) expect(said()).not.to.contain(part);
      expect(said()).not.to.contain('PRIVATE KEY');
      await client.kill();
    }
  });

  it('awaits readiness by its verb', async () => {
    const proxy = createServerPod();
    await plane.stopIdentity();
    proxy.start(plane);
    const [, port] = (await proxy.address('admin')).split(':');
    expect(await proxy.awaitReady(port!, 1)).to.equal(1);
    const waiting = proxy.awaitReady(port!, 10);
    await plane.startIdentity();
    expect(await waiting).to.equal(0);
  });
});

/** The cluster of the other tests, as an API server has it. */
function fillDirect(api: FakeApiServer, port: number): void {
  const meta = (name: string, labels: Record<string, string> = {}) => ({ name, namespace: 'app', labels });
  api.objects.put(collectionPath(rowOf('Namespace')), { metadata: { name: 'app' } });
  const meshedLabels = { app: 'web', [CONTROL_PLANE_LABEL]: 'weft-system' };
  for (const [name, ip, serviceAccountName] of [
    ['web-1', '10.1.0.1', 'web'],
    ['client-1', '10.1.0.2', 'client'],
  ] as const)
    api.objects.put(collectionPath(rowOf('Pod')), {
      metadata: meta(name, meshedLabels),
      spec: { serviceAccountName, containers: [{ name: PROXY_CONTAINER }] },
      status: { phase: 'Running', podIP: ip, podIPs: [{ ip }] },
    });
  const ports = [{ name: 'http', port: 80, targetPort: port, protocol: 'TCP' }];
  api.objects.put(collectionPath(rowOf('Service')), {
    metadata: meta('web'),
    spec: { type: 'ClusterIP', clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'], ports, selector: { app: 'web' } },
  });
  api.objects.put(collectionPath(rowOf('EndpointSlice')), {
    metadata: meta('web-abc', { 'kubernetes.io/service-name': 'web' }),
    addressType: 'IPv4',
    ports: [{ name: 'http', port, protocol: 'TCP' }],
    endpoints: [
      {
        addresses: ['10.1.0.1'],
        conditions: { ready: true },
        targetRef: { kind: 'Pod', name: 'web-1', namespace: 'app' },
      },
    ],
  });
}

/** Waits until the snapshot for the next container of the pod holds a resource. */
function keeps(proxy: ProxyProcess, key: string): Promise<unknown> {
  const file = join(proxy.folder, 'identity', 'snapshot.json');
  return eventually(`${key} in a snapshot`, () => existsSync(file) && readFileSync(file, 'utf8').includes(`"${key}"`));
}

/** How a connection attempt ends. */
function reached(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 3000 });
    const settle = (result: string) => {
      socket.destroy();
      resolve(result);
    };
    socket.on('connect', () => settle('connected')).on('timeout', () => settle('timeout'));
    socket.on('error', (error) => settle('code' in error ? String(error.code) : error.message));
  });
}

/** Sends bytes and leaves as soon as the other side has had time to choke on them. */
function throwAt(host: string, port: number, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 300 }, () => socket.write(bytes));
    const leave = () => {
      socket.destroy();
      resolve();
    };
    socket.on('timeout', leave).on('error', leave).on('close', leave);
    socket.resume();
  });
}
