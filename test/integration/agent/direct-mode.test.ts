import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { collectionPath, WATCHED_KINDS } from '../../../proxy-image/io/config-source/kubernetes/kinds.ts';
import { WATCH_SILENCE_MS } from '../../../proxy-image/io/config-source/kubernetes/source.ts';
import { type ApiObject, FakeApiServer, statusBody } from '../../fakes/api-server.ts';
import { createTestAuthority } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { GADGET_ROW } from '../../support/gadget/kind.ts';
import { rowOf } from '../../support/kinds.ts';
import { AccountFolder, caOf, DirectClient, type DirectClientOptions } from './fixtures/direct-client.ts';

const WEB = ['10.0.0.1', 80] as const;
const SLICES = collectionPath(rowOf('EndpointSlice'));
const SERVICES = collectionPath(rowOf('Service'));
const SPLITS = collectionPath(rowOf('TrafficSplit'));

function service(name: string, clusterIP: string): ApiObject {
  const ports = [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }];
  const spec = { type: 'ClusterIP', clusterIP, clusterIPs: [clusterIP], ports, selector: { app: name } };
  return { metadata: { name, namespace: 'app' }, spec };
}

function slice(name: string, ofService: string, ...addresses: string[]): ApiObject {
  return {
    metadata: { name, namespace: 'app', labels: { 'kubernetes.io/service-name': ofService } } as ApiObject['metadata'],
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  };
}

function split(weights: Record<string, number>): ApiObject {
  const backends = Object.entries(weights).map(([name, weight]) => ({ service: name, weight }));
  return {
    apiVersion: 'split.smi-spec.io/v1alpha1',
    kind: 'TrafficSplit',
    metadata: { name: 'web', namespace: 'app' },
    spec: { service: 'web', backends },
  };
}

function pod(name: string, ip: string): ApiObject {
  return {
    metadata: { name, namespace: 'app' },
    spec: { nodeName: 'node-1', serviceAccountName: 'web', containers: [] },
    status: { phase: 'Running', podIP: ip, podIPs: [{ ip }] },
  };
}

