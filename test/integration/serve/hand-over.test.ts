import { expect } from 'chai';
import { eventually } from '../../support/eventually.ts';
import { pod, service, slice, sliceEndpoint, split, type TestCluster, webCluster } from '../../support/models.ts';
import type { ProxyClient } from './proxy-client.ts';
import { type BenchOptions, ServeBench } from './serve-bench.ts';

const SERVICES = 20;
const ENDPOINTS = 60;
const PROXIES = 60;
const KEYS = Array.from({ length: SERVICES }, (_, at) => `service/10.0.1.${at + 1}:80`);

/** Another replica at the same API server has the same. */
function cluster(): TestCluster {
  const world = webCluster();
  for (let at = 0; at < SERVICES; at++) {
    world.apply('Service', service(`s${at}`, `10.0.1.${at + 1}`));
    world.apply('EndpointSlice', endpoints(at));
  }
  for (let at = 0; at < PROXIES; at++) world.apply('Pod', pod(`p${at}`, `10.3.0.${at + 1}`));
  return world;
}

function endpoints(of: number, last = ENDPOINTS) {
  const hosts = Array.from({ length: ENDPOINTS }, (_, at) => (at === ENDPOINTS - 1 ? last : at + 1));
  return slice(
    `s${of}-abc`,
    `s${of}`,
    hosts.map((host) => sliceEndpoint(`10.2.${of}.${host}`)),
  );
}

describe('configuration stream: a proxy that goes to another replica', () => {
  const benches: ServeBench[] = [];
  const sentBytes = new Map<ServeBench, number>();

  afterEach(async () => {
    await Promise.all(benches.splice(0).map((bench) => bench.stop()));
  });

  async function replica(options: BenchOptions = {}): Promise<ServeBench> {
    const counted = {
      batchSent: (_: number, sizeBytes: number) => void sentBytes.set(bench, (sentBytes.get(bench) ?? 0) + sizeBytes),
    };
    const bench: ServeBench = await ServeBench.start({ cluster: cluster(), metrics: counted, ...options });
    benches.push(bench);
    sentBytes.set(bench, 0);
    return bench;
  }

  async function subscribed(bench: ServeBench, name: string): Promise<ProxyClient> {
    const proxy = await bench.proxy(name);
    proxy.send({ type: 'subscribe', keys: KEYS });
    await proxy.until(() => KEYS.every((key) => proxy.held.has(key)), 'its services');
    await proxy.settled();
    return proxy;
  }

  /** As a proxy does: it keeps what it has, and says so. */
  async function resume(bench: ServeBench, before: ProxyClient, name: string): Promise<ProxyClient> {
    const proxy = await bench.connect();
    for (const [key, held] of before.held) proxy.held.set(key, held);
    proxy.hello('app', name, before.heldKeys());
    await proxy.settled();
    return proxy;
  }

  it('is sent nothing by one that has seen the same', async () => {
    const authority = (await replica()).authority;
    const [from, to] = [benches[0]!, await replica({ authority })];
    const before = await subscribed(from, 'web-1');
    expect(sentBytes.get(from)).to.be.above(50_000);
    await before.close();
    const after = await resume(to, before, 'web-1');
    await eventually('all is looked at', () => to.server.connections().current === 1);
    await after.settled();
    expect(sentBytes.get(to)).to.equal(0);
    expect(to.server.report('app', 'web-1')?.subscribed).to.equal(2 * SERVICES + 2);
  });

  it('is sent what differs, and told what is gone: one endpoint of sixty, another backend, one deletion', async () => {
    const authority = (await replica()).authority;
    const [from, to] = [benches[0]!, await replica({ authority })];
    const before = await subscribed(from, 'web-1');
    await subscribed(to, 'web-2');
    await before.close();
    to.change(to.cluster.apply('EndpointSlice', endpoints(3, 200)));
    to.change(to.cluster.apply('TrafficSplit', split('s', 's5', { web: 1 })));
    const neighbour = to.server.report('app', 'web-2');
    expect(neighbour).not.to.equal(null);
    await eventually('its other proxy has it', () => to.server.connections().current === 1);
    const soFar = sentBytes.get(to)!;
    const after = await resume(to, before, 'web-1');
    await eventually('all is looked at', () => to.server.connections().current === 2);
    await after.settled();
    const changes = after.changes().map(({ op, key }) => `${op} ${key}`);
    expect(changes).to.have.members([
      'patch endpoints/app/s3:80/ipv4',
      'set endpoints/app/web:80/ipv4',
      'set service/10.0.1.6:80',
      'delete endpoints/app/s5:80/ipv4',
    ]);
    const patch = after.changes().find(({ op }) => op === 'patch');
    expect(JSON.stringify(patch).length).to.be.below(1_024);
    expect(sentBytes.get(to)! - soFar).to.be.below(soFar / 10);
    expect(after.addresses('endpoints/app/s3:80/ipv4')).to.include('10.2.3.200').and.not.to.include('10.2.3.60');
  });

  it('is told when a replica stops: ten every 0.1 s, the others are served meanwhile, nobody is let in', async () => {
    const limits = { handOverPerSecond: 100 };
    const first = await replica({ limits });
    const second = await replica({ authority: first.authority });
    const proxies = new Map<string, ProxyClient>();
    for (let at = 0; at < PROXIES; at++) proxies.set(`p${at}`, await first.proxy(`p${at}`));
    const last = proxies.get(`p${PROXIES - 1}`)!;
    last.send({ type: 'subscribe', keys: KEYS });
    await last.until(() => last.held.has(KEYS[0]!));
    const startMs = performance.now();
    const stopped = first.server.close();
    await proxies.get('p0')!.ended();
    expect([...proxies.values()].filter(({ closed }) => !closed)).to.have.length.above(PROXIES / 2);
    await first.connect().then(
      () => expect.fail('it was let in'),
      (error: { code?: string }) => expect(error.code).to.equal('ECONNREFUSED'),
    );
    first.change(first.cluster.apply('EndpointSlice', endpoints(3, 200)));
    await last.until(
      () =>
        last.held.has('endpoints/app/s3:80/ipv4') && last.addresses('endpoints/app/s3:80/ipv4').includes('10.2.3.200'),
    );
    second.change(second.cluster.apply('EndpointSlice', endpoints(3, 200)));
    const moved = [...proxies].map(async ([name, proxy]) => {
      expect((await proxy.ended())?.code).to.equal('WEFT_SERVE_STOPPING');
      await resume(second, proxy, name);
    });
    await Promise.all([stopped, ...moved]);
    expect(performance.now() - startMs).to.be.above((PROXIES / 10 - 1) * 100);
    expect(second.server.connections().connected).to.equal(PROXIES);
    expect(sentBytes.get(second)).to.equal(0);
  });
});
