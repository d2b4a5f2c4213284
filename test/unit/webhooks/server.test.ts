import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, type RequestOptions, request } from 'node:https';
import { connect, type Socket } from 'node:net';
import tls from 'node:tls';
import { expect } from 'chai';
import { ServingCertificate } from '../../../operator/pki/serving.ts';
import { ConnectionPlaces } from '../../../operator/runtime/connection-places.ts';
import { MAX_BODY_BYTES } from '../../../webhooks/body.ts';
import { type AdmissionRequest, ALLOWED, type Answer } from '../../../webhooks/review.ts';
import { type Webhook, WebhookServer, type WebhookServerOptions } from '../../../webhooks/server.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { createLeaf, createTestAuthority, type TestAuthority } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';

const HOST = 'weft-operator.weft-system.svc';
const DAY_MS = 86_400_000;

interface Running {
  port: number;
  authority: TestAuthority;
  certificate: ServingCertificate;
  clock: FakeClock;
  server: WebhookServer;
  answered: { path: string; request: AdmissionRequest; answer: Answer; durationMs: number }[];
  failed: { path: string; status: number; message: string }[];
}

const running: Running[] = [];

async function start(changes: Partial<WebhookServerOptions> = {}, webhook?: Webhook): Promise<Running> {
  // Behind, so that what is renewed later is valid by the clock of TLS, which no test can turn.
  const clock = new FakeClock({ wallOffsetMs: Date.now() - 0.36 * DAY_MS });
  const authority = createTestAuthority();
  const certificate = new ServingCertificate(
    () => [HOST, `${HOST}.cluster.local`, 'localhost'],
    DAY_MS / 2,
    () => authority.issuer,
    clock,
  );
  certificate.start();
  const answered: Running['answered'] = [];
  const failed: Running['failed'] = [];
  const server = new WebhookServer({
    credentials: certificate,
    webhooks: { '/echo': webhook ?? (async (review) => ({ ...ALLOWED, warnings: [review.name] })) },
    observer: {
      answered: (path, review, answer, durationMs) => answered.push({ path, request: review, answer, durationMs }),
      failed: (path, status, error) => failed.push({ path, status, message: error.message }),
    },
    nowMs: () => performance.now(),
    ...changes,
  });
  const port = await server.listen(0, '127.0.0.1');
  const all = { port, authority, certificate, clock, server, answered, failed };
  running.push(all);
  return all;
}

interface Reply {
  status: number;
  headers: IncomingMessage['headers'];
  body: string;
}

const REVIEW = {
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: 'u-1',
    operation: 'CREATE',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    name: 'web',
    object: {},
  },
};

async function post(to: Running, body: string | Buffer, options: RequestOptions = {}): Promise<Reply> {
  const sent = request({
    host: '127.0.0.1',
    port: to.port,
    servername: HOST,
    ca: to.authority.anchorsPem,
    path: '/echo',
    method: 'POST',
    agent: false,
    ...options,
    headers: { 'content-type': 'application/json', ...options.headers },
  });
  // A server that refuses early may close before all of the body is written; the reply counts.
  sent.on('error', () => {});
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString() };
}

