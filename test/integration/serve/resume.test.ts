import { expect } from 'chai';
import { KINDS } from '../../../crds/kinds/registry.ts';
import { SERVICE } from '../../../crds/kinds/service/model.ts';
import type { ServiceDestination, TrustResource } from '../../../proxy-image/contract/resources.ts';
import {
  profile,
  route,
  service,
  slice,
  sliceEndpoint,
  split,
  type TestCluster,
  webCluster,
} from '../../support/models.ts';
import type { ProxyClient } from './proxy-client.ts';
import { type BenchOptions, ServeBench } from './serve-bench.ts';

const WEB = 'service/10.0.0.1:80';
const WEB_ENDPOINTS = 'endpoints/app/web:80/ipv4';
const CANARY_ENDPOINTS = 'endpoints/app/canary:80/ipv4';

function routes(client: ProxyClient): string[] {
  return client.body<ServiceDestination>(WEB).policy.rules.map(({ section }) => section);
}

function ops(client: ProxyClient, from = 0): string[] {
  return client
    .changes()
    .slice(from)
    .map(({ op, key }) => `${op} ${key}`);
}

const benches: ServeBench[] = [];

async function replica(options: BenchOptions = {}): Promise<ServeBench> {
  const bench = await ServeBench.start(options);
  benches.push(bench);
  return bench;
}

async function stopAll(): Promise<void> {
  await Promise.all(benches.splice(0).map((bench) => bench.stop()));
}

/** The proxy has lost its connection and comes again, with what it holds. */
async function reconnect(bench: ServeBench, before: ProxyClient): Promise<ProxyClient> {
  await before.close();
  const client = await bench.connect();
  for (const [key, held] of before.held) client.held.set(key, held);
  client.hello('app', 'web-1', before.heldKeys());
  await client.settled();
  return client;
}

function withRoutes(cluster: TestCluster, ...names: string[]): ReadonlySet<string> {
  return cluster.apply('ServiceProfile', profile('web', { routes: names.map((name) => route(name)) }));
}

describe('configuration stream: reconnecting', () => {
  afterEach(stopAll);

  it('sends nothing to a proxy that has everything, and goes on with its subscriptions', async () => {
    const bench = await replica();
    const client = await reconnect(bench, await bench.subscribed(WEB));
    expect(client.batches).to.deep.equal([]);
    bench.change(withRoutes(bench.cluster, 'a'));
    await client.until(() => routes(client).includes('a'));
  });

  it('sends only what changed meanwhile, endpoints as a patch', async () => {
    const bench = await replica();
    const many = (last: number) =>
      slice(
        'web-abc',
        'web',
        Array.from({ length: 30 }, (_, at) => sliceEndpoint(`10.1.0.${at === 29 ? last : at + 1}`)),
      );
    bench.cluster.apply('EndpointSlice', many(100));
    const before = await bench.subscribed(WEB);
    // Somebody else keeps the resource in use; otherwise the replica would have forgotten the earlier version.
    const other = await bench.proxy('web-2');
    other.send({ type: 'subscribe', keys: [WEB] });
    await other.until(() => other.held.has(WEB_ENDPOINTS));
    await before.close();
    bench.change(bench.cluster.apply('EndpointSlice', many(101)));
    await other.until(() => other.addresses(WEB_ENDPOINTS).includes('10.1.0.101'));
    const client = await reconnect(bench, before);
    await client.until(() => client.addresses(WEB_ENDPOINTS).includes('10.1.0.101'));
    expect(ops(client)).to.deep.equal([`patch ${WEB_ENDPOINTS}`]);
  });

  it('gets the whole from a replica that never knew the version held', async () => {
    const [a, b] = [await replica(), await replica({ cluster: webCluster() })];
    const before = await a.subscribed(WEB);
    b.cluster.apply('EndpointSlice', slice('web-abc', 'web', [sliceEndpoint('10.1.0.1')]));
    const client = await reconnect(b, before);
    await client.until(() => client.addresses(WEB_ENDPOINTS).length === 1);
    expect(ops(client)).to.include(`set ${WEB_ENDPOINTS}`);
    expect(ops(client)).not.to.include(`set ${WEB}`);
  });

  it('is told to drop endpoints that no service names any more', async () => {
    const bench = await replica();
    bench.cluster.apply('Service', service('canary', '10.0.0.2'));
    const before = await bench.subscribed(WEB);
    await before.close();
    bench.cluster.apply('TrafficSplit', split('s', 'web', { canary: 1 }));
    const client = await reconnect(bench, before);
    await client.until(() => !client.held.has(WEB_ENDPOINTS));
    expect(ops(client)).to.deep.equal([`set ${CANARY_ENDPOINTS}`, `set ${WEB}`, `delete ${WEB_ENDPOINTS}`]);
  });

  it('keeps the endpoints of a service whose newest version it refuses', async () => {
    const bench = await replica();
    bench.cluster.apply('Service', service('canary', '10.0.0.2'));
    const before = await bench.subscribed(WEB);
    await before.close();
    bench.cluster.apply('TrafficSplit', split('s', 'web', { canary: 1 }));
    const client = await bench.connect();
    for (const [key, held] of before.held) client.held.set(key, held);
    client.refuse.set(WEB, 'no');
    client.hello('app', 'web-1', before.heldKeys());
    await client.until(() => client.held.has(CANARY_ENDPOINTS));
    await client.settled();
    await client.settled();
    expect(client.held.has(WEB_ENDPOINTS)).to.equal(true);
  });

  it('ignores held keys that are nonsense, and drops them', async () => {
    const bench = await replica();
    const client = await bench.connect();
    const held = ['gateway/x', 'service/[::1]:080', 'endpoints/app/old:80/ipv4'];
    client.hello(
      'app',
      'web-1',
      held.map((key) => ({ key, version: 'v', sources: '1' })),
    );
    await client.until(
      () => client.held.has('workload/app/web-1') && client.changes().some(({ op }) => op === 'delete'),
    );
    expect(ops(client).filter((op) => op.startsWith('delete'))).to.deep.equal(held.map((key) => `delete ${key}`));
  });
});

