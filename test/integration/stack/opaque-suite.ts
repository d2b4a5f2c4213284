import net from 'node:net';
import { expect } from 'chai';
import type { ResourceBody } from '../../../proxy-image/contract/resources.ts';
import type { Address, Transport } from '../../../proxy-image/io/transport/types.ts';
import { RawCluster } from '../../support/raw-cluster.ts';
import { type ServiceSketch, WORKLOAD_KEY } from '../../unit/core/fixtures.ts';
import { until } from '../transport/recorder.ts';
import { SHORT_QUEUE, TestMesh, type TestProxy } from './mesh.ts';
import { dialRaw, ok, serveHttp } from './peers.ts';

const SERVICE: Address = { ip: '10.96.0.7', port: 9090 };
const GREETING = '220 ready\r\n';
const OPAQUE = 'config.linkerd.io/opaque-ports';
/** Far below the ten seconds of detection. */
const AT_ONCE_MS = 4_000;

/** What a case says about the database that listens on `port`, behind port 9090 of the Service `db`. */
interface World {
  cluster: RawCluster;
  port: number;
  pod: { annotations: Record<string, string> };
  service: { annotations: Record<string, string>; appProtocol?: string };
}

const WAYS: [way: string, say: (world: World) => void][] = [
  [
    'a default opaque port that the Service has under another number',
    ({ cluster, port }) => {
      cluster.mesh({ proxy: { opaquePorts: `25,${port}` } });
    },
  ],
  [
    'the annotation of the pod',
    ({ pod, port }) => {
      pod.annotations[OPAQUE] = String(port);
    },
  ],
  [
    'the annotation of the pod, by the name of the container port',
    ({ pod }) => {
      pod.annotations[OPAQUE] = 'mysql';
    },
  ],
  [
    'the annotation of the pod, beside names that the pod has not',
    ({ pod, port }) => {
      pod.annotations[OPAQUE] = `redis,${port},99999`;
    },
  ],
  [
    'the annotation of the namespace',
    ({ cluster, port }) => {
      cluster.namespace({ [OPAQUE]: String(port) });
    },
  ],
  [
    'the annotation of the namespace, by the name of the container port',
    ({ cluster }) => {
      cluster.namespace({ [OPAQUE]: 'redis,mysql' });
    },
  ],
  [
    'a Server that says opaque',
    ({ cluster, port }) => {
      cluster.server('db', { podSelector: {}, port, proxyProtocol: 'opaque', accessPolicy: 'all-authenticated' });
    },
  ],
  [
    'a Server that says TLS, by the name of the container port',
    ({ cluster }) => {
      cluster.server('db', { podSelector: {}, port: 'mysql', proxyProtocol: 'TLS', accessPolicy: 'all-authenticated' });
    },
  ],
  [
    'a pod whose Server says nothing of the protocol',
    ({ cluster, pod, port }) => {
      pod.annotations[OPAQUE] = String(port);
      cluster.server('db', { podSelector: {}, port, accessPolicy: 'all-authenticated' });
    },
  ],
  [
    'the annotation of the Service',
    ({ service }) => {
      service.annotations[OPAQUE] = '9090';
    },
  ],
  [
    'the annotation of the Service, by the name of its port',
    ({ service }) => {
      service.annotations[OPAQUE] = 'client';
    },
  ],
  [
    'the annotation of the Service, beside what is no port',
    ({ service }) => {
      service.annotations[OPAQUE] = '9090,nonsense';
    },
  ],
  [
    'the profile of the Service',
    ({ cluster }) => {
      const name = 'db.shop.svc.cluster.local';
      cluster.apply('ServiceProfile', 'linkerd.io/v1alpha2', name, { spec: { opaquePorts: ['9090'] } });
    },
  ],
  [
    'the appProtocol of the Service',
    ({ service }) => {
      service.appProtocol = 'linkerd.io/opaque';
    },
  ],
];

/** Ways that the pod's own proxy knows of: its plaintext clients are greeted at once too. */
const OF_THE_POD = /^(the annotation of the (pod|namespace)|a )/;