describe('direct mode', () => {
  let api: FakeApiServer;
  let account: AccountFolder;
  const clients: DirectClient[] = [];

  beforeEach(async () => {
    api = await new FakeApiServer().start();
    account = new AccountFolder('token-1', caOf(api));
    api.objects.put(collectionPath(rowOf('Namespace')), { metadata: { name: 'app' } });
    api.objects.put(SERVICES, service('web', WEB[0]));
    api.objects.put(SLICES, slice('web-a', 'web', '10.1.0.1', '10.1.0.2'));
    api.objects.put(collectionPath(rowOf('Pod')), pod('web-1', '10.1.0.1'));
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.source.stop();
    await api.stop();
    account.remove();
  });

  function client(options: DirectClientOptions = {}): DirectClient {
    const port = Number(new URL(api.url).port);
    const server = { host: '127.0.0.1', port, serverName: 'api.test', accountDir: account.path };
    const created = new DirectClient(server, options).start();
    clients.push(created);
    return created;
  }

  /** A client that knows the endpoints of `web`. */
  async function following(options: DirectClientOptions = {}): Promise<DirectClient> {
    const created = client(options);
    created.state.destination(...WEB);
    await eventually('the endpoints', () => created.endpoints(...WEB)?.length === 2);
    // Not all of them at one time: a client that takes silence for a loss opens one after the other anew.
    await eventually('all watches', () => WATCHED_KINDS.every((row) => api.watches(collectionPath(row)).length > 0));
    return created;
  }

  it('compiles for itself: own workload, destinations with endpoints, unknown addresses', async () => {
    const direct = await following();
    direct.state.destination('192.0.2.1', 443);
    await eventually('the answer', () => direct.state.destination('192.0.2.1', 443).entry?.kind === 'unknown');
    expect(direct.state.status.workloadArrived).to.equal(true);
    await eventually('connected', () => direct.state.status.connected);
    expect(direct.connections).to.deep.equal([true]);
  });

  it('waits for no optional kind that the API server does not serve, and follows it once it does', async () => {
    const GADGETS = collectionPath(GADGET_ROW);
    let installed = false;
    api.fault = ({ path }) =>
      path === GADGETS && !installed ? { type: 'status', status: 404, body: statusBody(404) } : null;
    const direct = await following({ kinds: [...WATCHED_KINDS, GADGET_ROW] });
    await eventually('connected', () => direct.state.status.connected);
    expect(api.watches(GADGETS)).to.deep.equal([]);
    expect(direct.log.lines.filter(({ level }) => level === 'warn')).to.deep.equal([]);
    installed = true;
    await eventually('it is watched', () => api.watches(GADGETS).length === 1, 15_000);
    expect(direct.connections).to.deep.equal([true]);
  }).timeout(30_000);

  it('tells of endpoints before the service that names them, in one batch', async () => {
    const direct = await following();
    const batch = direct.batches.find((keys) => keys.includes('set service/10.0.0.1:80'));
    expect(batch?.indexOf('set endpoints/app/web:80/ipv4')).to.be.within(0, batch!.indexOf('set service/10.0.0.1:80'));
  });

  it('follows an edit of a split, of endpoints, and a deletion', async () => {
    const direct = await following();
    api.objects.put(SERVICES, service('canary', '10.0.0.2'));
    api.objects.put(SPLITS, split({ web: 900, canary: 100 }));
    await eventually('the split', () => direct.backends(...WEB)?.join() === 'web 900000,canary 100000');
    api.objects.put(SPLITS, split({ web: 0, canary: 1 }));
    await eventually('its edit', () => direct.backends(...WEB)?.join() === 'web 0,canary 1000');
    api.objects.remove(SPLITS, 'app/web');
    await eventually('its deletion', () => direct.backends(...WEB)?.join() === 'web 1000');
    api.objects.put(SLICES, slice('web-a', 'web', '10.1.0.9'));
    await eventually('the endpoint', () => direct.endpoints(...WEB)?.join() === '10.1.0.9');
  });

  it('goes on without an invalid object, and takes it in when it is mended', async () => {
    const direct = await following();
    api.objects.put(SPLITS, { ...split({ web: 1 }), spec: { service: 7, backends: 'none' } });
    api.objects.put(SLICES, slice('web-a', 'web', '10.1.0.9'));
    await eventually('the endpoint', () => direct.endpoints(...WEB)?.join() === '10.1.0.9');
    expect(direct.backends(...WEB)).to.deep.equal(['web 1000']);
    api.objects.put(SPLITS, split({ web: 5 }));
    await eventually('the split', () => direct.backends(...WEB)?.join() === 'web 5000');
  });

  it('releases what nobody uses', async () => {
    const direct = await following();
    await eventually('connected', () => direct.state.status.connected);
    expect(direct.state.releaseIdle(0)).to.deep.equal(['service/10.0.0.1:80']);
    const before = direct.batches.length;
    api.objects.put(SLICES, slice('web-a', 'web', '10.1.0.9'));
    api.objects.put(SERVICES, service('web', '10.0.0.1'));
    direct.state.destination('192.0.2.9', 1);
    await eventually('a later answer', () => direct.state.destination('192.0.2.9', 1).entry?.kind === 'unknown');
    expect(direct.batches.slice(before).flat()).to.deep.equal(['set service/192.0.2.9:1']);
  });

  it('lists in pages of 500', async () => {
    for (let i = 0; i < 1100; i++) api.objects.put(SERVICES, service(`s${i}`, `10.2.${i >> 8}.${i & 255}`));
    const direct = await following();
    expect(api.lists(SERVICES).map(({ query }) => query.get('limit'))).to.deep.equal(['500', '500', '500']);
    direct.state.destination('10.2.4.75', 80);
    await eventually('the last page', () => direct.backends('10.2.4.75', 80)?.join() === 's1099 1000');
  });

  describe('after an interruption', () => {
    it('goes on from the last version when the connection breaks, without a list', async () => {
      const direct = await following();
      api.endWatches('reset');
      api.objects.put(SLICES, slice('web-a', 'web', '10.1.0.9'));
      await eventually('the endpoint', () => direct.endpoints(...WEB)?.join() === '10.1.0.9');
      expect(api.lists(SLICES)).to.have.length(1);
      expect(api.watches(SLICES)).to.have.length(2);
    });

    it('asks for bookmarks and goes on from them', async () => {
      await following();
      api.objects.put('/api/v1/configmaps', { metadata: { name: 'a', namespace: 'app' } });
      api.bookmark();
      const { version } = api.objects;
      // There is no other sign that the bookmark was read.
      await sleep(50);
      api.endWatches('reset');
      await eventually('the next watch', () => api.watches(SLICES).length === 2);
      const [first, second] = api.watches(SLICES);
      expect(first!.query.get('allowWatchBookmarks')).to.equal('true');
      expect(second!.query.get('resourceVersion')).to.equal(version);
    });

    it('lists again after 410, consistently, and notices what was deleted meanwhile', async () => {
      const direct = await following();
      api.objects.put(SERVICES, service('canary', '10.0.0.2'), true);
      api.objects.remove(SLICES, 'app/web-a', true);
      api.objects.put(SLICES, slice('web-b', 'web', '10.1.0.7'), true);
      api.objects.compact();
      api.endWatches('reset');
      await eventually('the endpoint', () => direct.endpoints(...WEB)?.join() === '10.1.0.7');
      expect(api.lists(SLICES).map(({ query }) => query.get('resourceVersion'))).to.deep.equal(['0', '']);
    });

    it('lists again after an ERROR event in the stream', async () => {
      const direct = await following();
      api.objects.put(SLICES, slice('web-a', 'web', '10.1.0.9'), true);
      api.endWatches({ error: statusBody(410, 'Expired') });
      await eventually('the endpoint', () => direct.endpoints(...WEB)?.join() === '10.1.0.9');
    });

    it('keeps what it has while lists fail', async () => {
      const direct = await following();
      api.objects.compact();
      api.fault = ({ isWatch }) => (isWatch ? null : { type: 'status', status: 500 });
      api.endWatches('reset');
      await eventually('failed lists', () => direct.log.lines.filter(({ level }) => level === 'warn').length > 10);
      expect(direct.endpoints(...WEB)).to.deep.equal(['10.1.0.1', '10.1.0.2']);
      await eventually('staleness is visible', () => !direct.state.status.connected);
      api.fault = () => null;
      api.objects.put(SLICES, slice('web-a', 'web', '10.1.0.9'));
      await eventually('the endpoint', () => direct.endpoints(...WEB)?.join() === '10.1.0.9', 20_000);
      await eventually('connected again', () => direct.state.status.connected, 20_000);
    }).timeout(60_000);

    it('waits as long as 429 says', async () => {
      const direct = await following();
      const refusedMs: number[] = [];
      api.fault = ({ path, isWatch }) => {
        if (path !== SLICES || !isWatch || refusedMs.length > 0) return null;
        refusedMs.push(performance.now());
        return { type: 'status', status: 429, headers: { 'retry-after': '2' } };
      };
      api.endWatches('reset');
      await eventually('the refusal', () => refusedMs.length === 1);
      api.objects.put(SLICES, slice('web-a', 'web', '10.1.0.9'));
      await eventually('the endpoint', () => direct.endpoints(...WEB)?.join() === '10.1.0.9');
      expect(performance.now() - refusedMs[0]!).to.be.greaterThan(1950);
    });

    it('has a watchdog of 120 s by default, above the period of bookmarks', () => {
      expect(WATCH_SILENCE_MS).to.equal(120_000);
    });

    it('opens a watch again that has gone silent, from where it was', async () => {
      const direct = await following({ silenceMs: 400 });
      api.silent = true;
      const seen = api.watches(SLICES).length;
      api.objects.put(SLICES, slice('web-a', 'web', '10.1.0.9'));
      api.silent = false;
      await eventually('the endpoint', () => direct.endpoints(...WEB)?.join() === '10.1.0.9');
      expect(api.lists(SLICES)).to.have.length(1);
      expect(api.watches(SLICES).length).to.be.greaterThan(seen);
      expect(direct.log.lines.some(({ fields }) => String(fields['error']).includes('silent for 400 ms'))).to.equal(
        true,
      );
    });

    it('does not ask a server in a hurry that ends every watch at once', async () => {
      await following();
      const closing = setInterval(() => api.endWatches('close'), 1);
      const before = api.requests.length;
      await sleep(1500);
      clearInterval(closing);
      expect(api.requests.length - before).to.be.lessThan(4 * WATCHED_KINDS.length);
    });

    it('breaks off at bytes that are no event, and goes on', async () => {
      const direct = await following();
      api.inject('{"type":"ADDED","object":\n');
      api.objects.put(SLICES, slice('web-a', 'web', '10.1.0.9'));
      await eventually('the endpoint', () => direct.endpoints(...WEB)?.join() === '10.1.0.9');
    });
  });

  describe('without access', () => {
    it('answers nothing before every kind has been listed', async () => {
      api.fault = ({ path }) => (path === SPLITS ? { type: 'status', status: 403 } : null);
      const direct = client();
      direct.state.destination(...WEB);
      await eventually('the reason', () => direct.log.codes.includes('WEFT_DIRECT_API'));
      expect(direct.log.lines.find(({ fields }) => fields['path'] === SPLITS)?.fields['error']).to.contain('403');
      expect(direct.batches).to.deep.equal([]);
      api.fault = () => null;
      await eventually('the endpoints', () => direct.endpoints(...WEB)?.length === 2);
    });

    it('says that its token is missing, and reads it anew', async () => {
      rmSync(join(account.path, 'token'));
      const direct = client();
      direct.state.destination(...WEB);
      await eventually('the reason', () => direct.log.codes.includes('WEFT_DIRECT_ACCOUNT'));
      account.write('token', 'token-2');
      await eventually('the endpoints', () => direct.endpoints(...WEB)?.length === 2);
    });

    it('trusts nobody but the authority of the cluster', async () => {
      account.write('ca.crt', createTestAuthority().anchorsPem);
      const direct = client();
      await eventually('the reason', () => direct.log.codes.includes('WEFT_DIRECT_API'));
      expect(direct.log.lines[0]?.fields['error']).to.contain('not trusted');
      expect(api.requests).to.deep.equal([]);
      account.write('ca.crt', caOf(api));
      await eventually('a list with the renewed authority', () => api.lists(SLICES).length > 0);
    });

    it('trusts no other name of that authority', async () => {
      const port = Number(new URL(api.url).port);
      const direct = new DirectClient({ host: '127.0.0.1', port, serverName: 'other.test', accountDir: account.path });
      clients.push(direct.start());
      await eventually('the reason', () => direct.log.codes.includes('WEFT_DIRECT_API'));
      expect(api.requests).to.deep.equal([]);
    });
  });
});
