import { expect } from 'chai';
import { SERVER_AUTHORIZATION } from '../../../crds/kinds/authorization/server-authorization.ts';
import { SERVER } from '../../../crds/kinds/server/model.ts';
import { SERVICE_PROFILE } from '../../../crds/kinds/service-profile/model.ts';
import { TRAFFIC_SPLIT } from '../../../crds/kinds/traffic-split/model.ts';
import { formatRef, type ObjectRef } from '../../../crds/state/object-ref.ts';
import type { KindName } from '../../../crds/types/kind-name.ts';
import type { ServiceDestination } from '../../../proxy-image/contract/resources.ts';
import { authorization, pod, profile, route, server, split } from '../../support/models.ts';
import type { ProxyClient } from './proxy-client.ts';
import { ServeBench } from './serve-bench.ts';

const WEB = 'service/10.0.0.1:80';
const PROFILE: ObjectRef = { kind: SERVICE_PROFILE.id, namespace: 'app', name: 'web.app.svc.cluster.local' };

describe('configuration stream: how many proxies are programmed', () => {
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

  it('is nobody while nobody needs the object', async () => {
    withRoutes('a');
    expect(bench.server.programmed(PROFILE)).to.deep.equal({
      proxies: 0,
      current: 0,
      behind: [],
      sinceMs: 0,
      rejections: [],
    });
  });

  it('counts those that acknowledged, and names the others, since when they are behind', async () => {
    const clients = [await subscriber('web-1'), await subscriber('web-2')];
    const [first, second] = clients;
    if (first === undefined || second === undefined) throw new Error('two clients');
    second.acknowledging = false;
    const beforeMs = performance.now();
    withRoutes('a');
    for (const client of clients)
      await client.until(() => client.body<ServiceDestination>(WEB).policy.rules.length === 1);
    await first.settled();
    const behind = bench.server.programmed(PROFILE);
    expect(behind).to.deep.include({ proxies: 2, current: 1, behind: ['app/web-2'] });
    expect(behind.sinceMs).to.be.within(beforeMs, performance.now());
    withRoutes('b');
    await first.settled();
    expect(bench.server.programmed(PROFILE).sinceMs).to.equal(behind.sinceMs);
    second.acknowledging = true;
    second.acknowledgeLast();
    await second.until(() => second.body<ServiceDestination>(WEB).policy.rules[0]?.section === 'b');
    await second.settled();
    expect(bench.server.programmed(PROFILE)).to.deep.include({ proxies: 2, current: 2, behind: [], sinceMs: 0 });
  });

  it('says who refused, and why', async () => {
    const client = await subscriber('web-1');
    client.refuse.set(WEB, 'routes[0]: no');
    const before = client.batches.length;
    withRoutes('a');
    await client.until(() => client.batches.length > before);
    await client.settled();
    const refused = bench.server.programmed(PROFILE);
    expect(refused).to.deep.include({ proxies: 1, current: 0, behind: ['app/web-1'] });
    expect(refused.rejections).to.deep.equal([{ proxy: 'app/web-1', key: WEB, problems: ['routes[0]: no'] }]);
    expect(refused.sinceMs).to.be.greaterThan(0);
  });

  it('does not count proxies that left', async () => {
    withRoutes('a');
    const client = await subscriber('web-1');
    expect(bench.server.programmed(PROFILE).proxies).to.equal(1);
    await client.close();
    const other = await bench.proxy('web-2');
    await other.settled();
    // Its workload has the inbound routes of the same profile.
    expect(bench.server.programmed(PROFILE)).to.deep.include({ proxies: 1, current: 1 });
  });

  it('counts Servers, authorizations and the split that wins, by what is made from them', async () => {
    bench.cluster.apply('Server', server('web'));
    bench.cluster.apply('ServerAuthorization', authorization('a'), authorization('b', { server: { name: 'none' } }));
    bench.cluster.apply('TrafficSplit', split('s1', 'web', { web: 1 }), split('s2', 'web', { web: 2 }));
    bench.cluster.apply('Pod', pod('traffic', '10.1.5.5', { meta: { labels: { app: 'traffic' } } }));
    const client = await bench.proxy('web-1');
    const traffic = await subscriber('traffic');
    await client.settled();
    const proxies = ({ id: kind }: KindName, name: string) => {
      return bench.server.programmed({ kind, namespace: 'app', name }).proxies;
    };
    expect(proxies(SERVER_AUTHORIZATION, 'a')).to.equal(1);
    expect(proxies(SERVER_AUTHORIZATION, 'b')).to.equal(0);
    expect(proxies(TRAFFIC_SPLIT, 's1')).to.equal(1);
    expect(proxies(TRAFFIC_SPLIT, 's2')).to.equal(0);
    // The Server decides for the pod, and for its client whether the endpoints are opaque.
    expect(proxies(SERVER, 'web')).to.equal(2);
    await traffic.settled();
  });

  it('tells of progress, several changes together', async () => {
    const client = await subscriber('web-1');
    withRoutes('a');
    await client.until(() => bench.progress.length > 0);
    expect(bench.progress.map(formatRef)).to.deep.equal([formatRef(PROFILE)]);
  });
});