/** Protocols in which the server speaks first, from raw objects to the first byte that the client hears. */
export function opaqueSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let client: TestProxy;
  let server: TestProxy;
  let world: World;
  const original: Address = { ip: '127.0.0.1', port: 0 };

  beforeEach(async () => {
    mesh = new TestMesh(create);
    client = await mesh.proxy({ originalDestination: { of: () => SERVICE } });
    server = await mesh.proxy({ serviceAccount: 'server', originalDestination: { of: () => original } });
    original.port = await greeter(mesh);
    world = { cluster: new RawCluster(), port: original.port, pod: { annotations: {} }, service: { annotations: {} } };
    world.cluster.namespace({});
  });
  afterEach(() => mesh.stop());

  function deploy(addresses: string[] = ['127.0.0.1'], meshed = true): void {
    const { cluster, port, pod, service } = world;
    const { annotations, ...appProtocol } = service;
    cluster.service(
      'db',
      SERVICE.ip,
      [{ name: 'client', port: SERVICE.port, targetPort: 'mysql', ...appProtocol }],
      annotations,
    );
    cluster.pod('web-1', {
      ip: '127.0.0.1',
      annotations: { 'config.linkerd.io/inbound-port': String(server.inbound.port), ...pod.annotations },
      ports: [{ name: 'mysql', containerPort: port }],
      inject: meshed,
    });
    cluster.slice('db', { name: 'client', port }, addresses);
    tell();
  }

  /** In the order in which the operator sends them. */
  function tell(more: Partial<ServiceSketch> = {}): void {
    const { cluster } = world;
    server.set(WORKLOAD_KEY, cluster.workload('web-1'));
    client.set(`endpoints/shop/db:${SERVICE.port}/ipv4`, {
      sources: '1',
      endpoints: cluster.endpoints('db', SERVICE.port),
    });
    const destination = cluster.destination(SERVICE.ip, SERVICE.port);
    client.set(`service/${SERVICE.ip}:${SERVICE.port}`, { ...destination, ...more } as ResourceBody);
  }

  for (const [way, say] of WAYS) {
    it(`greet a meshed client at once: ${way}`, async () => {
      say(world);
      deploy();
      expect(world.cluster.endpoints('db', SERVICE.port)[0]?.identity).to.be.a('string');
      await dialRaw(mesh, client.outbound).hears(GREETING, AT_ONCE_MS);
    });

    if (!OF_THE_POD.test(way)) continue;
    it(`greet a client without a proxy at once: ${way}`, async () => {
      say(world);
      world.pod.annotations['config.linkerd.io/default-inbound-policy'] = 'all-unauthenticated';
      deploy();
      const body = world.cluster.workload('web-1');
      const open = world.cluster.workload('web-1').defaultPolicy.authorizations;
      const ports = Object.entries(body.ports).map(([port, policy]) => [port, { ...policy, authorizations: open }]);
      server.set(WORKLOAD_KEY, { ...body, ports: Object.fromEntries(ports) });
      await dialRaw(mesh, server.inboundPlain).hears(GREETING, AT_ONCE_MS);
    });
  }

  it('greet at once in front of a pod without a proxy', async () => {
    world.pod.annotations[OPAQUE] = 'mysql';
    deploy(['127.0.0.1'], false);
    expect(world.cluster.endpoints('db', SERVICE.port)[0]?.identity).to.equal(null);
    await dialRaw(mesh, client.outbound).hears(GREETING, AT_ONCE_MS);
  });

  it('greet at once at an address that no pod of the cluster has', async () => {
    const { cluster, port } = world;
    cluster.mesh({ proxy: { opaquePorts: String(port) } });
    deploy();
    cluster.pod('web-1', { ip: '10.1.0.1' });
    tell();
    await dialRaw(mesh, client.outbound).hears(GREETING, AT_ONCE_MS);
  });

  it('… while there is no endpoint for a moment, too', async () => {
    world.pod.annotations[OPAQUE] = 'mysql';
    deploy();
    world.cluster.slice('db', { name: 'client', port: world.port }, []);
    tell({ queue: SHORT_QUEUE });
    const refused = dialRaw(mesh, client.outbound);
    await refused.gone(AT_ONCE_MS);
    world.cluster.slice('db', { name: 'client', port: world.port }, ['127.0.0.1']);
    tell();
    await dialRaw(mesh, client.outbound).hears(GREETING, AT_ONCE_MS);
  });

  it('greet a client that came before the first endpoint as soon as there is one', async () => {
    world.pod.annotations[OPAQUE] = 'mysql';
    deploy([]);
    const early = dialRaw(mesh, client.outbound);
    await until(() => client.metrics().includes('tcp_open_connections{direction="outbound",peer="src"'), 'the client');
    deploy();
    await early.hears(GREETING, AT_ONCE_MS);
  });

  it('are still judged: what a caller declares opaque is refused where its identity is', async () => {
    world.cluster.server('db', { podSelector: {}, port: 'mysql', proxyProtocol: 'opaque', accessPolicy: 'deny' });
    deploy();
    const refused = dialRaw(mesh, client.outbound);
    await refused.gone(AT_ONCE_MS);
    expect(refused.text).to.equal('');
  });

  it('clients of HTTP are heard where only some endpoints are opaque', async () => {
    const { port } = await serveHttp(mesh, () => ok('heard'));
    world.port = port;
    deploy();
    world.cluster.pod('web-2', { ip: '127.0.0.2', annotations: { [OPAQUE]: String(port) } });
    world.cluster.slice('db', { name: 'client', port }, ['127.0.0.1', '127.0.0.2']);
    expect(world.cluster.endpoints('db', SERVICE.port).map(({ protocol }) => protocol)).to.deep.equal([
      'detect',
      'opaque',
    ]);
    tell();
    const caller = dialRaw(mesh, client.outbound);
    for (let asked = 0; asked < 4; asked++) {
      caller.text = '';
      caller.send('GET / HTTP/1.1\r\nHost: db\r\n\r\n');
      // Answers of ours and of HTTP: the connection was not spliced.
      await caller.hears('\r\n\r\n');
    }
    expect(client.metrics()).to.contain('request_total{direction="outbound"');
  });

  it('clients of HTTP are heard where the Service says so, whatever its pods say', async () => {
    const { port } = await serveHttp(mesh, () => ok('heard'));
    world.port = port;
    world.pod.annotations[OPAQUE] = String(port);
    world.service.appProtocol = 'http';
    deploy();
    const caller = dialRaw(mesh, client.outbound);
    caller.send('GET / HTTP/1.1\r\nHost: db\r\n\r\n');
    await caller.hears('heard');
    expect(client.metrics()).to.contain('request_total{direction="outbound"');
  });
}

/** Speaks as soon as somebody has connected. */
async function greeter(mesh: TestMesh): Promise<number> {
  const sockets = new Set<net.Socket>();
  const listener = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.write(GREETING);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  mesh.onStop(() => {
    listener.close();
    for (const socket of sockets) socket.destroy();
  });
  return (listener.address() as net.AddressInfo).port;
}
