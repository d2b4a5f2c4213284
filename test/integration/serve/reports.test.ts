import { expect } from 'chai';
import { profile, route } from '../../support/models.ts';
import type { ProxyClient } from './proxy-client.ts';
import { ServeBench } from './serve-bench.ts';

const WEB = 'service/10.0.0.1:80';

describe('configuration stream: what each proxy has beside what it should have', () => {
  let bench: ServeBench;

  beforeEach(async () => {
    bench = await ServeBench.start();
  });
  afterEach(() => bench.stop());

  function withRoutes(...names: string[]): void {
    bench.change(bench.cluster.apply('ServiceProfile', profile('web', { routes: names.map((name) => route(name)) })));
  }

  async function subscriber(name: string): Promise<ProxyClient> {
    const client = await bench.proxy(name);
    client.send({ type: 'subscribe', keys: [WEB] });
    await client.until(() => client.held.has(WEB));
    await client.settled();
    return client;
  }

  const resource = (pod: string) => bench.server.report('app', pod)!.resources.find(({ key }) => key === WEB)!;

  it('names every key, with the version that was acknowledged', async () => {
    const client = await subscriber('web-1');
    const report = bench.server.report('app', 'web-1')!;
    expect(report).to.deep.include({ namespace: 'app', pod: 'web-1', proxyVersion: 't', revision: 2 });
    expect(report.address).to.match(/^127\.0\.0\.1:\d+$/);
    expect(report.acknowledgedMs).to.be.within(0, report.connectedMs);
    expect(report.resources.map(({ key }) => key)).to.deep.equal([...client.held.keys()].toSorted());
    for (const { key, held, wanted, state } of report.resources) {
      expect({ key, held, wanted, state }).to.deep.equal({
        key,
        held: client.held.get(key)!.version,
        wanted: client.held.get(key)!.version,
        state: 'current',
      });
    }
    expect(JSON.parse(resource('web-1').wantedText)).to.deep.equal(client.body(WEB));
  });

  it('says of a newer version whether it is on its way, waits, or was refused', async () => {
    const client = await subscriber('web-1');
    const before = resource('web-1').held;
    client.acknowledging = false;
    const sent = client.batches.length;
    withRoutes('a');
    await client.until(() => client.batches.length > sent);
    expect(resource('web-1')).to.deep.include({ held: before, state: 'sent', problems: [] });
    expect(resource('web-1').wanted).to.equal(client.held.get(WEB)!.version);
    withRoutes('b');
    await client.settled();
    expect(resource('web-1').behindMs).to.be.greaterThan(0);
    client.refuse.set(WEB, 'routes[0]: no');
    client.acknowledging = true;
    client.acknowledgeLast();
    await client.until(() => client.batches.length > sent + 1);
    await client.settled();
    expect(resource('web-1')).to.deep.include({ state: 'refused', problems: ['routes[0]: no'] });
    expect(resource('web-1').held).not.to.equal(resource('web-1').wanted);
  });

  it('lists those that are connected, of a namespace or of all', async () => {
    await subscriber('web-2');
    const first = await subscriber('web-1');
    const names = (namespace: string | null) => bench.server.reports(namespace).map(({ pod }) => pod);
    expect(names(null)).to.deep.equal(['web-1', 'web-2']);
    expect(names('app')).to.deep.equal(['web-1', 'web-2']);
    expect(names('other')).to.deep.equal([]);
    const [report] = bench.server.reports('app');
    expect(report).to.deep.include({ subscribed: first.held.size, resources: [] });
    await first.close();
    const other = await subscriber('web-2');
    await other.settled();
    expect(bench.server.report('app', 'web-1')).to.equal(null);
    expect(names(null)).to.deep.equal(['web-2']);
  });
});
