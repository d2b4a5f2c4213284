import { once } from 'node:events';
import { Agent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { expect } from 'chai';
import { toPem } from '../../../operator/pki/certificate.ts';
import { REPLICA_SERVER_NAME } from '../../../operator/viz/api/caller.ts';
import { readRequestHeaders } from '../../../operator/viz/api/request-header.ts';
import type { ApiRequest, ApiRow } from '../../../operator/viz/api/rows.ts';
import { AggregatedApi, type AggregatedApiOptions, authenticationData, leafOf } from '../../support/aggregated-api.ts';
import { createTestAuthority, type TestAuthority } from '../../support/certificates.ts';
import { OPERATOR_IDENTITY } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';

const GROUP = 'things.test';
const THINGS = `/apis/${GROUP}/v1/namespaces/shop/things`;

function row(handle: ApiRow['handle'], changes: Partial<ApiRow> = {}): ApiRow {
  const things = { group: GROUP, version: 'v1', resource: 'things', singular: 'thing', kind: 'ThingList' };
  return { ...things, namespaced: true, verbs: ['list', 'get'], handle, ...changes };
}

const echo: ApiRow['handle'] = async ({ verb, namespace, name, user }) => ({ json: { verb, namespace, name, user } });

const running: AggregatedApi[] = [];

async function start(options: AggregatedApiOptions = {}): Promise<AggregatedApi> {
  const api = await new AggregatedApi({ rows: [row(echo)], ...options }).start();
  running.push(api);
  return api;
}

afterEach(async () => {
  for (const api of running.splice(0)) await api.stop();
});

describe('aggregated API: who asks', () => {
  it('is whom an API server names in its headers, octet by octet', async () => {
    const api = await start();
    const reply = await api.ask(THINGS, {
      headers: {
        'X-Remote-User': Buffer.from('zoë').toString('latin1'),
        'X-Remote-Uid': '42',
        'X-Remote-Group': ['a', 'b, c'],
        'X-Remote-Extra-Scopes': ['x', 'y'],
        'X-Remote-Extra-acme.example%2Froom': 'r1',
      },
    });
    expect(reply.status).to.equal(200);
    expect(reply.json).to.deep.equal({
      verb: 'list',
      namespace: 'shop',
      name: null,
      user: {
        name: 'zoë',
        uid: '42',
        groups: ['a', 'b, c'],
        extra: { scopes: ['x', 'y'], 'acme.example/room': ['r1'] },
      },
    });
  });

  const refused: [string, (api: AggregatedApi) => Parameters<AggregatedApi['ask']>[1]][] = [
    ['without a certificate', () => ({ as: null })],
    [
      'with a certificate of another authority',
      (api) => ({ as: leafOf(createTestAuthority().issuer, 'front-proxy-client'), ca: api.serving.anchorsPem }),
    ],
    ['with a certificate of the mesh', (api) => ({ as: leafOf(api.mesh.issuer, 'front-proxy-client') })],
    ['with the certificate of the control plane', (api) => ({ as: api.replica })],
    ['with another name of the right authority', (api) => ({ as: leafOf(api.frontProxy.issuer, 'kubelet-client') })],
    ['with a name that only resembles it', (api) => ({ as: leafOf(api.frontProxy.issuer, 'front-proxy-client.evil') })],
    [
      'with a certificate that has expired',
      (api) => ({ as: leafOf(api.frontProxy.issuer, 'front-proxy-client', Date.now() - 20 * 60_000, 60_000) }),
    ],
    [
      'as a replica would, with the certificate of a front proxy',
      (api) => ({ servername: REPLICA_SERVER_NAME, ca: api.mesh.anchorsPem }),
    ],
    [
      'as a replica would, with the certificate of a proxy',
      (api) => ({
        servername: REPLICA_SERVER_NAME,
        ca: api.mesh.anchorsPem,
        as: leafOf(api.mesh.issuer, 'web.shop.serviceaccount.identity.linkerd.cluster.local'),
      }),
    ],
  ];
  for (const [title, options] of refused) {
    it(`is nobody ${title}, whatever the headers say`, async () => {
      const api = await start({ replicaPaths: { [THINGS]: async () => ({}) } });
      const headers = { 'X-Remote-User': 'admin', 'X-Remote-Group': 'system:masters' };
      for (const path of [THINGS, '/apis', `/apis/${GROUP}`, '/openapi/v3']) {
        const reply = await api.ask(path, { ...options(api), headers });
        expect(reply.status, path).to.equal(401);
        expect(reply.json).to.deep.include({ kind: 'Status', reason: 'Unauthorized', code: 401 });
        expect(reply.json.details.causes[0].reason).to.equal('WEFT_VIZ_UNAUTHENTICATED');
      }
    });
  }

  const smuggled: [string, Record<string, string | string[]>][] = [
    ['no user', {}],
    ['an empty user', { 'X-Remote-User': '' }],
    ['two users', { 'X-Remote-User': ['jane', 'admin'] }],
    ['a user with an underscore instead of a hyphen', { X_Remote_User: 'admin' }],
    ['two uids', { 'X-Remote-User': 'jane', 'X-Remote-Uid': ['1', '2'] }],
    ['octets that are no UTF-8', { 'X-Remote-User': '\u00ff' }],
  ];
  for (const [title, headers] of smuggled) {
    it(`is nobody where the headers name ${title}`, async () => {
      const api = await start();
      expect((await api.ask(THINGS, { headers })).status).to.equal(401);
    });
  }

  it('is not changed by a header with underscores beside the right one', async () => {
    const api = await start();
    const headers = { 'X-Remote-User': 'jane', X_Remote_User: 'admin', X_Remote_Group: 'system:masters' };
    const reply = await api.ask(THINGS, { headers });
    expect(reply.json.user).to.deep.equal({ name: 'jane', uid: '', groups: [], extra: {} });
  });

  it('keeps every group of a user who is in two thousand', async () => {
    const api = await start();
    const groups = Array.from({ length: 2_500 }, (_, at) => `g${at}`);
    const reply = await api.askAs('jane', THINGS, { headers: { 'X-Remote-Group': groups } });
    expect(reply.json.user.groups).to.deep.equal(groups);
  });

  it('follows the authorities: an old one counts no longer, on open connections neither, and a new one does at once', async () => {
    const api = await start();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    try {
      expect((await api.askAs('jane', THINGS, { agent })).status).to.equal(200);
      const next = createTestAuthority(Date.now(), 'front-proxy-2.test');
      const nextClient = leafOf(next.issuer, 'front-proxy-client');
      expect((await api.askAs('jane', THINGS, { as: nextClient })).status).to.equal(401);
      api.trustFrontProxies(api.frontProxy, next);
      expect((await api.askAs('jane', THINGS, { as: nextClient })).status).to.equal(200);
      expect((await api.askAs('jane', THINGS)).status).to.equal(200);
      api.trustFrontProxies(next);
      expect((await api.askAs('jane', THINGS, { agent })).status).to.equal(401);
      expect((await api.askAs('jane', THINGS, { as: nextClient })).status).to.equal(200);
    } finally {
      agent.destroy();
    }
  });

  it('is known by a root too, over the intermediates that an API server sends; by another root of the same name it is not', async () => {
    const api = await start();
    const trust = (authority: TestAuthority) =>
      api.requestHeaders.set(readRequestHeaders(authenticationData(toPem([authority.anchor.certificate]))));
    trust(api.frontProxy);
    expect((await api.askAs('jane', THINGS)).status).to.equal(200);
    trust(createTestAuthority(Date.now(), 'front-proxy.test'));
    expect((await api.askAs('jane', THINGS)).status).to.equal(401);
  });

  it('is nobody on a connection that outlives its certificate', async () => {
    const api = await start();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    try {
      expect((await api.askAs('jane', THINGS, { agent })).status).to.equal(200);
      api.wallOffsetMs = 2 * 3_600_000;
      expect((await api.askAs('jane', THINGS, { agent })).status).to.equal(401);
    } finally {
      agent.destroy();
    }
  });

  it('is nobody while it is not known how an API server proves itself', async () => {
    const api = await start();
    api.requestHeaders.set(null);
    expect((await api.askAs('jane', THINGS)).status).to.equal(401);
  });

  it('is a replica with the identity of the control plane, and gets nowhere but to the paths of replicas', async () => {
    const api = await start({ replicaPaths: { '/parts': async (query) => ({ asked: query.get('a') }) } });
    const asReplica = {
      as: api.replica,
      servername: REPLICA_SERVER_NAME,
      ca: api.mesh.anchorsPem,
    };
    const options = { ...asReplica, headers: { 'X-Remote-User': 'admin' } };
    expect((await api.ask('/parts?a=1', options)).json).to.deep.equal({ asked: '1' });
    expect((await api.ask(THINGS, options)).status).to.equal(404);
    expect((await api.ask('/apis', options)).status).to.equal(404);
    expect((await api.askAs('admin', '/parts')).status).to.equal(404);
  });

  it('is shown the certificate of the mesh under the name for replicas, and that of the Service under any other', async () => {
    const api = await start();
    const shown = async (servername: string) => {
      const socket = tls.connect({ host: '127.0.0.1', port: api.port, servername, rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      const name = socket.getPeerCertificate().subjectaltname;
      socket.destroy();
      return name;
    };
    expect(await shown(REPLICA_SERVER_NAME)).to.equal(`DNS:${OPERATOR_IDENTITY}`);
    expect(await shown('anything.else')).to.equal('DNS:weft-viz.weft-system.svc');
  });
});

describe('aggregated API: what may be done', () => {
  it('is what the API server says, of exactly what is asked', async () => {
    const asked: object[] = [];
    const api = await start({
      rows: [row(echo), row(echo, { resource: 'pods', subresource: 'tap', verbs: ['watch'] })],
      access: async (user, attributes) => {
        asked.push({ user: user.name, ...attributes });
        return { allowed: user.name === 'jane', reason: '' };
      },
    });
    expect((await api.askAs('jane', THINGS)).status).to.equal(200);
    expect((await api.askAs('jane', `/apis/${GROUP}/v1/things`)).status).to.equal(200);
    expect((await api.askAs('jane', `${THINGS}/a%3Ab`)).json.name).to.equal('a:b');
    const tap = `/apis/${GROUP}/v1/watch/namespaces/shop/pods/web-1/tap`;
    expect((await api.askAs('jane', tap, { method: 'POST' })).json).to.deep.include({ verb: 'watch', name: 'web-1' });
    const common = { user: 'jane', group: GROUP, version: 'v1' };
    const things = { ...common, resource: 'things', subresource: '', verb: 'list' };
    expect(asked).to.deep.equal([
      { ...things, namespace: 'shop', name: '' },
      { ...things, namespace: '', name: '' },
      { ...things, namespace: 'shop', name: 'a:b', verb: 'get' },
      { ...common, resource: 'pods', subresource: 'tap', verb: 'watch', namespace: 'shop', name: 'web-1' },
    ]);
  });

  it('is refused with a Status that says who, what and where, and the handler never runs', async () => {
    let handled = 0;
    const api = await start({
      rows: [row(async () => ({ json: { handled: ++handled } }))],
      access: async () => ({ allowed: false, reason: 'no role' }),
    });
    const { status, json } = await api.askAs('joe', THINGS);
    expect(status).to.equal(403);
    expect(json).to.deep.include({
      kind: 'Status',
      status: 'Failure',
      reason: 'Forbidden',
      code: 403,
      message:
        'things.things.test is forbidden: User "joe" cannot list resource "things" in API group "things.test" in the namespace "shop": no role',
    });
    expect(handled).to.equal(0);
    expect(api.answered).to.deep.equal([{ resource: 'things.things.test', status: 403 }]);
  });

  it('is nothing while the API server does not answer, and is asked again then', async () => {
    let answers = false;
    const api = await start({
      access: async () => {
        if (!answers) throw new Error('connection refused');
        return { allowed: true, reason: '' };
      },
    });
    const { status, json, headers } = await api.askAs('jane', THINGS);
    expect([status, json.reason, headers['retry-after']]).to.deep.equal([503, 'ServiceUnavailable', '1']);
    answers = true;
    expect((await api.askAs('jane', THINGS)).status).to.equal(200);
  });
});

describe('aggregated API: bounds', () => {
  it('answers what is no row, no verb or no path with a Status', async () => {
    const api = await start();
    const cases: [string, string, number][] = [
      ['GET', '/', 404],
      ['GET', `/apis/${GROUP}/v2`, 404],
      ['GET', `/apis/${GROUP}/v1/others`, 404],
      ['GET', `${THINGS}/a/b`, 404],
      ['GET', `${THINGS}/a/b/c`, 404],
      ['GET', `/apis/${GROUP}/v1/namespaces/UPPER/things`, 404],
      ['GET', `/apis/${GROUP}/v1/namespaces//things`, 404],
      ['GET', `/apis/${GROUP}/v1/namespaces/a%2Fb/things`, 404],
      ['GET', `${THINGS}/..`, 404],
      ['GET', `${THINGS}/%zz`, 400],
      ['GET', `${THINGS}?watch=true`, 405],
      ['GET', `/apis/${GROUP}/v1/watch/namespaces/shop/things`, 405],
      ['POST', THINGS, 405],
      ['DELETE', THINGS, 405],
      ['PATCH', `${THINGS}/a`, 405],
      ['DELETE', '/apis', 404],
    ];
    for (const [method, path, status] of cases) {
      const reply = await api.askAs('jane', path, { method });
      expect(reply.status, `${method} ${path}`).to.equal(status);
      expect(reply.json, `${method} ${path}`).to.deep.include({ kind: 'Status', apiVersion: 'v1', code: status });
    }
  });

  it('answers a head that is too long with a Status, and goes on', async () => {
    const api = await start();
    const { status, json } = await api.askAs('jane', `${THINGS}?a=${'x'.repeat(70_000)}`);
    expect([status, json.kind]).to.deep.equal([431, 'Status']);
    expect((await api.askAs('jane', THINGS)).status).to.equal(200);
  });

  it('ends who sends slowly, and who sends no HTTP', async () => {
    const api = await start({ limits: { requestMs: 300 } });
    const says = async (text: string) => {
      const { host, port, servername, key, cert, ca } = api.tlsOptions();
      const socket = tls.connect({
        host: host!,
        port: Number(port),
        servername,
        key,
        cert,
        ca,
      } as tls.ConnectionOptions);
      socket.write(text);
      let heard = '';
      socket.on('data', (chunk) => {
        heard += chunk;
      });
      await once(socket, 'close');
      return heard;
    };
    expect(await says(`GET ${THINGS} HTTP/1.1\r\nX-Remote-User: jane\r\n`)).to.match(
      /^HTTP\/1\.1 408 .*"kind":"Status"/s,
    );
    expect(await says('EHLO weft\r\n\r\n')).to.match(/^HTTP\/1\.1 400 .*"kind":"Status"/s);
  });

  it('takes so many requests at a time and no more, but answers discovery and health', async () => {
    let release: (() => void) | undefined;
    const waiting = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = row(async () => {
      await waiting;
      return { json: {} };
    });
    const api = await start({ rows: [slow], limits: { inFlight: 2 } });
    const first = [api.askAs('a', THINGS), api.askAs('b', THINGS)];
    await eventually('two are under way', async () => ((await api.askAs('c', THINGS)).status === 429 ? true : null));
    expect((await api.askAs('c', '/apis')).status).to.equal(200);
    expect((await api.ask('/readyz', { as: null })).body).to.equal('ok');
    release?.();
    expect((await Promise.all(first)).map(({ status }) => status)).to.deep.equal([200, 200]);
    expect((await api.askAs('c', THINGS)).status).to.equal(200);
  });

  it('gives up on an answer that does not come, and tells whoever makes it', async () => {
    let signal: AbortSignal | undefined;
    const api = await start({
      rows: [
        row((request) => {
          signal = request.signal;
          return new Promise(() => undefined);
        }),
      ],
      limits: { answerMs: 100 },
    });
    expect((await api.askAs('jane', THINGS)).json).to.deep.include({ code: 504, reason: 'Timeout' });
    expect(signal?.aborted).to.equal(true);
  });

  it('closes when what is under way is answered, though its client keeps the connection', async () => {
    const gate = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const slow = row(async () => {
      entered.resolve();
      await gate.promise;
      return { json: {} };
    });
    const api = await start({ rows: [slow] });
    const agent = new Agent({ keepAlive: true });
    try {
      const reply = api.askAs('jane', THINGS, { agent });
      await entered.promise;
      const closed = api.stop();
      gate.resolve();
      expect((await reply).status).to.equal(200);
      const startMs = performance.now();
      await closed;
      expect(performance.now() - startMs).to.be.lessThan(2_000);
    } finally {
      agent.destroy();
    }
  });

  it('says no more of a failure than that it is one', async () => {
    const api = await start({ rows: [row(() => Promise.reject(new Error('secret of the operator')))] });
    const { status, body } = await api.askAs('jane', THINGS);
    expect(status).to.equal(500);
    expect(body).to.include('WEFT_VIZ_FAILED').and.not.include('secret');
  });

  it('reads a body up to the length that a row takes', async () => {
    const handle = async ({ body }: ApiRequest) => ({ json: { length: (await body(10)).length } });
    const api = await start({ rows: [row(handle, { verbs: ['create'] })] });
    const post = (body: string) => api.askAs('jane', THINGS, { method: 'POST', body });
    expect((await post('0123456789')).json).to.deep.equal({ length: 10 });
    expect((await post('0123456789a')).json).to.deep.include({ code: 413, reason: 'RequestEntityTooLarge' });
  });
});

describe('aggregated API: streams', () => {
  const endless = (ended: () => void): ApiRow =>
    row(
      async ({ signal }) => ({
        contentType: 'application/json',
        chunks: (async function* chunks() {
          try {
            for (let at = 0; !signal.aborted; at++) {
              yield Buffer.from(`{"at":${at}}\n`);
              await sleep(5, undefined, { signal }).catch(() => undefined);
            }
          } finally {
            ended();
          }
        })(),
      }),
      { verbs: ['watch'] },
    );

  it('sends bytes as they come, longer than an answer may take, until the client leaves', async () => {
    let ended = 0;
    const api = await start({ rows: [endless(() => ended++)], limits: { answerMs: 50 } });
    const response = await api.open(`${THINGS}?watch=true`, { headers: { 'X-Remote-User': 'jane' } });
    let heard = '';
    response.on('data', (chunk) => {
      heard += chunk;
    });
    await eventually('it goes on after the time for an answer', async () =>
      heard.includes('{"at":20}') ? true : null,
    );
    expect(ended).to.equal(0);
    response.destroy();
    await eventually('the source is ended', async () => (ended === 1 ? true : null));
  });

  it('ends them when the server closes, and refuses more than so many of one user, and of all', async () => {
    let ended = 0;
    const api = await start({ rows: [endless(() => ended++)], limits: { streams: 2, streamsOfUser: 1 } });
    const response = await api.open(`${THINGS}?watch=true`, { headers: { 'X-Remote-User': 'jane' } });
    response.resume();
    expect((await api.askAs('jane', `${THINGS}?watch=true`)).json.message).to.include('of this user');
    const other = await api.open(`${THINGS}?watch=true`, { headers: { 'X-Remote-User': 'joe' } });
    other.resume();
    expect((await api.askAs('ann', `${THINGS}?watch=true`)).status).to.equal(429);
    const over = once(response, 'end');
    await api.stop();
    await over;
    expect(ended).to.equal(2);
  });

  it('cuts off a client that takes nothing', async () => {
    let ended = 0;
    const chunk = Buffer.alloc(1024 * 1024);
    const flood = row(
      async () => ({
        contentType: 'application/octet-stream',
        chunks: (async function* chunks() {
          try {
            for (;;) yield chunk;
          } finally {
            ended++;
          }
        })(),
      }),
      { verbs: ['watch'] },
    );
    const api = await start({ rows: [flood], limits: { takeMs: 200 } });
    const response = await api.open(`${THINGS}?watch=true`, { headers: { 'X-Remote-User': 'jane' } });
    await eventually('it was cut off', async () => (ended === 1 ? true : null));
    response.destroy();
  });
});
