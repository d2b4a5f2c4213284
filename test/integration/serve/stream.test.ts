import { expect } from 'chai';
import type { ServiceDestination, WorkloadResource } from '../../../proxy-image/contract/resources.ts';
import { pod, profile, route, server, service, slice, sliceEndpoint, split } from '../../support/models.ts';
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

describe('configuration stream', () => {
  let bench: ServeBench;

  async function start(options: BenchOptions = {}): Promise<ServeBench> {
    bench = await ServeBench.start(options);
    return bench;
  }

  afterEach(() => bench.stop());

  function withRoutes(...names: string[]): void {
    bench.change(bench.cluster.apply('ServiceProfile', profile('web', { routes: names.map((name) => route(name)) })));
  }

  /** `count` pods behind `web`; as many endpoints. */
  function scale(count: number, from = 1): void {
    const addresses = Array.from(
      { length: count },
      (_, at) => `10.2.${Math.floor((from + at) / 250)}.${((from + at) % 250) + 1}`,
    );
    const endpoints = addresses.map((address) => sliceEndpoint(address));
    bench.change(bench.cluster.apply('EndpointSlice', slice('web-abc', 'web', endpoints)));
  }

  it('pushes workload and trust before anything is asked', async () => {
    await start();
    const client = await bench.proxy();
    expect(ops(client)).to.have.members(['set workload/app/web-1', 'set trust']);
    expect(client.body<WorkloadResource>('workload/app/web-1').pod).to.equal('web-1');
  });

  it('answers a Service together with its endpoints, which come first', async () => {
    await start();
    const client = await bench.proxy();
    client.send({ type: 'subscribe', keys: [WEB] });
    await client.until(() => client.held.has(WEB));
    const answer = client.batches.at(-1);
    expect(answer?.changes.map(({ key }) => key)).to.deep.equal([WEB_ENDPOINTS, WEB]);
    expect(client.addresses(WEB_ENDPOINTS)).to.deep.equal(['10.1.0.1', '10.1.0.2']);
  });

  it('answers unknown addresses, and later that they are known', async () => {
    await start();
    const client = await bench.subscribed('service/10.0.0.9:80');
    expect(client.body('service/10.0.0.9:80')).to.deep.include({ type: 'unknown' });
    bench.change(bench.cluster.apply('Service', service('new', '10.0.0.9')));
    await client.until(() => client.held.has('endpoints/app/new:80/ipv4'));
    expect(client.body('service/10.0.0.9:80')).to.deep.include({ type: 'service', service: 'new' });
  });

  it('sends a change to those who subscribe, and only the key that changed', async () => {
    await start();
    const client = await bench.subscribed(WEB);
    const other = await bench.proxy('web-2');
    const [before, otherBefore] = [client.changes().length, other.changes().length];
    withRoutes('a');
    await client.until(() => routes(client).length === 1);
    await other.until(() => other.changes().length > otherBefore);
    // Both pods are behind the Service: its routes count on their inbound side too.
    expect(ops(client, before)).to.have.members(['set workload/app/web-1', `set ${WEB}`]);
    expect(ops(other, otherBefore)).to.deep.equal(['set workload/app/web-2']);
  });

  it('sends nothing when an object is written without another meaning', async () => {
    await start();
    const client = await bench.subscribed(WEB);
    const before = client.batches.length;
    bench.change(bench.cluster.apply('Service', service('web', '10.0.0.1')));
    bench.change(bench.cluster.apply('ServiceProfile', profile('web')));
    await new Promise((resolve) => setImmediate(resolve));
    await client.settled();
    expect(client.batches.length).to.equal(before);
  });

  it('gives the profile in the namespace of a client to the proxies of that namespace only (C14)', async () => {
    await start();
    bench.cluster.apply('Pod', pod('c', '10.1.9.1', { serviceAccount: 'traffic', meta: { namespace: 'client' } }));
    const inside = await bench.subscribed(WEB);
    const outside = await bench.connect('traffic', 'client');
    outside.hello('client', 'c');
    outside.send({ type: 'subscribe', keys: [WEB] });
    await outside.until(() => outside.held.has(WEB));
    const own = profile('web', { meta: { namespace: 'client' }, routes: [route('consumer')] });
    bench.change(bench.cluster.apply('ServiceProfile', own));
    await outside.until(() => routes(outside).length === 1);
    bench.change(bench.cluster.remove('ServiceProfile', own));
    await outside.until(() => routes(outside).length === 0);
    await inside.settled();
    expect(routes(inside)).to.deep.equal([]);
  });

  it('patches endpoints against what the proxy holds', async () => {
    await start();
    scale(40);
    const client = await bench.subscribed(WEB);
    const before = client.changes().length;
    scale(40, 2);
    await client.until(() => !client.addresses(WEB_ENDPOINTS).includes('10.2.0.2'));
    const [change] = client.changes().slice(before);
    if (change?.op !== 'patch') throw new Error(`expected a patch, got ${change?.op}`);
    expect(change.removed).to.deep.equal(['10.2.0.2:8080']);
    expect(change.added.map(({ address }) => address)).to.deep.equal(['10.2.0.42']);
    expect(client.addresses(WEB_ENDPOINTS)).to.have.length(40);
  });

  it('sends endpoints whole when most of them changed', async () => {
    await start();
    scale(10);
    const client = await bench.subscribed(WEB);
    const before = client.changes().length;
    scale(10, 100);
    await client.until(() => client.addresses(WEB_ENDPOINTS).includes('10.2.0.101'));
    expect(ops(client, before)).to.deep.equal([`set ${WEB_ENDPOINTS}`]);
  });

  it('sends one batch at a time, and after its ack the newest value only', async () => {
    await start();
    const client = await bench.subscribed(WEB);
    client.acknowledging = false;
    const before = client.batches.length;
    withRoutes('first');
    await client.until(() => routes(client).includes('first'));
    for (let turn = 0; turn < 20; turn += 1) {
      withRoutes(`turn-${turn}`);
      await client.settled();
    }
    expect(client.batches.length).to.equal(before + 1);
    client.acknowledging = true;
    client.acknowledgeLast();
    await client.until(() => routes(client).includes('turn-19'));
    await client.settled();
    expect(client.batches.length).to.equal(before + 2);
  });

  it('adds the endpoints of a new backend before the split that names it, and drops those of the old one', async () => {
    await start();
    bench.cluster.apply('Service', service('canary', '10.0.0.2'));
    const client = await bench.subscribed(WEB);
    const before = client.changes().length;
    bench.change(bench.cluster.apply('TrafficSplit', split('s', 'web', { canary: 1 })));
    await client.until(() => client.held.has(CANARY_ENDPOINTS) && !client.held.has(WEB_ENDPOINTS));
    expect(ops(client, before)).to.deep.equal([`set ${CANARY_ENDPOINTS}`, `set ${WEB}`, `delete ${WEB_ENDPOINTS}`]);
    expect(client.batches.at(-2)?.changes).to.have.length(2);
  });

  it('releases what was unsubscribed, with the endpoints that nothing else names', async () => {
    await start();
    const client = await bench.subscribed(WEB);
    client.send({ type: 'unsubscribe', keys: [WEB, 'trust', 'workload/app/web-1'] });
    await client.until(() => !client.held.has(WEB_ENDPOINTS));
    const before = client.changes().length;
    withRoutes('unseen');
    bench.change(bench.cluster.apply('Server', server('web')));
    await client.until(() => client.changes().length > before);
    await client.settled();
    expect(ops(client, before)).to.deep.equal(['set workload/app/web-1']);
    client.send({ type: 'subscribe', keys: [WEB] });
    await client.until(() => client.held.has(WEB_ENDPOINTS) && routes(client).includes('unseen'));
  });

  it('answers nothing before the stores are synced, then everything', async () => {
    await start({ synced: false });
    const client = await bench.connect();
    client.hello('app', 'web-1');
    client.send({ type: 'subscribe', keys: [WEB] });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(client.messages).to.deep.equal([]);
    bench.server.storesSynced();
    await client.until(() => client.held.has(WEB) && client.held.has('workload/app/web-1'));
  });

  it('splits a large answer into several batches', async () => {
    await start({ limits: { batchTargetBytes: 2_000 } });
    const names = Array.from({ length: 20 }, (_, at) => `s${at}`);
    for (const [at, name] of names.entries()) bench.cluster.apply('Service', service(name, `10.0.1.${at}`));
    const client = await bench.subscribed(...names.map((_, at) => `service/10.0.1.${at}:80`));
    expect(client.batches.length).to.be.greaterThan(5);
    // A Service never travels without its endpoints.
    for (const { changes } of client.batches) {
      const keys = changes.map(({ key }) => key);
      for (const [at, key] of keys.entries()) {
        if (key.startsWith('service/')) expect(keys[at - 1]).to.match(/^endpoints\//);
      }
    }
  });
});
