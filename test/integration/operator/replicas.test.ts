import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { startApiServer, type TestApiServer } from '../../../hack/apiserver/server.ts';
import { TcpRelay } from '../../chaos/tcp-relay.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';
import { eventually } from '../../support/eventually.ts';
import type { ProxyClient } from '../serve/proxy-client.ts';
import { countWrites } from './api-server-writes.ts';
import { Cluster, Plane } from './plane.ts';

const NAMESPACE = 'fleet';
const PODS = 12;
const OBJECTS = 40;
const PATIENCE_MS = 3_000;
/** A counter may wait for ten seconds, and what makes it another thing for a few more. */
const TRUE_WITHIN_MS = 20_000;
/** For how long nothing is to be written. */
const QUIET_MS = Number(process.env['QUIET_SECONDS'] ?? 12) * 1_000;
/** Lists and watches are made anew so often, which is to make no difference. */
const TIMING = ['--audit-interval-ms', '3000', '--watch-idle-timeout-ms', '2000'];

describe('three replicas of the operator at a real API server', function () {
  this.timeout(120_000);
  let api: TestApiServer;
  let cluster: Cluster;
  const planes = new Map<string, Plane>();
  const relays = new Map<string, TcpRelay>();
  const proxies = new Map<string, ProxyClient>();
  let clusterIp = '';
  let pings: NodeJS.Timeout;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    api = await startApiServer();
    cluster = new Cluster(api);
    // Roles split: whoever leads first has no proxies of its own.
    await start('op-0', 'controllers');
    await cluster.apply('namespaces', '', NAMESPACE, {});
    const accounts = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`;
    await cluster.create(accounts, { metadata: { name: 'default' } }).catch(() => {});
    await cluster.apply('services', NAMESPACE, 'web', { spec: { selector: { app: 'x' }, ports: [{ port: 80 }] } });
    const { spec } = await cluster.get('services', NAMESPACE, 'web');
    clusterIp = (spec as { clusterIP: string }).clusterIP;
    for (let i = 0; i < PODS; i++) {
      await cluster.apply('pods', NAMESPACE, `client-${i}`, {
        spec: { serviceAccountName: 'default', containers: [{ name: 'app', image: 'app' }] },
      });
    }
    await cluster.apply('meshes', '', 'default', { spec: {} });
    await cluster.apply('trafficsplits', NAMESPACE, 'web', split('web'));
    await start('op-1', 'config,identity');
    await start('op-2', 'config,identity');
    for (let i = 0; i < OBJECTS; i++) {
      await cluster.apply('servers', NAMESPACE, `s-${i}`, { spec: { podSelector: {}, port: 1_000 + i } });
    }
    for (let i = 0; i < PODS; i++) await connect(`client-${i}`, i % 3 === 0 ? 'op-1' : 'op-2');
    pings = setInterval(() => {
      for (const proxy of proxies.values()) if (!proxy.closed) proxy.send({ type: 'ping' });
    }, 5_000);
  });

  after(async () => {
    clearInterval(pings);
    for (const proxy of proxies.values()) await proxy.close();
    for (const plane of planes.values()) await plane.stop();
    for (const relay of relays.values()) await relay.stop();
    await cluster?.close();
    await api?.stop();
  });

  async function start(name: string, roles: string): Promise<Plane> {
    const plane = await new Plane(api, name, {
      flags: ['--roles', roles, '--retry-ms', '300', ...TIMING],
      replicas: { addressOf: () => '127.0.0.1', timing: { patienceMs: PATIENCE_MS, silentMs: 6_000 } },
    }).start();
    planes.set(name, plane);
    const port = await eventually('its ports', () =>
      roles.includes('config') ? plane.operator.ports.get('configuration stream') : 1,
    );
    if (roles.includes('config')) {
      const relay = await new TcpRelay(port).start();
      relays.set(name, relay);
      await endpoint(name, Number(new URL(relay.url).port));
    }
    return plane;
  }

  /** What the EndpointSlice controller does; each replica has ports of its own here. */
  async function endpoint(name: string, port: number): Promise<void> {
    await cluster.apply('endpointslices', 'weft-system', `weft-operator-${name}`, {
      metadata: { labels: { 'kubernetes.io/service-name': 'weft-operator' } },
      addressType: 'IPv4',
      ports: [{ name: 'config', port }],
      endpoints: [
        {
          addresses: [`10.2.0.${name.at(-1)}`],
          conditions: { ready: true },
          targetRef: { kind: 'Pod', name, namespace: 'weft-system' },
        },
      ],
    });
  }

  async function connect(pod: string, replica: string): Promise<ProxyClient> {
    const proxy = await planes.get(replica)!.proxy(NAMESPACE, pod);
    const key = `service/${clusterIp}:80`;
    proxy.send({ type: 'subscribe', keys: [key] });
    await proxy.until(() => proxy.held.has(key), key);
    proxies.set(pod, proxy);
    return proxy;
  }

  function split(...services: string[]) {
    return { spec: { service: 'web', backends: services.map((service) => ({ service, weight: 1 })) } };
  }

  const shareOf = async (plural: 'trafficsplits' | 'servers' | 'meshes', namespace: string, name: string) =>
    (await cluster.get(plural, namespace, name)).status?.proxies;

  async function says(share: string): Promise<void> {
    const split = () => shareOf('trafficsplits', NAMESPACE, 'web');
    await eventually(`${share} on the split`, async () => (await split()) === share, TRUE_WITHIN_MS);
    const servers = async () => (await cluster.list('servers', NAMESPACE)).items.map(({ status }) => status?.proxies);
    await eventually(
      `${share} on all Servers`,
      async () => (await servers()).every((each) => each === share),
      TRUE_WITHIN_MS,
    );
    await eventually(
      `${share} on the Mesh`,
      async () => (await shareOf('meshes', '', 'default')) === share,
      TRUE_WITHIN_MS,
    );
  }

  it('count the proxies of all, also where the leader has none', async () => {
    await says(`${PODS}/${PODS}`);
    const done = await cluster.condition('trafficsplits', NAMESPACE, 'web', 'Programmed', 'True');
    expect(done).to.include({ reason: 'Acknowledged', message: `${PODS}/${PODS} proxies run with it` });
    expect(await planes.get('op-0')!.metric('weft_replicas_followed{state="reporting"}')).to.equal(2);
  });

  it('say on one object what a proxy of another replica has refused, and that it is well again', async () => {
    const proxy = proxies.get('client-1')!;
    proxy.refuse.set(`service/${clusterIp}:80`, 'no such rule');
    await cluster.apply('trafficsplits', NAMESPACE, 'web', split('web', 'other'));
    const refused = await cluster.condition('trafficsplits', NAMESPACE, 'web', 'Programmed', 'False', TRUE_WITHIN_MS);
    expect(refused.reason).to.equal('Rejected');
    expect(refused.message).to.contain('fleet/client-1 refused').and.to.contain('no such rule');
    proxy.refuse.clear();
    await cluster.apply('trafficsplits', NAMESPACE, 'web', split('web'));
    await cluster.condition('trafficsplits', NAMESPACE, 'web', 'Programmed', 'True', TRUE_WITHIN_MS);
    await says(`${PODS}/${PODS}`);
  });

  it('write nothing while nothing changes: lists and watches made anew, beats, pings, renewals of the lease', async function () {
    this.timeout(QUIET_MS + 60_000);
    const leader = planes.get('op-0')!;
    const lists = () => leader.metric('weft_cache_lists_total{kind="servers"}');
    const restarts = () => leader.metric('weft_cache_watches_total{kind="servers"}');
    const [before, listed, watched] = [await countWrites(api), await lists(), await restarts()];
    await sleep(QUIET_MS);
    const after = await countWrites(api);
    expect(
      [...planes.values()].flatMap(({ lost }) => lost.map(String)),
      'the leader led all the time',
    ).to.deep.equal([]);
    const written = Object.entries(after).flatMap(([what, count]) => {
      const more = count - (before[what] ?? 0);
      return more === 0 ? [] : [[what, more] as const];
    });
    expect(Object.fromEntries(written.filter(([what]) => !what.includes('leases')))).to.deep.equal({});
    expect(
      written.map(([what]) => what),
      'the lease is renewed, so that writes are counted',
    ).to.include('PUT leases');
    expect(await lists(), 'lists were made').to.be.above(listed);
    expect(await restarts(), 'watches were made').to.be.above(watched);
  });

  it('stay as they are while a replica cannot be heard for a moment, say so when that lasts, and are true again', async () => {
    const relay = relays.get('op-2')!;
    relay.cut();
    await sleep(1_000);
    expect(await shareOf('trafficsplits', NAMESPACE, 'web')).to.equal(`${PODS}/${PODS}`);
    relay.freeze();
    await says('unknown');
    const unseen = await cluster.condition('trafficsplits', NAMESPACE, 'web', 'Programmed', 'Unknown');
    expect(unseen.reason).to.equal('ProxiesNotVisible');
    expect(unseen.message).to.contain('one operator replica').and.to.contain('op-2');
    relay.thaw();
    await says(`${PODS}/${PODS}`);
    await cluster.condition('trafficsplits', NAMESPACE, 'web', 'Programmed', 'True', TRUE_WITHIN_MS);
  });

  it('are true within a bound when a replica is gone, whose proxies go to the others', async () => {
    await start('op-3', 'controllers,config,identity');
    const moved = [...proxies.keys()].filter((_, i) => i % 3 === 0);
    await planes.get('op-1')!.stop();
    planes.delete('op-1');
    await cluster.delete('endpointslices', 'weft-system', 'weft-operator-op-1');
    await says(`${PODS - moved.length}/${PODS - moved.length}`);
    for (const pod of moved) await connect(pod, 'op-3');
    await says(`${PODS}/${PODS}`);
  });

  it('are had whole by the next leader: no status says less in between', async () => {
    const seen = new Set<string | undefined>();
    const watching = (async () => {
      while (planes.has('op-0') || seen.size === 0) {
        seen.add(await shareOf('servers', NAMESPACE, 's-0'));
        await sleep(20);
      }
    })();
    await planes.get('op-0')!.stop();
    const next = planes.get('op-3')!;
    await eventually('another leader', () => next.operator.isLeader, TRUE_WITHIN_MS);
    const proxy = proxies.get('client-1')!;
    await proxy.close();
    await says(`${PODS - 1}/${PODS - 1}`);
    planes.delete('op-0');
    await watching;
    expect([...seen].sort()).to.deep.equal([`${PODS - 1}/${PODS - 1}`, `${PODS}/${PODS}`].sort());
  });

  it('count a proxy once that has moved without its old replica noticing', async () => {
    const before = proxies.get('client-2')!;
    await connect('client-2', 'op-3');
    await before.until(() => before.closed, 'the end of the old connection');
    await says(`${PODS - 1}/${PODS - 1}`);
    expect(await planes.get('op-3')!.metric('weft_replica_proxies_twice_total')).to.equal(1);
  });
});