describe('webhook server', () => {
  afterEach(async () => {
    for (const { server, certificate } of running.splice(0)) {
      certificate.stop();
      await server.close();
    }
  });

  it('answers a review over TLS 1.3 and tells its observer', async () => {
    const server = await start();
    const reply = await post(server, JSON.stringify(REVIEW));
    expect(reply.status).to.equal(200);
    expect(reply.headers['content-type']).to.equal('application/json');
    expect(JSON.parse(reply.body).response).to.deep.equal({ uid: 'u-1', allowed: true, warnings: ['web'] });
    expect(server.answered).to.have.length(1);
    expect(server.answered[0]).to.deep.include({ path: '/echo' });
    expect(server.answered[0]?.durationMs).to.be.within(0, 1_000);
    expect(server.failed).to.deep.equal([]);
  });

  it('answers many reviews on one connection', async () => {
    const server = await start();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; i < 20; i += 1) {
      const body = JSON.stringify({ ...REVIEW, request: { ...REVIEW.request, uid: `u${i}` } });
      expect(JSON.parse((await post(server, body, { agent })).body).response.uid).to.equal(`u${i}`);
    }
    agent.destroy();
  });

  it('keeps a connection that rests longer than an API server does, which is 90 s', async () => {
    const server = await start();
    const agent = new Agent({ keepAlive: true });
    const { headers } = await post(server, JSON.stringify(REVIEW), { agent });
    agent.destroy();
    const [, seconds] = /^timeout=(\d+)$/.exec(String(headers['keep-alive'])) ?? [];
    expect(Number(seconds)).to.be.above(90);
  });

  for (const [name, body] of [
    ['empty', ''],
    ['no JSON', 'nonsense'],
    ['null', 'null'],
    ['without request', '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}'],
    ['of another version', JSON.stringify({ ...REVIEW, apiVersion: 'admission.k8s.io/v1beta1' })],
    ['without uid', JSON.stringify({ ...REVIEW, request: { ...REVIEW.request, uid: '' } })],
  ] as const) {
    it(`E1: a body that is ${name} gets 400 with a code, and the next review is answered`, async () => {
      const server = await start();
      const reply = await post(server, body);
      expect(reply.status).to.equal(400);
      expect(JSON.parse(reply.body).code).to.equal('WEFT_WEBHOOK_REVIEW');
      expect((await post(server, JSON.stringify(REVIEW))).status).to.equal(200);
      expect(server.failed.map(({ status }) => status)).to.deep.equal([400]);
    });
  }

  it('E1: a review without an object is refused under its uid', async () => {
    const server = await start();
    const reply = await post(server, JSON.stringify({ ...REVIEW, request: { ...REVIEW.request, object: null } }));
    expect(reply.status).to.equal(200);
    const { response } = JSON.parse(reply.body);
    expect(response).to.deep.include({ uid: 'u-1', allowed: false });
    expect(response.status.message).to.contain('request.object');
  });

  it('E2: a body of more than 10 MB gets 413, announced or not', async () => {
    const server = await start();
    const big = Buffer.alloc(MAX_BODY_BYTES + 1, 0x20);
    for (const headers of [{ 'content-length': big.length }, { 'transfer-encoding': 'chunked' }]) {
      const reply = await post(server, big, { headers });
      expect(reply.status).to.equal(413);
      expect(reply.headers.connection).to.equal('close');
      expect(JSON.parse(reply.body).code).to.equal('WEFT_WEBHOOK_LIMIT');
    }
    const fits = JSON.stringify(REVIEW).padEnd(MAX_BODY_BYTES, ' ');
    expect((await post(server, fits)).status).to.equal(200);
  });

  it('E2: JSON of ten thousand levels gets 413', async () => {
    const server = await start();
    const reply = await post(server, '['.repeat(10_000) + ']'.repeat(10_000));
    expect([reply.status, JSON.parse(reply.body).code]).to.deep.equal([413, 'WEFT_WEBHOOK_LIMIT']);
  });

  it('E2: a body that comes too slowly gets 408', async () => {
    const server = await start({ requestTimeoutMs: 500 });
    const socket = tls.connect({
      host: '127.0.0.1',
      port: server.port,
      servername: HOST,
      ca: server.authority.anchorsPem,
    });
    socket.on('error', () => {});
    socket.write('POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n');
    const drip = setInterval(() => socket.write(' '), 100);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    await new Promise<void>((resolve) => socket.once('close', () => resolve()));
    clearInterval(drip);
    expect(Buffer.concat(chunks).toString()).to.match(/^HTTP\/1\.1 408 /);
  });

  it('E2: keys that would pollute prototypes are keys', async () => {
    const server = await start();
    const body = JSON.stringify(REVIEW).replace('"object":{}', '"object":{"__proto__":{"polluted":true}}');
    expect((await post(server, body)).status).to.equal(200);
    expect(({} as Record<string, unknown>)['polluted']).to.equal(undefined);
  });

  it('E3: speaks nothing but TLS 1.3', async () => {
    const server = await start();
    const old = tls.connect({ host: '127.0.0.1', port: server.port, maxVersion: 'TLSv1.2', rejectUnauthorized: false });
    const [error] = (await once(old, 'error')) as [Error];
    expect(error.message).to.match(/protocol version/);
    const plain = connect(server.port, '127.0.0.1');
    plain.on('error', () => {});
    plain.end('POST /echo HTTP/1.1\r\nhost: x\r\n\r\n');
    const chunks: Buffer[] = [];
    plain.on('data', (chunk: Buffer) => chunks.push(chunk));
    await new Promise<void>((resolve) => plain.once('close', () => resolve()));
    expect(Buffer.concat(chunks).toString('latin1')).not.to.contain('HTTP/1.1 200');
    expect(server.answered).to.deep.equal([]);
  });

  it('E3: answers only clients of the given authority where there is one', async () => {
    const clients = createTestAuthority(Date.now(), 'clients.test');
    const server = await start({ clientAuthorityPem: clients.anchorsPem });
    const body = JSON.stringify(REVIEW);
    expect((await post(server, body)).status).to.equal(403);
    const stranger = createLeaf(server.authority, 'kube-apiserver');
    expect((await post(server, body, { key: stranger.keyPem, cert: stranger.chainPem })).status).to.equal(403);
    const known = createLeaf(clients, 'kube-apiserver');
    expect((await post(server, body, { key: known.keyPem, cert: known.chainPem })).status).to.equal(200);
  });

  for (const [name, options, status] of [
    ['an unknown path', { path: '/' }, 404],
    ['a path of Object.prototype', { path: '/constructor' }, 404],
    ['GET', { method: 'GET' }, 405],
    ['another content type', { headers: { 'content-type': 'application/yaml' } }, 415],
  ] as const) {
    it(`${name} gets ${status}`, async () => {
      expect((await post(await start(), JSON.stringify(REVIEW), options)).status).to.equal(status);
    });
  }

  it('takes the query that API servers add', async () => {
    const server = await start();
    expect((await post(server, JSON.stringify(REVIEW), { path: '/echo?timeout=10s' })).status).to.equal(200);
    expect(server.answered.map(({ path }) => path)).to.deep.equal(['/echo']);
  });

  it('gives no verdict when a webhook fails, so that failurePolicy decides, and tells nothing', async () => {
    const server = await start({}, () => Promise.reject(new Error('internal detail')));
    const reply = await post(server, JSON.stringify(REVIEW));
    expect(reply.status).to.equal(500);
    expect(reply.body).not.to.contain('internal detail');
    expect(server.failed).to.deep.equal([{ path: '/echo', status: 500, message: 'internal detail' }]);
  });

  it('sheds what is beyond a hundred reviews at a time', async () => {
    const gate = Promise.withResolvers<void>();
    const server = await start({}, async () => {
      await gate.promise;
      return ALLOWED;
    });
    const body = JSON.stringify(REVIEW);
    const agent = new Agent({ keepAlive: false, maxSockets: 200 });
    const replies = Array.from({ length: 120 }, () => post(server, body, { agent }));
    await eventually('twenty are shed', () => server.failed.length === 20);
    gate.resolve();
    const counted = (await Promise.all(replies)).map(({ status }) => status);
    expect(counted.filter((status) => status === 200)).to.have.length(100);
    expect(counted.filter((status) => status === 503)).to.have.length(20);
  });

  it('B14: connections that ask for nothing keep no API server out', async () => {
    const refused: string[] = [];
    const places = new ConnectionPlaces({ limit: 10, waiting: 10, refused: (reason) => refused.push(reason) });
    const server = await start({ places });
    const silent: Socket[] = [];
    for (let i = 0; i < 40; i++) {
      silent.push(connect(server.port, '127.0.0.1').on('error', () => {}));
      if (i < 10) continue;
      expect((await post(server, JSON.stringify(REVIEW))).status).to.equal(200);
    }
    expect(refused.length).to.be.greaterThan(25);
    expect([...new Set(refused)]).to.deep.equal(['made_room']);
    for (const one of silent) one.destroy();
  });

  it('E6: takes up a renewed certificate; a review under way on the old one is finished', async () => {
    const gate = Promise.withResolvers<void>();
    const server = await start({}, async () => {
      await gate.promise;
      return ALLOWED;
    });
    const under = post(server, JSON.stringify(REVIEW));
    const serial = async () => {
      const socket = tls.connect({
        host: '127.0.0.1',
        port: server.port,
        servername: HOST,
        ca: server.authority.anchorsPem,
      });
      await once(socket, 'secureConnect');
      const certificate = socket.getPeerX509Certificate();
      socket.destroy();
      return certificate?.serialNumber;
    };
    const before = await serial();
    const { notAfterMs } = server.certificate.current!;
    await server.clock.advance(0.36 * DAY_MS);
    expect(await serial()).not.to.equal(before);
    expect(notAfterMs).to.be.greaterThan(server.clock.wallMs());
    gate.resolve();
    expect((await under).status).to.equal(200);
  });

  it('goes on while it is about to close, and asks clients for another connection each time', async () => {
    const server = await start();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const before = await post(server, JSON.stringify(REVIEW), { agent });
    server.server.leave();
    const after = await post(server, JSON.stringify(REVIEW), { agent });
    expect([before, after].map(({ status, headers }) => [status, headers.connection])).to.deep.equal([
      [200, 'keep-alive'],
      [200, 'close'],
    ]);
    expect((await post(server, JSON.stringify(REVIEW), { agent })).status).to.equal(200);
    agent.destroy();
  });

  it('finishes running reviews when it closes, and does not wait for clients that keep their connections', async () => {
    const gate = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const server = await start({}, async () => {
      entered.resolve();
      await gate.promise;
      return ALLOWED;
    });
    const agent = new Agent({ keepAlive: true });
    const reply = post(server, JSON.stringify(REVIEW), { agent });
    await entered.promise;
    running.splice(0);
    server.certificate.stop();
    const closed = server.server.close();
    gate.resolve();
    expect((await reply).status).to.equal(200);
    // Else for as long as a connection may rest (120 s), which is longer than a test may take.
    await closed;
    agent.destroy();
  });
});
