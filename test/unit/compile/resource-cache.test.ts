import { expect } from 'chai';
import { type Audience, bodyOf, ResourceCache } from '../../../crds/compile/resource-cache.ts';
import { SERVICE_PROFILE } from '../../../crds/kinds/service-profile/model.ts';
import { parseKey } from '../../../proxy-image/contract/keys.ts';
import {
  override,
  pod,
  profile,
  route,
  service,
  slice,
  sliceEndpoint,
  split,
  TestCluster,
  webCluster,
} from '../../support/models.ts';

/** A cache with named subscribers, and a count of compilations. */
class CacheBench {
  readonly cluster: TestCluster;
  readonly cache: ResourceCache<string>;
  compilations: string[] = [];

  constructor(cluster = webCluster()) {
    this.cluster = cluster;
    this.cache = new ResourceCache(cluster.state, { compiled: ({ keyText }) => this.compilations.push(keyText) });
  }

  subscribe(text: string, clientNamespace = 'client', subscriber = 'a'): Audience<string> {
    const key = parseKey(text);
    if (key === null) throw new Error(text);
    return this.cache.subscribe(key, clientNamespace, subscriber);
  }

  /** Applies a change; returns the keys whose audience sees something else, with the number of compilations it took. */
  change(touched: ReadonlySet<string>): { keys: string[]; compilations: number } {
    this.compilations = [];
    this.cache.invalidate(touched);
    const changed = this.cache.refresh();
    return {
      keys: [...changed].map(({ keyText }) => keyText).sort(),
      compilations: this.compilations.length,
    };
  }
}

const WEB = 'service/10.0.0.1:80';
const WEB_ENDPOINTS = 'endpoints/app/web:80/ipv4';

