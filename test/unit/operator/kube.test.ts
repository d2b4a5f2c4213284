import { ApiException, CoreV1Api } from '@kubernetes/client-node';
import { expect } from 'chai';
import { MESH_ROW } from '../../../crds/kinds/mesh/kind.ts';
import { POD_ROW } from '../../../crds/kinds/pod/kind.ts';
import { isMetadataEnough } from '../../../crds/kinds/readers.ts';
import type { OperatorRole } from '../../../crds/types/operator-role.ts';
import { Applier } from '../../../operator/kube/apply.ts';
import { fromResponse, fromStatus, toRequestError } from '../../../operator/kube/errors.ts';
import { EventRecorder } from '../../../operator/kube/events.ts';
import { PooledKubeConfig } from '../../../operator/kube/kubeconfig.ts';
import { leaseClient, microTime } from '../../../operator/kube/lease.ts';
import { listWatch } from '../../../operator/kube/list-watch.ts';
import { resourcePath } from '../../../operator/kube/resources.ts';
import { RestClient, tellingReach } from '../../../operator/kube/rest.ts';
import { NamespacedSecrets } from '../../../operator/kube/secrets.ts';
import { tokenReviewer } from '../../../operator/kube/token-review.ts';
import { systemClock } from '../../../operator/runtime/clock.ts';
import { failureOf, RequestError } from '../../../operator/runtime/errors.ts';
import { Reach } from '../../../operator/runtime/reach.ts';
import { TcpRelay } from '../../chaos/tcp-relay.ts';
import { FakeApiServer, type Fault, statusBody } from '../../fakes/api-server.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { MemoryLogger } from '../../fakes/logger.ts';
import { SERVICES, service } from '../../fakes/watching.ts';
import { createTestAuthority } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';

const SERVICE = { group: '', version: 'v1', plural: 'services' };
const { signal } = new AbortController();

describe('errors of the API server', () => {
  const cases: [number, object, string | undefined, Partial<RequestError>][] = [
    [404, statusBody(404, 'NotFound'), undefined, { failure: 'NotFound', status: 404 }],
    [409, statusBody(409, 'Conflict'), undefined, { failure: 'Conflict' }],
    [410, statusBody(410, 'Expired'), undefined, { failure: 'Expired' }],
    [400, statusBody(400, 'Expired'), undefined, { failure: 'Expired' }],
    [
      429,
      statusBody(429, 'TooManyRequests', { retryAfterSeconds: 7 }),
      '3',
      { failure: 'Throttled', retryAfterMs: 7_000 },
    ],
    [429, statusBody(429), '3', { failure: 'Throttled', retryAfterMs: 3_000 }],
    [429, statusBody(429), undefined, { failure: 'Throttled', retryAfterMs: 1_000 }],
    [503, statusBody(503), '2', { failure: 'Throttled', retryAfterMs: 2_000 }],
    [503, statusBody(503), undefined, { failure: 'Transient', retryAfterMs: 0 }],
    [503, statusBody(503), 'Wed, 21 Oct 2026 07:28:00 GMT', { failure: 'Transient' }],
    [401, statusBody(401), undefined, { failure: 'Forbidden' }],
    [403, statusBody(403), undefined, { failure: 'Forbidden' }],
    [422, statusBody(422, 'Invalid'), undefined, { failure: 'Invalid' }],
    [408, statusBody(408), undefined, { failure: 'Transient' }],
    [500, statusBody(500), undefined, { failure: 'Transient' }],
  ];
  for (const [status, body, retryAfter, expected] of cases) {
    it(`${status} ${JSON.stringify(body).slice(60, 110)} → ${expected.failure}`, () => {
      expect(fromResponse(status, JSON.stringify(body), retryAfter)).to.include(expected);
    });
  }

  it('reads what a proxy in between answers as text', () => {
    expect(fromResponse(502, '<html>bad gateway</html>', undefined).message).to.equal('<html>bad gateway</html>');
    expect(fromResponse(502, '', undefined).message).to.equal('the API server answered 502');
    expect(fromResponse(500, '"text"', undefined).failure).to.equal('Transient');
    expect(fromStatus({}).status).to.equal(0);
  });

  it("maps the client's exceptions and errors of the network, and lets aborts through", () => {
    const exception = new ApiException(409, 'conflict', JSON.stringify(statusBody(409)), {});
    expect(toRequestError(exception)).to.include({ failure: 'Conflict' });
    const network = new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });
    expect(toRequestError(network)).to.include({ failure: 'Transient', message: 'fetch failed: connect ECONNREFUSED' });
    expect(toRequestError('odd')).to.include({ failure: 'Transient', message: 'odd' });
    const abort = new DOMException('gone', 'AbortError');
    expect(toRequestError(abort)).to.equal(abort);
    const mapped = new RequestError('Invalid', 'x');
    expect(toRequestError(mapped)).to.equal(mapped);
  });
});