describe('configuration stream: replicas', () => {
  afterEach(stopAll);

  /** Two replicas of one cluster; what happened after the split-off has only been seen by the first. */
  async function lagging(limits: BenchOptions['limits'] = {}) {
    const ahead = await replica();
    const behind = await replica({ limits });
    ahead.change(withRoutes(ahead.cluster, 'new'));
    const client = await reconnect(behind, await ahead.subscribed(WEB));
    return { ahead, behind, client };
  }

  it('never replaces what a proxy holds by something older', async () => {
    const { behind, client } = await lagging();
    // Another event of the lagging replica is no reason either.
    behind.change(behind.cluster.apply('Service', service('other', '10.0.0.9')));
    await client.settled();
    expect(routes(client)).to.deep.equal(['new']);
  });

  it('says nothing when it has caught up to the same', async () => {
    const { behind, client } = await lagging();
    const before = client.changes().filter(({ key }) => key === WEB).length;
    behind.change(withRoutes(behind.cluster, 'new'));
    await client.settled();
    expect(client.changes().filter(({ key }) => key === WEB).length).to.equal(before);
  });

  it('goes on at once with what is newer', async () => {
    const { behind, client } = await lagging();
    behind.change(withRoutes(behind.cluster, 'new'));
    behind.change(withRoutes(behind.cluster, 'newest'));
    await client.until(() => routes(client).includes('newest'));
  });

  it('sends what looks older once bookmarks prove that it has seen everything', async () => {
    const { behind, client } = await lagging();
    for (const kind of KINDS) behind.cluster.state.advance(kind, '5000');
    await client.until(() => routes(client).length === 0);
  });

  it('knows that it has seen an object that was written again without another meaning', async () => {
    const [ahead, other] = [await replica(), await replica()];
    const rewritten = service('web', '10.0.0.1', { meta: { resourceVersion: '3000' } });
    ahead.change(ahead.cluster.state.apply(SERVICE, rewritten, rewritten.meta));
    const before = await ahead.subscribed(WEB);
    expect(before.body(WEB).sources).to.equal('3000');
    // The other one compiles a newer profile first, then sees the Service again, which recompiles nothing.
    const keeper = await other.proxy('web-2');
    keeper.send({ type: 'subscribe', keys: [WEB] });
    other.change(withRoutes(other.cluster, 'newer'));
    await keeper.until(() => keeper.held.has(WEB) && routes(keeper).includes('newer'));
    other.change(other.cluster.state.apply(SERVICE, rewritten, rewritten.meta));
    const client = await reconnect(other, before);
    await client.until(() => routes(client).includes('newer'));
    expect(other.withheld).to.deep.equal([]);
  });

  it('does not wait for ever: revisions may have been set back by a restored etcd', async () => {
    const { client } = await lagging({ withholdMs: 200 });
    await client.until(() => routes(client).length === 0);
  });
});

