import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { startApiServer, type TestApiServer } from '../../../hack/apiserver/server.ts';
import { RestClient } from '../../../operator/kube/rest.ts';
import { NamespacedSecrets } from '../../../operator/kube/secrets.ts';
import { fromPem } from '../../../operator/pki/certificate.ts';
import { ANCHOR_SECRET, ISSUER_SECRET } from '../../../operator/pki/secrets.ts';
import { systemClock } from '../../../operator/runtime/clock.ts';
import { TOKEN_AUDIENCE } from '../../../proxy-image/contract/names.ts';
import { PROXY_PORTS } from '../../../proxy-image/contract/ports.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';
import { eventually } from '../../support/eventually.ts';
import { ProxyProcess } from '../../support/proxy-process.ts';
import { SteadyTraffic } from '../../support/steady-traffic.ts';
import { Cluster, Plane } from './plane.ts';

/** The mesh port is the same in every pod: a loopback address of this run for the one that is called. */
const SERVER_HOST = `127.${128 + (process.pid % 60)}.${(process.pid >> 6) % 256}.11`;
const NAMESPACE = 'app';
const SYSTEM = 'weft-system';
const CORE = `/api/v1/namespaces/${NAMESPACE}`;

interface RotationStatus {
  anchor?: string;
  issuer?: string;
  leaf?: string;
  phase: string;
  proxies?: string;
  message?: string;
}