describe('paths', () => {
  it('are built for core and groups, namespaces and names, and escape what is hostile', () => {
    expect(resourcePath(SERVICE)).to.equal('/api/v1/services');
    expect(resourcePath(SERVICE, 'a', 'b')).to.equal('/api/v1/namespaces/a/services/b');
    expect(resourcePath({ group: 'g', version: 'v1', plural: 'xs' }, '', 'n')).to.equal('/apis/g/v1/xs/n');
    expect(resourcePath(SERVICE, '../x', '?')).to.equal('/api/v1/namespaces/..%2Fx/services/%3F');
  });
});

describe('requests to the API server', () => {
  let api: FakeApiServer;
  let config: PooledKubeConfig;
  let rest: RestClient;
  let seen: { code: string; method: string; host: string }[];

  beforeEach(async () => {
    api = await new FakeApiServer().start();
    config = api.configure(new PooledKubeConfig());
    seen = [];
    rest = new RestClient(config, { finished: (labels) => seen.push(labels) });
  });

  afterEach(async () => {
    await config.close();
    await api.stop();
  });

  it('share connections: 200 one after another, then 200 at once, on at most 4', async () => {
    const get = () => rest.json({ method: 'GET', path: SERVICES, signal });
    for (let i = 0; i < 200; i++) await get();
    expect(api.connections).to.be.at.most(4);
    await Promise.all(Array.from({ length: 200 }, get));
    expect(api.connections).to.be.at.most(4);
  });

  it("share them with the client's own typed APIs", async () => {
    const core = config.makeApiClient(CoreV1Api);
    api.objects.put(SERVICES, service('a'));
    for (let i = 0; i < 50; i++) expect((await core.listServiceForAllNamespaces()).items).to.have.length(1);
    expect(api.connections).to.be.at.most(4);
  });

  it('ask for metadata alone where that is all that is looked at', async () => {
    const asked = async (metadataOnly: boolean) => {
      const abort = new AbortController();
      const source = listWatch(rest, SERVICE, { metadataOnly });
      const before = api.requests.length;
      await source.list({ resourceVersion: '', continueToken: '', limit: 5, signal: abort.signal }, () => {});
      const options = { resourceVersion: '1', timeoutSeconds: 300, signal: abort.signal };
      const watch = source.watch(options, { opened() {}, event() {} }).catch(() => {});
      await eventually('watching', () => api.openWatches === 1);
      abort.abort();
      await watch;
      await eventually('no watch', () => api.openWatches === 0);
      return api.requests.slice(before).map(({ accept }) => accept);
    };
    expect(await asked(false)).to.deep.equal(['application/json', 'application/json']);
    expect(await asked(true)).to.deep.equal([
      'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json',
      'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json',
    ]);
    const roles: OperatorRole[][] = [['webhooks'], ['webhooks', 'identity'], ['webhooks', 'config'], ['identity'], []];
    expect(roles.map((each) => isMetadataEnough(POD_ROW, each))).to.deep.equal([true, true, false, false, false]);
    expect(isMetadataEnough(MESH_ROW, ['webhooks'])).to.equal(false);
  });

  it('are not held up by watches', async () => {
    const abort = new AbortController();
    const source = listWatch(rest, SERVICE);
    const options = { resourceVersion: '1', timeoutSeconds: 300, signal: abort.signal };
    const watches = Array.from({ length: 10 }, () =>
      source.watch(options, { opened() {}, event() {} }).catch(() => {}),
    );
    await eventually('ten watches', () => api.openWatches === 10);
    await rest.json({ method: 'GET', path: SERVICES, signal });
    abort.abort();
    await Promise.all(watches);
  });

  it('do not hold up the lease, however slow all of them are', async () => {
    // A namespace of that name holds no lease.
    const pods = resourcePath({ group: '', version: 'v1', plural: 'pods' }, 'leases');
    api.fault = ({ path }) => (path === SERVICES || path === pods ? { type: 'hang' } : null);
    const abort = new AbortController();
    const slow = [SERVICES, pods].flatMap((path) =>
      Array.from({ length: 20 }, () => rest.json({ method: 'GET', path, signal: abort.signal })),
    );
    await eventually('all connections are taken', () => api.lists(SERVICES).length === 4);
    expect(await leaseClient(rest, 'weft-system', 'weft-operator').get(AbortSignal.timeout(2_000))).to.equal(null);
    abort.abort();
    await Promise.allSettled(slow);
  });

  it('leave connections that have gone silent, after one of them found out', async () => {
    const relay = await new TcpRelay(Number(new URL(api.url).port)).start();
    try {
      config.clusters = [{ ...config.getCurrentCluster()!, server: relay.url }];
      const get = (timeoutMs = 10_000) => rest.json({ method: 'GET', path: SERVICES, timeoutMs, signal });
      await Promise.all([get(), get(), get(), get()]);
      relay.freezeOpen();
      const failed = await get(100).catch((error: RequestError) => error);
      expect(failed).to.include({ failure: 'Transient' });
      await get(5_000);
    } finally {
      await relay.stop();
    }
  });

  it('use new connections when the CA has changed', async () => {
    await rest.json({ method: 'GET', path: SERVICES, signal });
    const cluster = config.getCurrentCluster()!;
    const other = { ...cluster, caData: Buffer.from(createTestAuthority().anchorsPem).toString('base64') };
    config.clusters = [other];
    const failed = await rest.json({ method: 'GET', path: SERVICES, signal }).catch((error: RequestError) => error);
    expect(failed).to.include({ failure: 'Transient' });
    config.clusters = [cluster];
    await rest.json({ method: 'GET', path: SERVICES, signal });
    expect(api.connections).to.equal(2);
    await eventually('the first pool is closed', () => api.openConnections === 1);
  });

  it('refuse a server that does not prove its name', async () => {
    config.clusters = [{ ...config.getCurrentCluster()!, tlsServerName: 'other.test' }];
    const failed = await rest.json({ method: 'GET', path: SERVICES, signal }).catch((error: RequestError) => error);
    expect(failed).to.include({ failure: 'Transient' });
    expect(api.requests).to.deep.equal([]);
  });

  it('are counted with code, method and host', async () => {
    await rest.json({ method: 'GET', path: SERVICES, signal });
    await rest.json({ method: 'GET', path: `${SERVICES}/none`, signal }).catch(() => {});
    api.fault = () => ({ type: 'reset' });
    await rest.json({ method: 'GET', path: SERVICES, signal }).catch(() => {});
    expect(seen.map(({ code, method }) => `${method} ${code}`)).to.deep.equal(['GET 200', 'GET 404', 'GET <error>']);
    expect(seen[0]!.host).to.equal(new URL(api.url).host);
  });

  it('tell those who wait for the API server when it answers again: neither a 503 nor a reset is an answer, a 404 is one', async () => {
    const clock = new FakeClock();
    const reach = new Reach(clock);
    const told: string[] = [];
    reach.onReturn(() => told.push('back'));
    const telling = new RestClient(config, tellingReach({ finished() {} }, reach));
    const get = (fault: Fault | null) => {
      api.fault = () => fault;
      return telling.json({ method: 'GET', path: `${SERVICES}/none`, signal }).catch(() => {});
    };
    await get(null);
    await clock.advance(4_900);
    await get({ type: 'reset' });
    await get(null);
    expect(told, 'others were answered meanwhile').to.deep.equal([]);
    await clock.advance(3_000);
    await get({ type: 'status', status: 503 });
    await clock.advance(3_000);
    expect(told).to.deep.equal([]);
    await get(null);
    await get(null);
    expect(told).to.deep.equal(['back']);
    await clock.advance(60_000);
    await get(null);
    expect(told, 'nothing had failed').to.deep.equal(['back']);
  });

  it('reject where the kubeconfig names no cluster', async () => {
    const failed = await new RestClient(new PooledKubeConfig())
      .json({ method: 'GET', path: '/', signal })
      .catch((error: RequestError) => error);
    expect(failed).to.include({ failure: 'Transient', message: 'the kubeconfig names no current cluster' });
  });

  it('reject an answer that is no JSON', async () => {
    api.fault = () => ({ type: 'status', status: 200, body: 'no json' });
    const failed = await rest.json({ method: 'GET', path: '/', signal }).catch((error: RequestError) => error);
    expect(failed).to.include({ failure: 'Transient' });
  });

  describe('apply', () => {
    it('is a forced server-side apply under the field manager, of status separately', async () => {
      const applier = new Applier(rest, 'tester');
      const reference = { type: SERVICE, kind: 'Service', namespace: 'shop', name: 'a' };
      await applier.apply(reference, { metadata: { labels: { x: 'y' } }, spec: { n: 1 } }, signal);
      await applier.applyStatus(reference, { ready: true }, signal);
      const held = api.objects.get(SERVICES, 'shop/a')!;
      expect(held).to.deep.include({ kind: 'Service', spec: { n: 1 }, status: { ready: true } });
      const [first, second] = api.requests;
      expect(first!.contentType).to.equal('application/apply-patch+yaml');
      expect(Object.fromEntries(first!.query)).to.deep.equal({ fieldManager: 'tester', force: 'true' });
      expect(second!.path).to.equal('/api/v1/namespaces/shop/services/a/status');
    });

    it('does not touch an object that is another version by now, or was created anew (E13), and says which it has made', async () => {
      const { resourceVersion: seen } = api.objects.put(SERVICES, service('a')).metadata;
      const reference = { type: SERVICE, kind: 'Service', namespace: 'shop', name: 'a', resourceVersion: seen! };
      const applier = new Applier(rest, 'tester');
      const made = await applier.applyStatus(reference, { x: 1 }, signal);
      expect(made).to.equal(api.objects.get(SERVICES, 'shop/a')!.metadata.resourceVersion).and.not.to.equal(seen);
      const failed = await applier.applyStatus(reference, { x: 2 }, signal).catch((e: RequestError) => e);
      expect(failed).to.include({ failure: 'Conflict' });
      expect(api.objects.get(SERVICES, 'shop/a')).to.deep.include({ status: { x: 1 } });
      api.objects.remove(SERVICES, 'shop/a');
      const anew = api.objects.put(SERVICES, service('a'));
      const late = await applier
        .applyStatus({ ...reference, resourceVersion: made }, { x: 3 }, signal)
        .catch((e: RequestError) => e);
      expect(late).to.include({ failure: 'Conflict' });
      expect(api.objects.get(SERVICES, 'shop/a')).to.deep.equal(anew);
    });
  });

  describe('a lease', () => {
    const record = { holder: 'a', durationSeconds: 15, acquiredMs: 1_000, renewedMs: 2_500, transitions: 3 };

    it('is written with microseconds and read back', async () => {
      expect(microTime(2_500)).to.equal('1970-01-01T00:00:02.500000Z');
      const lease = leaseClient(rest, 'weft-system', 'op');
      expect(await lease.get(signal)).to.equal(null);
      const created = await lease.create(record, signal);
      expect(created.record).to.deep.equal(record);
      const raw = api.objects.get('/apis/coordination.k8s.io/v1/leases', 'weft-system/op')!;
      expect(raw['spec']).to.deep.include({ renewTime: '1970-01-01T00:00:02.500000Z', leaseDurationSeconds: 15 });
      const updated = await lease.update({ ...created, record: { ...record, holder: '' } }, signal);
      expect((await lease.get(signal))!).to.deep.equal(updated);
    });

    it('refuses a write that is based on an older version', async () => {
      const lease = leaseClient(rest, 'weft-system', 'op');
      const created = await lease.create(record, signal);
      await lease.update(created, signal);
      const failed = await lease.update(created, signal).catch((error: RequestError) => error);
      expect(failed).to.include({ failure: 'Conflict' });
    });

    it('reads what others left empty, and does not hide an outage as absence', async () => {
      api.objects.put('/apis/coordination.k8s.io/v1/leases', { metadata: { namespace: 'n', name: 'l' }, spec: {} });
      const lease = leaseClient(rest, 'n', 'l');
      const empty = { holder: '', durationSeconds: 0, acquiredMs: 0, renewedMs: 0, transitions: 0 };
      expect((await lease.get(signal))!.record).to.deep.equal(empty);
      api.fault = () => ({ type: 'status', status: 500 });
      expect(await lease.get(signal).catch((error: RequestError) => error.failure)).to.equal('Transient');
    });
  });

  describe('Secrets', () => {
    it('are created once, and no second time over what is there', async () => {
      const secrets = new NamespacedSecrets(rest, 'weft-system', { app: 'weft' }, systemClock);
      expect(await secrets.get('ca')).to.equal(null);
      expect(secrets.newestVersion).to.equal('0');
      const content = { type: 'Opaque', data: { key: Buffer.from([0, 255]) } };
      expect(await secrets.create('ca', content)).to.equal(true);
      expect(await secrets.create('ca', { type: 'Opaque', data: {} })).to.equal(false);
      const read = await secrets.get('ca');
      expect(read).to.deep.include({ ...content, resourceVersion: api.objects.version, isLabelled: true });
      expect(read!.serverMs).to.be.closeTo(Date.now(), 60_000);
      const others = new NamespacedSecrets(rest, 'weft-system', { app: 'other' }, systemClock);
      expect((await others.get('ca'))!.isLabelled).to.equal(false);
      expect(secrets.newestVersion).to.equal(api.objects.version);
      expect(api.objects.get('/api/v1/secrets', 'weft-system/ca')!.metadata).to.deep.include({
        labels: { app: 'weft' },
      });
    });

    it('are replaced in the version that was read, with the labels they have, and in no other', async () => {
      const secrets = new NamespacedSecrets(rest, 'weft-system', { app: 'weft' }, systemClock);
      await secrets.create('tls', { type: 'Opaque', data: { key: Buffer.from('a') } });
      const { resourceVersion } = (await secrets.get('tls'))!;
      const next = { type: 'Opaque', data: { key: Buffer.from('b') } };
      expect(await secrets.replace('absent', next, resourceVersion)).to.equal(false);
      expect(await secrets.replace('tls', next, resourceVersion)).to.equal(true);
      expect(await secrets.get('tls')).to.deep.include({ data: next.data, isLabelled: true });
      api.fault = () => ({ type: 'status', status: 409 });
      expect(await secrets.replace('tls', next, resourceVersion)).to.equal(false);
      api.fault = () => ({ type: 'status', status: 403 });
      const refused = secrets.replace('tls', next, resourceVersion);
      expect(await refused.catch((error: RequestError) => error.failure)).to.equal('Forbidden');
    });

    it('that cannot be read are no absent ones', async () => {
      const secrets = new NamespacedSecrets(rest, 'weft-system', {}, systemClock);
      api.fault = () => ({ type: 'status', status: 403 });
      expect(await secrets.get('ca').catch((error: RequestError) => error.failure)).to.equal('Forbidden');
      const created = secrets.create('ca', { type: 'Opaque', data: {} });
      expect(await created.catch((error: RequestError) => error.failure)).to.equal('Forbidden');
    });
  });

  describe('token reviews', () => {
    it('fill in what the answer leaves out', async () => {
      api.fault = () => ({ type: 'status', status: 201, body: {} });
      expect(await tokenReviewer(rest, systemClock).review('t', 'aud')).to.deep.equal({
        authenticated: false,
        audiences: [],
        username: '',
        extra: {},
        error: '',
      });
    });

    it('carry user, audiences and pod', async () => {
      const status = {
        authenticated: true,
        audiences: ['aud'],
        user: { username: 'system:serviceaccount:a:b', extra: { 'authentication.kubernetes.io/pod-name': ['p'] } },
      };
      api.fault = () => ({ type: 'status', status: 201, body: { status } });
      const answer = await tokenReviewer(rest, systemClock).review('t', 'aud');
      expect(answer).to.deep.include({
        authenticated: true,
        username: 'system:serviceaccount:a:b',
        audiences: ['aud'],
      });
      expect(answer.extra['authentication.kubernetes.io/pod-name']).to.deep.equal(['p']);
    });
  });

  describe('events', () => {
    const EVENTS = '/apis/events.k8s.io/v1/events';
    const subject = { type: SERVICE, kind: 'Service', namespace: 'shop', name: 'a', uid: 'u1' };
    const content = { type: 'Warning', reason: 'Invalid', action: 'Reconcile', note: 'spec.x: wrong' } as const;

    function recorder(log = new MemoryLogger()) {
      const clock = new FakeClock();
      const source = { controller: 'weft.dev/operator', instance: 'op-1' };
      return { clock, log, events: new EventRecorder(rest, source, clock, log) };
    }

    it('name object, reason and reporter; identical ones within ten minutes become one with a count', async () => {
      const { clock, events } = recorder();
      for (let i = 0; i < 3; i++) await events.record(subject, content, signal);
      const created = api.requests.filter(({ method }) => method === 'POST');
      expect(created).to.have.length(1);
      const [, patch] = api.requests;
      const name = patch!.path.split('/').at(-1)!;
      const event = api.objects.get(EVENTS, `shop/${name}`)!;
      expect(event).to.deep.include({ reason: 'Invalid', note: 'spec.x: wrong', reportingInstance: 'op-1' });
      expect(event['regarding']).to.deep.include({ kind: 'Service', name: 'a', uid: 'u1' });
      expect(event['series']).to.deep.include({ count: 3 });
      await clock.advance(600_000);
      await events.record(subject, content, signal);
      await events.record(subject, { ...content, note: 'another' }, signal);
      expect(api.requests.filter(({ method }) => method === 'POST')).to.have.length(3);
    });

    it('of cluster-scoped objects live in default', async () => {
      const { events } = recorder();
      await events.record({ ...subject, namespace: '' }, content, signal);
      expect(api.requests[0]!.path).to.equal('/apis/events.k8s.io/v1/namespaces/default/events');
    });

    it('of a version of an object are told once, whoever tells them, and later where the API server is away', async () => {
      const [before, after] = [recorder(), recorder()];
      const occasion = { ...subject, resourceVersion: '7' };
      api.fault = () => ({ type: 'status', status: 503 });
      const failure = await before.events.announce(occasion, content, signal).catch(failureOf);
      expect(failure).to.equal('Transient');
      api.fault = () => null;
      await before.events.announce(occasion, content, signal);
      await after.clock.advance(60_000);
      await after.events.announce(occasion, content, signal);
      const { items } = await rest.json<{ items: object[] }>({ method: 'GET', path: EVENTS, signal });
      expect(items).to.have.length(1);
      await after.events.announce(occasion, content, signal);
      expect(api.requests.at(-1)!.method, 'the same again counts up').to.equal('PATCH');
      await recorder().events.announce({ ...occasion, resourceVersion: '8' }, content, signal);
      const later = await rest.json<{ items: object[] }>({ method: 'GET', path: EVENTS, signal });
      expect(later.items).to.have.length(2);
    });

    it('that cannot be written are logged and forgotten', async () => {
      const { events, log } = recorder();
      api.fault = () => ({ type: 'status', status: 403 });
      await events.record(subject, content, signal);
      expect(log.messages('warn')).to.deep.equal(['could not record an event']);
    });

    it('do not fill memory', async () => {
      const { events } = recorder();
      api.fault = () => ({ type: 'status', status: 201, body: {} });
      const uids = Array.from({ length: 1_050 }, (_, i) => `u${i}`);
      while (uids.length > 0) {
        const some = uids.splice(0, 25);
        await Promise.all(some.map((uid) => events.record({ ...subject, uid }, content, signal)));
      }
      api.requests.length = 0;
      await events.record({ ...subject, uid: 'u0' }, content, signal);
      expect(api.requests[0]!.method, 'the oldest is not remembered').to.equal('POST');
    });
  });
});