describe('configuration stream: refusals', () => {
  afterEach(stopAll);

  it('does not send a refused version again, and sends the next one', async () => {
    const bench = await replica();
    const client = await bench.subscribed(WEB);
    client.refuse.set(WEB, 'routes[0].match: unknown rule type');
    bench.change(withRoutes(bench.cluster, 'bad'));
    await client.until(() => ops(client).filter((op) => op === `set ${WEB}`).length === 2);
    client.refuse.clear();
    const before = client.changes().length;
    bench.change(bench.cluster.apply('EndpointSlice', slice('web-abc', 'web', [sliceEndpoint('10.1.0.9')])));
    await client.until(() => client.addresses(WEB_ENDPOINTS).length === 1);
    expect(ops(client, before)).to.deep.equal([`set ${WEB_ENDPOINTS}`]);
    bench.change(withRoutes(bench.cluster, 'good'));
    await client.until(() => routes(client).includes('good'));
  });

  it('takes the rest of a batch', async () => {
    const bench = await replica();
    const client = await bench.proxy();
    client.refuse.set(WEB, 'no');
    client.send({ type: 'subscribe', keys: [WEB, 'service/10.9.9.9:1'] });
    await client.until(() => client.held.has('service/10.9.9.9:1'));
    expect(client.held.has(WEB)).to.equal(false);
    expect(client.held.has(WEB_ENDPOINTS)).to.equal(true);
  });

  it('counts what is too large for a message as refused, and goes on', async () => {
    const bench = await replica();
    const client = await bench.proxy();
    bench.change(bench.cluster.state.applyTrust({ anchorsPem: 'x'.repeat(17 * 1024 * 1024), resourceVersion: '2' }));
    client.send({ type: 'subscribe', keys: [WEB] });
    await client.until(() => client.held.has(WEB));
    await client.settled();
    expect(client.body<TrustResource>('trust').anchorsPem).to.equal(bench.authority.anchorsPem);
    expect(bench.server.connections()).to.deep.equal({ connected: 1, current: 1 });
  });

  it('keeps the endpoints of the version that is in force', async () => {
    const bench = await replica();
    bench.cluster.apply('Service', service('canary', '10.0.0.2'));
    const client = await bench.subscribed(WEB);
    client.refuse.set(WEB, 'no');
    bench.change(bench.cluster.apply('TrafficSplit', split('s', 'web', { canary: 1 })));
    await client.until(() => client.held.has(CANARY_ENDPOINTS));
    await client.settled();
    expect(client.held.has(WEB_ENDPOINTS)).to.equal(true);
    bench.change(bench.cluster.apply('EndpointSlice', slice('web-abc', 'web', [sliceEndpoint('10.1.0.9')])));
    await client.until(() => client.addresses(WEB_ENDPOINTS).includes('10.1.0.9'));
    client.refuse.clear();
    bench.change(bench.cluster.apply('TrafficSplit', split('s', 'web', { canary: 2 })));
    await client.until(() => !client.held.has(WEB_ENDPOINTS));
  });

  it('patches against the version that is in force, not against a refused one', async () => {
    const bench = await replica();
    const scaled = (count: number) =>
      slice(
        'web-abc',
        'web',
        Array.from({ length: count }, (_, at) => sliceEndpoint(`10.1.0.${at + 1}`)),
      );
    bench.cluster.apply('EndpointSlice', scaled(20));
    const client = await bench.subscribed(WEB);
    client.refuse.set(WEB_ENDPOINTS, 'no');
    const before = client.batches.length;
    bench.change(bench.cluster.apply('EndpointSlice', scaled(21)));
    await client.until(() => client.batches.length > before);
    await client.settled();
    client.refuse.clear();
    bench.change(bench.cluster.apply('EndpointSlice', scaled(22)));
    // The client throws when a patch does not fit what it holds.
    await client.until(() => client.addresses(WEB_ENDPOINTS).length === 22);
    expect(client.changes().at(-1)?.op).to.equal('patch');
  });
});