describe('rotations at a real API server, with proxies on Bun under traffic', function () {
  this.timeout(120_000);
  let api: TestApiServer;
  let cluster: Cluster;
  let plane: Plane;
  let secrets: NamespacedSecrets;
  let application: Server;
  let traffic: SteadyTraffic;
  /** Of Service `web`. */
  let clusterIP: string;
  const proxies: ProxyProcess[] = [];

  before(async function () {
    this.timeout(API_SERVER_START_MS + 60_000);
    api = await startApiServer();
    cluster = new Cluster(api);
    secrets = new NamespacedSecrets(new RestClient(cluster.config), SYSTEM, {}, systemClock);
    for (const name of [SYSTEM, NAMESPACE]) await cluster.apply('namespaces', '', name, {});
    await cluster.installDefinitions();
    application = createServer((_, response) => response.end('hello'));
    await new Promise<void>((resolve) => application.listen(0, SERVER_HOST, resolve));
    await cluster.apply('meshes', '', 'default', { spec: {} });
    for (const name of ['default', 'web', 'client']) {
      await cluster.create(`${CORE}/serviceaccounts`, { metadata: { name } });
    }
    await runsWeb((application.address() as AddressInfo).port);
    plane = await new Plane(api, 'op-0').start();
    await plane.ready(20_000);
    await startProxy('web', '10.1.0.1');
    const client = await startProxy('client', '10.1.0.2');
    traffic = new SteadyTraffic(await client.address('outbound')).start();
    await eventually('requests are answered', () => traffic.asked > 10);
    traffic.failures.length = 0;
  });

  after(async () => {
    await traffic?.stop();
    for (const proxy of proxies) await proxy.remove();
    application?.close();
    await plane?.stop();
    await cluster?.close();
    await api?.stop();
  });

  async function runsWeb(port: number): Promise<void> {
    const service = await cluster.apply('services', NAMESPACE, 'web', {
      spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: port }] },
    });
    ({ clusterIP } = service['spec'] as { clusterIP: string });
    await cluster.apply('endpointslices', NAMESPACE, 'web-1', {
      metadata: { labels: { 'kubernetes.io/service-name': 'web' } },
      addressType: 'IPv4',
      ports: [{ port, protocol: 'TCP' }],
      endpoints: [
        {
          addresses: ['10.1.0.1'],
          conditions: { ready: true },
          targetRef: { kind: 'Pod', name: 'web', namespace: NAMESPACE },
        },
      ],
    });
  }

  /** A pod as injection and kubelet make it, and its proxy. */
  async function startProxy(name: string, podIp: string): Promise<ProxyProcess> {
    const isServer = name === 'web';
    const pod = await cluster.apply('pods', NAMESPACE, name, {
      metadata: { labels: { app: name, 'linkerd.io/control-plane-ns': SYSTEM } },
      spec: {
        serviceAccountName: name,
        containers: [
          { name: 'app', image: 'app' },
          { name: 'linkerd-proxy', image: 'proxy' },
        ],
      },
    });
    const status = { phase: 'Running', podIP: podIp, podIPs: [{ ip: podIp }] };
    await cluster.setStatus('pods', NAMESPACE, name, { ...pod, apiVersion: 'v1', kind: 'Pod', status });
    const proxy = new ProxyProcess({
      namespace: NAMESPACE,
      serviceAccount: name,
      pod: name,
      podIp,
      network: {
        outbound: isServer ? [] : [{ listen: '127.0.0.1:0', destination: `${clusterIP}:80` }],
        addresses: { '10.1.0.1': SERVER_HOST },
      },
      environment: isServer ? { inboundListen: `${SERVER_HOST}:${PROXY_PORTS.inboundMesh}` } : {},
    });
    const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name, uid: pod.metadata.uid };
    const { status: bound } = await cluster.create<{ status: { token: string } }>(
      `${CORE}/serviceaccounts/${name}/token`,
      {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { audiences: [TOKEN_AUDIENCE], boundObjectRef },
      },
    );
    writeFileSync(join(proxy.folder, 'token'), bound.token);
    proxies.push(proxy);
    const ports = plane.operator.ports;
    const { anchorsPem } = await plane.authority();
    proxy.start({
      anchorsPem,
      configPort: ports.get('configuration stream')!,
      identityPort: ports.get('certificate signing')!,
    });
    await proxy.line('proxy is ready');
    return proxy;
  }

  const certificateOf = async (secret: string, key = 'tls.crt') =>
    fromPem(Buffer.from((await secrets.get(secret))!.data[key]!).toString());
  const obtained = (proxy: ProxyProcess) =>
    proxy.lines.filter(({ message }) => message === 'certificate obtained').length;
  /** The line of a proxy may be on its way still when the status says what it did. */
  async function obtainedMore(before: readonly number[], more: number): Promise<void> {
    const wanted = before.map((count) => count + more);
    await eventually('a line for each', () => proxies.every((proxy, index) => obtained(proxy) >= wanted[index]!));
    expect(proxies.map(obtained), `${more} more each`).to.deep.equal(wanted);
  }
  const statusOf = async (): Promise<RotationStatus | undefined> => {
    const { status } = await cluster.get('meshes', '', 'default');
    return (status as { rotation?: RotationStatus } | undefined)?.rotation;
  };

  async function rotated(part: 'anchor' | 'issuer' | 'leaf', value: string | number): Promise<void> {
    await cluster.apply('meshes', '', 'default', { spec: { identity: { rotation: { [part]: value } } } });
    await eventually(
      `${part} ${value} is done`,
      async () => {
        const status = await statusOf();
        return status?.phase === 'Done' && status[part] === String(value);
      },
      40_000,
    );
  }

  it('of the anchor: everything is below the new one, and the old one is gone', async () => {
    const [old] = await certificateOf(ANCHOR_SECRET);
    const before = proxies.map(obtained);
    await rotated('anchor', '2026-11-30');
    const [next, ...others] = await certificateOf(ANCHOR_SECRET, 'ca.crt');
    expect(others).to.deep.equal([]);
    expect(next!.fingerprint256).not.to.equal(old!.fingerprint256);
    const [issuer] = await certificateOf(ISSUER_SECRET);
    expect(issuer!.checkIssued(next!)).to.equal(true);
    expect(await certificateOf(ISSUER_SECRET, 'ca.crt')).to.have.length(1);
    await obtainedMore(before, 1);
  });

  it('of issuer and certificates, by a number', async () => {
    const [anchor] = await certificateOf(ANCHOR_SECRET);
    const [old] = await certificateOf(ISSUER_SECRET);
    const before = proxies.map(obtained);
    await rotated('issuer', 2);
    const [issuer] = await certificateOf(ISSUER_SECRET);
    expect(issuer!.serialNumber).not.to.equal(old!.serialNumber);
    expect(issuer!.checkIssued(anchor!)).to.equal(true);
    await rotated('leaf', 2);
    await obtainedMore(before, 2);
  });

  it('are told by Events', async () => {
    const wanted = ['AnchorRenewed', 'IssuerRenewed', 'AnchorRetired', 'RotationDone'];
    await eventually('the Events', async () => {
      const { items } = await cluster.list('events', 'default');
      const seen = items.map(({ reason }) => String(reason));
      return wanted.every((reason) => seen.includes(reason));
    });
  });

  it('have failed no request, on new connections and on one that stayed open, and ended no proxy', async () => {
    const asked = traffic.asked;
    await eventually('requests go on', () => traffic.asked > asked + 10);
    expect(traffic.failures).to.deep.equal([]);
    expect(proxies.map(({ exitCode }) => exitCode)).to.deep.equal([null, null]);
    for (const { lines } of proxies) {
      expect(lines.filter(({ message }) => message === 'configuration stream connected')).to.have.length(1);
    }
  });
});
