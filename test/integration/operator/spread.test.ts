import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { startApiServer, type TestApiServer } from '../../../hack/apiserver/server.ts';
import { serviceAccountIdentity } from '../../../proxy-image/contract/names.ts';
import { TcpRelay } from '../../chaos/tcp-relay.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';
import { createLeaf } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { RoamingProxy, type ServicePort } from '../serve/roaming-proxy.ts';
import { Cluster, Plane, SUFFIX } from './plane.ts';

const NAMESPACE = 'crowd';
const PROXIES = 60;
const OBJECTS = 20;
const BALANCE = { settledMs: 1_000, minAgeMs: 1_500, everyMs: 100 };
const LAME_DUCK_MS = 2_000;
/** For processes of a busy machine. */
const WITHIN_MS = 30_000;

describe('proxies over replicas of the operator at a real API server', function () {
  this.timeout(120_000);
  let api: TestApiServer;
  let cluster: Cluster;
  const planes = new Map<string, Plane>();
  const relays = new Map<string, TcpRelay>();
  const proxies: RoamingProxy[] = [];
  /** Where the Service leads to. */
  let service: ServicePort[] = [];

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    api = await startApiServer();
    cluster = new Cluster(api);
    const first = await start('op-0');
    await cluster.apply('namespaces', '', NAMESPACE, {});
    const accounts = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`;
    await cluster.create(accounts, { metadata: { name: 'default' } }).catch(() => {});
    await cluster.apply('services', NAMESPACE, 'web', { spec: { selector: { app: 'x' }, ports: [{ port: 80 }] } });
    const { spec } = await cluster.get('services', NAMESPACE, 'web');
    const key = `service/${(spec as { clusterIP: string }).clusterIP}:80`;
    for (let i = 0; i < OBJECTS; i++) await server(i, 1_000);
    const authority = await first.authority();
    const leaf = createLeaf(authority, serviceAccountIdentity('default', NAMESPACE, SUFFIX));
    for (let i = 0; i < PROXIES; i++) {
      const pod = `client-${i}`;
      await cluster.apply('pods', NAMESPACE, pod, {
        spec: { serviceAccountName: 'default', containers: [{ name: 'app', image: 'app' }] },
      });
      const proxy = new RoamingProxy(
        {
          namespace: NAMESPACE,
          pod,
          anchorsPem: authority.anchorsPem,
          keyPem: leaf.keyPem,
          chainPem: leaf.chainPem,
          serverName: serviceAccountIdentity('weft-operator', 'weft-system', SUFFIX),
          service: () => service,
        },
        [key],
      );
      proxies.push(proxy);
      proxy.start();
    }
    await allSettled();
  });

  after(async () => {
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    for (const plane of planes.values()) await plane.stop();
    for (const relay of relays.values()) await relay.stop();
    await cluster?.close();
    await api?.stop();
  });

  /** A replica, with what the EndpointSlice controller does for it. */
  async function start(name: string): Promise<Plane> {
    const plane = await new Plane(api, name, {
      flags: ['--roles', 'controllers,config', '--retry-ms', '300', '--lame-duck-ms', String(LAME_DUCK_MS)],
      replicas: { addressOf: () => '127.0.0.1', timing: { patienceMs: 3_000, silentMs: 6_000 }, balance: BALANCE },
    }).start();
    planes.set(name, plane);
    const port = await eventually('its port', () => plane.operator.ports.get('configuration stream'));
    const relay = await new TcpRelay(port).start();
    relays.set(name, relay);
    const relayed = Number(new URL(relay.url).port);
    await endpoint(name, relayed, true);
    service = [...service, { replica: name, port: relayed }];
    return plane;
  }

  async function endpoint(name: string, port: number, ready: boolean): Promise<void> {
    await cluster.apply('endpointslices', 'weft-system', `weft-operator-${name}`, {
      metadata: { labels: { 'kubernetes.io/service-name': 'weft-operator' } },
      addressType: 'IPv4',
      ports: [{ name: 'config', port }],
      endpoints: [
        {
          addresses: [`10.2.0.${name.at(-1)}`],
          conditions: { ready, serving: ready, terminating: !ready },
          targetRef: { kind: 'Pod', name, namespace: 'weft-system' },
        },
      ],
    });
  }

  /** As nodes hear of it, a moment later. */
  async function withdraw(name: string): Promise<void> {
    const { port } = service.find(({ replica }) => replica === name)!;
    await endpoint(name, port, false);
    await sleep(200);
    service = service.filter(({ replica }) => replica !== name);
  }

  function server(i: number, port: number) {
    return cluster.apply('servers', NAMESPACE, `s-${i}`, { spec: { podSelector: {}, port: port + i } });
  }

  const allSettled = () =>
    eventually('all have what they want', () => proxies.every((each) => each.settled), WITHIN_MS);
  const connected = (name: string) => planes.get(name)!.metric('weft_config_connected_proxies');
  const moved = (name: string) => planes.get(name)!.metric('weft_replica_proxies_moved_total');
  const on = (name: string) => proxies.filter(({ replica }) => replica === name).length;
  const ends = (code: string) => proxies.flatMap((each) => each.ends).filter((each) => each === code).length;

  it('two replicas that are added get their share, a proxy at a time, none of which is sent anything', async () => {
    expect(on('op-0')).to.equal(PROXIES);
    await start('op-1');
    await start('op-2');
    const startMs = performance.now();
    // A third of them, and two deviations of chance and two: `operator/replicas/balance.ts`.
    await eventually(
      'a share for all',
      () => on('op-0') <= 31 && proxies.every(({ replica }) => replica !== ''),
      WITHIN_MS,
    );
    const asked = await moved('op-0');
    expect(asked).to.be.at.least(PROXIES - 31);
    expect(performance.now() - startMs, 'one at a time').to.be.above(asked * BALANCE.everyMs * 0.9);
    await eventually('it has come to rest', async () => {
      const before = await moved('op-0');
      await sleep(BALANCE.settledMs);
      return (await moved('op-0')) === before;
    });
    await allSettled();
    const all = await Promise.all([...planes.keys()].map(moved));
    expect(all.reduce((a, b) => a + b)).to.equal(ends('WEFT_SERVE_MOVED'));
    expect(proxies.flatMap(({ changesAfterResume }) => changesAfterResume)).to.deep.equal([]);
    expect((await Promise.all([...planes.keys()].map(connected))).reduce((a, b) => a + b)).to.equal(PROXIES);
  });

  it('a leader that stops while statuses are written: another leads at once, it serves on, and its proxies go a few at a time', async () => {
    const stopping = planes.get('op-0')!;
    expect(stopping.operator.isLeader).to.equal(true);
    const had = on('op-0');
    let port = 2_000;
    let writing = true;
    const writes = (async () => {
      while (writing) {
        port += 100;
        for (let i = 0; i < OBJECTS; i++) await server(i, port);
      }
    })();
    await eventually('statuses are being written', async () => {
      const { items } = await cluster.list('servers', NAMESPACE);
      return items.some(
        ({ metadata, status }) => status?.observedGeneration === metadata.generation && metadata.generation > 1,
      );
    });
    const startMs = performance.now();
    const stopped = stopping.stop().then(() => performance.now() - startMs);
    const next = await eventually('another leader', () =>
      [...planes].find(([name, plane]) => name !== 'op-0' && plane.operator.isLeader),
    );
    const readiness = await stopping.readiness();
    expect([readiness.status, readiness.text.includes('stays: is stopping')]).to.deep.equal([503, true]);
    expect(on('op-0'), 'it serves on').to.equal(had);
    await withdraw('op-0');
    const stoppedMs = await stopped;
    writing = false;
    await writes;
    expect(stoppedMs).to.be.within(LAME_DUCK_MS, LAME_DUCK_MS + 10_000);
    await allSettled();
    expect(ends('WEFT_SERVE_STOPPING')).to.equal(had);
    expect([stopping.lost, stopping.log.messages('error')]).to.deep.equal([[], []]);
    planes.delete('op-0');
    await cluster.delete('endpointslices', 'weft-system', 'weft-operator-op-0');
    await eventually(
      `the statuses of all, by ${next[0]}`,
      async () => {
        const { items } = await cluster.list('servers', NAMESPACE);
        return items.every(({ metadata, status }) => status?.observedGeneration === metadata.generation);
      },
      WITHIN_MS,
    );
  });

  it('a replica that dies: its proxies are with the other within ten seconds', async () => {
    const victims = on('op-1');
    expect(victims).to.be.above(0);
    const diedMs = performance.now();
    await relays.get('op-1')!.stop();
    relays.delete('op-1');
    const back = eventually(
      'all are back',
      () => on('op-2') === PROXIES && proxies.every((each) => each.settled),
      10_000,
    );
    await withdraw('op-1');
    await back;
    expect(performance.now() - diedMs).to.be.below(10_000);
    await planes.get('op-1')!.stop();
    planes.delete('op-1');
  });
});