describe('ResourceCache', () => {
  it('compiles once for all subscribers and client namespaces that see the same', () => {
    const bench = new CacheBench();
    const first = bench.subscribe(WEB, 'client', 'a');
    expect(bench.subscribe(WEB, 'client', 'b')).to.equal(first);
    expect(bench.subscribe(WEB, 'app', 'c').resource).to.equal(first.resource);
    expect(bench.compilations).to.deep.equal([WEB]);
    expect([...first.subscribers]).to.deep.equal(['a', 'b']);
  });

  it('recompiles only what read a changed object', () => {
    const bench = new CacheBench();
    bench.cluster.apply('Service', service('other', '10.0.0.2'));
    for (const key of [WEB, WEB_ENDPOINTS, 'service/10.0.0.2:80', 'service/192.0.2.1:80']) bench.subscribe(key);
    const changed = bench.change(bench.cluster.apply('ServiceProfile', profile('web', { routes: [route('r')] })));
    expect(changed).to.deep.equal({ keys: [WEB], compilations: 1 });
  });

  it('of a thousand Services, recompiles the endpoints of the one whose slice changes, and nothing that has routes', () => {
    const bench = new CacheBench(new TestCluster());
    const ipOf = (at: number) => `10.9.${at >> 8}.${at & 255}`;
    for (let at = 0; at < 1_000; at++) {
      bench.cluster.apply('Service', service(`s${at}`, ipOf(at)));
      bench.cluster.apply('ServiceProfile', profile(`s${at}`, { routes: [route('r')] }));
      bench.cluster.apply('EndpointSlice', slice(`s${at}`, `s${at}`, [sliceEndpoint('10.1.0.1')]));
      for (const namespace of ['client', 'other']) bench.subscribe(`service/${ipOf(at)}:80`, namespace);
      bench.subscribe(`endpoints/app/s${at}:80/ipv4`);
    }
    const changed = bench.change(bench.cluster.apply('EndpointSlice', slice('s7', 's7', [sliceEndpoint('10.1.0.2')])));
    expect(changed).to.deep.equal({ keys: ['endpoints/app/s7:80/ipv4'], compilations: 1 });
    expect(bench.change(bench.cluster.apply('ServiceProfile', profile('s7')))).to.deep.equal({
      keys: ['service/10.9.0.7:80', 'service/10.9.0.7:80'],
      compilations: 1,
    });
  });

  it('has one audience for all namespaces where they have no say', () => {
    const bench = new CacheBench();
    const subscribed = ['a', 'b', 'c'].map((namespace) => bench.subscribe(WEB_ENDPOINTS, namespace, namespace));
    expect(new Set(subscribed).size).to.equal(1);
    expect([...subscribed[0]!.subscribers]).to.deep.equal(['a', 'b', 'c']);
    for (const name of ['a', 'b', 'c']) bench.cache.unsubscribe(subscribed[0]!, name);
    expect(bench.cache.size).to.deep.equal({ resources: 0, audiences: 0 });
  });

  it('says nothing of a recompilation that gives the same bytes, and keeps what was encoded', () => {
    const bench = new CacheBench();
    const { resource } = bench.subscribe(WEB);
    const before = resource.compiled;
    const changed = bench.change(bench.cluster.apply('ServiceProfile', profile('web')));
    expect(changed).to.deep.equal({ keys: [], compilations: 1 });
    expect(resource.compiled).to.equal(before);
    expect(resource.sources).to.equal(String(bench.cluster.revision));
  });

  it('compiles a resource once for a burst of changes', () => {
    const bench = new CacheBench();
    bench.subscribe(WEB_ENDPOINTS);
    const touched = new Set<string>();
    for (let turn = 0; turn < 10; turn += 1) {
      const fields = { skipInboundPorts: [[turn + 1, turn + 1]] as [number, number][] };
      for (const read of bench.cluster.apply('Pod', pod('web-1', '10.1.0.1', fields))) touched.add(read);
    }
    expect(bench.change(touched).compilations).to.equal(1);
  });

  it('moves the clients of one namespace to a view of their own, and back', () => {
    const bench = new CacheBench();
    const client = bench.subscribe(WEB, 'client');
    const others = bench.subscribe(WEB, 'elsewhere');
    const own = profile('web', { meta: { namespace: 'client' }, routes: [route('consumer')] });
    expect(bench.change(bench.cluster.apply('ServiceProfile', own)).keys).to.deep.equal([WEB]);
    expect(client.resource.view).to.equal('client');
    expect(client.resource).not.to.equal(others.resource);
    expect(bench.change(bench.cluster.remove('ServiceProfile', own)).keys).to.deep.equal([WEB]);
    expect(client.resource).to.equal(others.resource);
    expect(bench.cache.size).to.deep.equal({ resources: 1, audiences: 2 });
  });

  it('looks for the profile of the Service that an address belongs to now', () => {
    const bench = new CacheBench();
    const audience = bench.subscribe(WEB, 'client');
    bench.change(bench.cluster.remove('Service', service('web', '10.0.0.1')));
    bench.change(bench.cluster.apply('Service', service('db', '10.0.0.1')));
    bench.change(bench.cluster.apply('ServiceProfile', profile('db', { meta: { namespace: 'client' } })));
    expect(audience.resource.view).to.equal('client');
  });

  it('takes notice when an address starts and stops to mean something', () => {
    const bench = new CacheBench();
    const { resource } = bench.subscribe('service/10.0.0.7:80');
    const type = () => {
      const body = resource.compiled === null ? {} : bodyOf(resource.compiled);
      return 'type' in body && body.type;
    };
    expect(type()).to.equal('unknown');
    bench.change(bench.cluster.apply('Pod', pod('p', '10.0.0.7')));
    expect(type()).to.equal('pod');
    bench.change(bench.cluster.apply('Service', service('s', '10.0.0.7')));
    expect(type()).to.equal('service');
    bench.change(bench.cluster.remove('Service', service('s', '10.0.0.7')));
    expect(type()).to.equal('pod');
  });

  it('keeps the last state of a workload whose pod is gone: it still drains', () => {
    const bench = new CacheBench();
    const { resource } = bench.subscribe('workload/app/web-1');
    const before = resource.compiled;
    expect(bench.change(bench.cluster.remove('Pod', pod('web-1', '10.1.0.1')))).to.deep.equal({
      keys: [],
      compilations: 1,
    });
    expect(resource.compiled).to.equal(before);
  });

  it('never lets sources fall, whatever a later state reads', () => {
    const bench = new CacheBench();
    const { resource } = bench.subscribe(WEB);
    bench.change(bench.cluster.apply('TrafficSplit', split('s', 'web', { gone: 1 })));
    const high = String(bench.cluster.revision);
    expect(resource.compiled?.sources).to.equal(high);
    // With dstOverrides the split, its newest source, is not even looked at.
    const old = profile('web', { meta: { resourceVersion: '5' }, dstOverrides: [override('web', 1)] });
    expect(bench.change(bench.cluster.state.apply(SERVICE_PROFILE, old, old.meta)).keys).to.deep.equal([WEB]);
    expect(resource.compiled?.sources).to.equal(high);
    expect(JSON.parse(resource.compiled?.text ?? '')).to.deep.include({ sources: high });
  });

  it('compiles at least one resource per slice and remembers the rest', () => {
    const bench = new CacheBench();
    for (const key of [WEB, WEB_ENDPOINTS]) bench.subscribe(key);
    bench.cache.invalidate(
      bench.cluster.apply('Service', service('web', '10.0.0.1', { internalTrafficPolicy: 'Local' })),
    );
    bench.compilations = [];
    let slices = 0;
    while (bench.cache.stale && slices < 10) {
      slices += 1;
      bench.cache.refresh(() => false);
    }
    // The resources of the two keys, and the choice of view of the first one.
    expect(slices).to.equal(3);
    expect(bench.compilations.sort()).to.deep.equal([WEB_ENDPOINTS, WEB]);
  });

  it('forgets everything about what nobody subscribes to', () => {
    const bench = new CacheBench();
    bench.cluster.apply('ServiceProfile', profile('web', { routes: [route('r')] }));
    const audience = bench.subscribe(WEB, 'client', 'a');
    bench.subscribe(WEB, 'client', 'b');
    bench.cache.unsubscribe(audience, 'a');
    expect(bench.cache.size.resources).to.equal(1);
    bench.cache.unsubscribe(audience, 'b');
    expect(bench.cache.size).to.deep.equal({ resources: 0, audiences: 0 });
    expect([...bench.cache.using('ServiceProfile.linkerd.io/app/web.app.svc.cluster.local')]).to.deep.equal([]);
    expect(bench.change(bench.cluster.apply('Service', service('web', '10.0.0.1', { ports: [] })))).to.deep.equal({
      keys: [],
      compilations: 0,
    });
  });

  it('finds the resources that an object takes part in', () => {
    const bench = new CacheBench();
    bench.cluster.apply('TrafficSplit', split('s', 'web', { web: 1 }));
    for (const key of [WEB, WEB_ENDPOINTS]) bench.subscribe(key);
    const using = () => [...bench.cache.using('TrafficSplit.split.smi-spec.io/app/s')].map(({ keyText }) => keyText);
    expect(using()).to.deep.equal([WEB]);
    bench.change(bench.cluster.remove('TrafficSplit', split('s', 'web', {})));
    expect(using()).to.deep.equal([]);
  });

  it('tells which objects take part in something that they did not, or no longer do', () => {
    const cluster = webCluster();
    const used: string[] = [];
    const cache = new ResourceCache<string>(cluster.state, { used: (objects) => used.push(...objects) });
    const bench = (touched: ReadonlySet<string>) => {
      used.length = 0;
      cache.invalidate(touched);
      cache.refresh();
      return [...new Set(used)].map((text) => text.split('/').at(-1)).sort();
    };
    cache.subscribe(parseKey(WEB)!, 'client', 'a');
    expect(bench(cluster.apply('TrafficSplit', split('s', 'web', { web: 1 })))).to.deep.equal(['s']);
    expect(bench(cluster.apply('TrafficSplit', split('s', 'web', { web: 2 }))), 'the same ones').to.deep.equal([]);
    expect(bench(cluster.remove('TrafficSplit', split('s', 'web', {})))).to.deep.equal(['s']);
    const own = profile('web', { routes: [route('r')], meta: { namespace: 'client' } });
    expect(bench(cluster.apply('ServiceProfile', own)), 'a view of their own').to.not.be.empty;
  });

  it('keeps the last state of a resource that cannot be compiled, and the others working', () => {
    const failures: string[] = [];
    const { cluster } = new CacheBench();
    const cache = new ResourceCache<string>(cluster.state, {
      failed: ({ keyText }, error) => failures.push(`${keyText}: ${error.message}`),
    });
    const web = cache.subscribe(parseKey(WEB)!, 'client', 'a');
    const before = web.resource.compiled;
    let armed = false;
    const poison = Object.defineProperty(route('p'), 'match', {
      get() {
        if (armed) throw new TypeError('a defect');
        return { type: 'method', method: 'GET' };
      },
      enumerable: true,
    });
    const poisoned = profile('web', { routes: [poison] });
    const touched = cluster.apply('ServiceProfile', poisoned);
    armed = true;
    cache.invalidate(touched);
    expect([...cache.refresh()]).to.deep.equal([]);
    armed = false;
    expect(failures).to.deep.equal([`${WEB}: a defect`]);
    expect(web.resource.compiled).to.equal(before);
    expect(cache.subscribe(parseKey(WEB_ENDPOINTS)!, 'client', 'a').resource.compiled).not.to.equal(null);
    cache.invalidate(cluster.apply('ServiceProfile', profile('web', { routes: [route('r')] })));
    expect([...cache.refresh()]).to.deep.equal([web]);
    expect(web.resource.compiled).not.to.equal(before);
  });
});
