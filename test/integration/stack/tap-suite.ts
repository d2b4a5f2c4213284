import { expect } from 'chai';
import type { TapEnd, TapEvent, TapRequest, TapResponse } from '../../../proxy-image/contract/tap/events.ts';
import type { TapQuestion } from '../../../proxy-image/contract/tap/question.ts';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { MAX_TAPS } from '../../../proxy-image/stack/control/tap/verb.ts';
import { authorization, initialWorkload, portPolicy, WORKLOAD_KEY } from '../../unit/core/fixtures.ts';
import { until } from '../transport/recorder.ts';
import { ControlClient, controlCredentials } from './control-client.ts';
import { ask, dialHttp2, serveHttp2 } from './http2-peers.ts';
import { identityName, TestMesh, type TestProxy } from './mesh.ts';
import { goodCredentials } from './mesh-client.ts';
import { askOn, dialRaw, GET, ok, serveHttp, serveRaw } from './peers.ts';

const EVERYTHING: TapQuestion = {
  direction: null,
  to: null,
  from: null,
  scheme: '',
  method: '',
  authority: '',
  path: '',
  maxRps: 100,
  share: 1,
  headers: false,
};

/** What who taps a proxy is told, and what the traffic notices of it. */
export function tapSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let client: TestProxy;
  let server: TestProxy;

  beforeEach(async () => {
    mesh = new TestMesh(create);
    client = await mesh.proxy();
    server = await mesh.proxy({ serviceAccount: 'server' });
    client.setService({ protocol: 'detect' });
    mayBeTapped(client);
  });
  afterEach(() => mesh.stop());

  function mayBeTapped(proxy: TestProxy, tapRedacts: string[] | null = [], ports = {}): void {
    const initial = initialWorkload();
    proxy.set(WORKLOAD_KEY, { ...initial, sources: '9', ports, settings: { ...initial.settings, tapRedacts } });
  }

  function behind(port: number, policy: Parameters<typeof portPolicy>[0] = { protocol: 'detect' }): void {
    client.setEndpoints('web', [{ ...mesh.meshed(server, port), protocol: 'detect' }]);
    mayBeTapped(server, [], { [port]: portPolicy(policy) });
  }

  async function tap(proxy: TestProxy, question: Partial<TapQuestion> = {}): Promise<ControlClient> {
    const listener = new ControlClient(mesh, proxy, controlCredentials(mesh));
    await listener.ask('tap', { ...EVERYTHING, ...question });
    await listener.told(1);
    return listener;
  }

  const events = (listener: ControlClient): TapEvent[] =>
    listener.answers
      .filter(({ type }) => type === 'tell')
      .map(({ item }) => item as TapEvent)
      .filter(({ type }) => type !== 'listening');

  async function told(listener: ControlClient, count: number): Promise<TapEvent[]> {
    await until(() => events(listener).length >= count, `${count} events, of ${JSON.stringify(events(listener))}`);
    return events(listener);
  }

  it('HTTP/1: the request, the response and the end, on both sides, each with all of whose it is', async () => {
    const { port } = await serveHttp(mesh, () => ok('hello'));
    behind(port);
    const calls = await tap(client);
    const comes = await tap(server);
    await askOn(dialRaw(mesh, client.outbound), 'GET /a?b=c HTTP/1.1\r\nHost: web.shop\r\n\r\n');
    const [request, response, end] = (await told(calls, 3)) as [TapRequest, TapResponse, TapEnd];
    expect(request).to.deep.include({
      type: 'request',
      id: 1,
      direction: 'outbound',
      version: 'HTTP/1.1',
      scheme: 'http',
      method: 'GET',
      authority: 'web.shop',
      path: '/a?b=c',
      tls: 'true',
      headers: [],
    });
    expect(request.src).to.deep.include({ ip: '127.0.0.1', identity: '' });
    expect(request.src.port).to.be.greaterThan(0);
    expect(request.dst).to.deep.equal({
      ip: '127.0.0.1',
      port,
      identity: identityName('server'),
      labels: { namespace: 'shop', service: 'web', pod: `web-${port}` },
    });
    expect(response).to.deep.include({ type: 'response', id: 1, status: 200, dst: request.dst, src: request.src });
    expect(response.latencyUs).to.be.within(0, 5_000_000);
    expect(end).to.deep.include({
      type: 'end',
      status: 200,
      responseBytes: 5,
      grpcStatus: null,
      end: 'complete',
      error: '',
    });
    const [inbound] = (await told(comes, 3)) as [TapRequest];
    expect(inbound).to.deep.include({ type: 'request', direction: 'inbound', tls: 'true', path: '/a?b=c' });
    expect(inbound.src.identity).to.equal(identityName('client'));
    expect(inbound.dst).to.deep.include({ ip: '127.0.0.1', port });
  });

  it('HTTP/2 and gRPC: the status of the trailers is that of the end', async () => {
    const { port } = await serveHttp2(mesh, (stream, headers) => {
      if (headers['content-type'] !== 'application/grpc') {
        stream.respond({ ':status': 204 }, { endStream: true });
        return;
      }
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '13' }));
      stream.end('abc');
    });
    behind(port);
    const calls = await tap(client);
    const session = dialHttp2(mesh, client.outbound);
    await ask(session, { ':path': '/two', ':authority': 'web' });
    await ask(session, {
      ':method': 'POST',
      ':path': '/shop.Cart/Add',
      ':authority': 'web',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const [two, , , grpc, , end] = (await told(calls, 6)) as [
      TapRequest,
      TapEvent,
      TapEvent,
      TapRequest,
      TapEvent,
      TapEnd,
    ];
    expect(two).to.include({ version: 'HTTP/2.0', method: 'GET', path: '/two', scheme: 'http', authority: 'web' });
    expect(grpc).to.include({ id: 2, method: 'POST', path: '/shop.Cart/Add' });
    expect(end).to.include({ id: 2, status: 200, grpcStatus: 13, responseBytes: 3, end: 'complete' });
  });

  it('an upgrade: its response is 101, with which the exchange ends', async () => {
    const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n';
    const { port } = await serveRaw(mesh, ({ socket }, chunk) => {
      if (chunk.includes('\r\n\r\n')) socket.write(switching);
    });
    behind(port);
    const calls = await tap(client);
    const raw = dialRaw(mesh, client.outbound);
    raw.send('GET /ws HTTP/1.1\r\nHost: web\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    const [, response, end] = (await told(calls, 3)) as [TapEvent, TapResponse, TapEnd];
    expect(response.status).to.equal(101);
    expect(end).to.include({ end: 'complete', status: 101 });
  });

  it('a connection that is carried as bytes: when it opens, and what it has carried', async () => {
    const { port } = await serveRaw(mesh, ({ socket }) => socket.end('four'));
    client.setService({ protocol: 'opaque' });
    behind(port, { protocol: 'opaque' });
    const calls = await tap(client);
    const comes = await tap(server);
    const raw = dialRaw(mesh, client.outbound);
    raw.send('sixsix');
    await raw.hears('four');
    raw.close();
    const [opened, closed] = await told(calls, 2);
    expect(opened).to.deep.include({ type: 'opened', id: 1, direction: 'outbound', tls: 'true' });
    expect(opened).to.have.nested.property('dst.labels.pod', `web-${port}`);
    expect(closed).to.deep.include({ type: 'closed', id: 1, sentBytes: 6, receivedBytes: 4 });
    const [inbound] = await told(comes, 2);
    expect(inbound).to.deep.include({ type: 'opened', direction: 'inbound', tls: 'true' });
    expect(inbound).to.have.nested.property('src.identity', identityName('client'));
    expect(inbound).to.have.nested.property('dst.port', port);
  });

  it('a request that is denied is told of by the proxy that has denied it', async () => {
    const { port } = await serveHttp(mesh, () => ok('hello'));
    behind(port, {
      authorizations: [authorization('nobody', { authentication: { type: 'identities', identities: ['x'] } })],
    });
    const comes = await tap(server);
    await askOn(dialRaw(mesh, client.outbound));
    const [request, response, end] = (await told(comes, 3)) as [TapRequest, TapResponse, TapEnd];
    expect(request.route).to.include({ denied: 'identity_not_authorized' });
    expect(response.status).to.equal(403);
    expect(end).to.include({ status: 403, end: 'complete' });
  });

  it('a request that finds no endpoint is told of too, with what was wanted', async () => {
    client.setService({ protocol: 'detect', queue: { capacity: 1, failfastMs: 50 } });
    client.setEndpoints('web', []);
    const calls = await tap(client, { to: { labels: { service: 'web', namespace: 'shop' }, addresses: [] } });
    await askOn(dialRaw(mesh, client.outbound));
    const [request, response, end] = (await told(calls, 3)) as [TapRequest, TapResponse, TapEnd];
    expect(request.dst).to.deep.include({ ip: '10.96.0.1', port: 80 });
    expect(response.status).to.equal(504);
    expect(end.error).to.equal('failfast');
  });

  describe('what is wanted', () => {
    const asked = 'POST /shop/cart HTTP/1.1\r\nHost: Web:80\r\nContent-Length: 0\r\n\r\n';
    const cases: [what: string, question: Partial<TapQuestion>, isTold: boolean][] = [
      ['everything', {}, true],
      ['calls of the pod', { direction: 'outbound' }, true],
      ['calls to the pod', { direction: 'inbound' }, false],
      ['the method', { method: 'POST' }, true],
      ['the method in lower case: it is another one', { method: 'post' }, false],
      ['what the path begins with', { path: '/shop/c' }, true],
      ['what it holds further on', { path: 'cart' }, false],
      ['the authority, whatever its case', { authority: 'wEB:80' }, true],
      ['the authority without its port', { authority: 'web' }, false],
      ['the scheme', { scheme: 'http' }, true],
      ['another scheme', { scheme: 'https' }, false],
      ['labels of the endpoint', { to: { labels: { namespace: 'shop', service: 'web' }, addresses: [] } }, true],
      ['one label of another value', { to: { labels: { namespace: 'shop', service: 'x' }, addresses: [] } }, false],
      ['a label that it has not', { to: { labels: { constructor: 'x' }, addresses: [] } }, false],
      ['the address of the endpoint', { to: { labels: {}, addresses: ['127.0.0.2', '127.0.0.1'] } }, true],
      ['another address', { to: { labels: {}, addresses: ['127.0.0.2'] } }, false],
      ['whom calls to the pod come from', { from: { labels: {}, addresses: ['127.0.0.1'] } }, false],
      ['all of it at once', { method: 'POST', path: '/', authority: 'web:80', direction: 'outbound' }, true],
      ['all of it but one', { method: 'GET', path: '/', authority: 'web:80' }, false],
    ];

    for (const [what, question, isTold] of cases) {
      it(`${what}: the request is ${isTold ? '' : 'not '}told of`, async () => {
        const { port } = await serveHttp(mesh, () => ok(''));
        behind(port);
        const other = await tap(client);
        const wanted = await tap(client, question);
        await askOn(dialRaw(mesh, client.outbound), asked);
        await told(other, 3);
        if (isTold) await told(wanted, 3);
        await askOn(dialRaw(mesh, client.outbound), asked);
        await told(other, 6);
        expect(events(wanted).length > 0).to.equal(isTold);
      });
    }

    it('whom a call comes from: an address, and no label, for a client has none', async () => {
      const { port } = await serveHttp(mesh, () => ok(''));
      behind(port);
      const fromHere = await tap(server, { from: { labels: {}, addresses: ['127.0.0.1'] } });
      const fromThere = await tap(server, { from: { labels: {}, addresses: ['127.0.0.9'] } });
      const labelled = await tap(server, { from: { labels: { namespace: 'shop' }, addresses: [] } });
      await askOn(dialRaw(mesh, client.outbound));
      await told(fromHere, 3);
      expect([...events(fromThere), ...events(labelled)]).to.deep.equal([]);
    });

    it('connections that are bytes have no method: who wants one is not told of them', async () => {
      const { port } = await serveRaw(mesh, ({ socket }) => socket.end('four'));
      client.setService({ protocol: 'opaque' });
      behind(port, { protocol: 'opaque' });
      const all = await tap(client);
      const posts = await tap(client, { method: 'POST' });
      const raw = dialRaw(mesh, client.outbound);
      raw.send('x');
      await told(all, 1);
      raw.close();
      await told(all, 2);
      expect(events(posts)).to.deep.equal([]);
    });

    it('no more than so many a second', async () => {
      const { port } = await serveHttp(mesh, () => ok(''));
      behind(port);
      const all = await tap(client);
      const few = await tap(client, { maxRps: 2 });
      const raw = dialRaw(mesh, client.outbound);
      for (let count = 0; count < 20; count++) await askOn(raw);
      await told(all, 60);
      await told(few, 6);
      expect(events(few).filter(({ type }) => type === 'request').length).to.be.within(2, 10);
    });

    it('a share of it', async () => {
      const { port } = await serveHttp(mesh, () => ok(''));
      behind(port);
      const all = await tap(client);
      const half = await tap(client, { share: 0.5 });
      const raw = dialRaw(mesh, client.outbound);
      for (let count = 0; count < 30; count++) await askOn(raw);
      await told(all, 90);
      expect(events(half).filter(({ type }) => type === 'request').length).to.be.within(3, 27);
    });
  });

  describe('header fields', () => {
    const asked =
      'GET / HTTP/1.1\r\nHost: web\r\nAuthorization: Bearer s3cret\r\nCookie: a=s3cret\r\nPROXY-AUTHORIZATION: s3cret\r\nX-Session: s3cret\r\nX-Plain: \u009b31mred\r\n\r\n';

    it('F4: are told where they are asked for, without what is secret, and what the Mesh lists', async () => {
      const { port } = await serveHttp(
        mesh,
        () => 'HTTP/1.1 200 OK\r\nSet-Cookie: s3cret\r\nContent-Length: 0\r\n\r\n',
      );
      behind(port);
      mayBeTapped(client, ['x-session']);
      const calls = await tap(client, { headers: true });
      await askOn(dialRaw(mesh, client.outbound), asked);
      const [request, response] = (await told(calls, 3)) as [TapRequest, TapResponse];
      expect(request.headers).to.deep.equal([
        ['host', 'web'],
        ['authorization', 'redacted'],
        ['cookie', 'redacted'],
        ['proxy-authorization', 'redacted'],
        ['x-session', 'redacted'],
        ['x-plain', '\u009b31mred'],
      ]);
      expect(response.headers).to.deep.equal([
        ['set-cookie', 'redacted'],
        ['content-length', '0'],
      ]);
      expect(calls.recorder.text).not.to.contain('s3cret');
    });

    it('HTTP/2: the same, and what its sender has marked as secret', async () => {
      const { port } = await serveHttp2(mesh, (stream) => stream.respond({ ':status': 204 }, { endStream: true }));
      behind(port);
      const calls = await tap(client, { headers: true });
      const { sensitiveHeaders } = await import('node:http2');
      await ask(dialHttp2(mesh, client.outbound), {
        ':authority': 'web',
        cookie: 's3cret',
        'x-token': 's3cret',
        'x-plain': 'seen',
        [sensitiveHeaders as unknown as string]: ['x-token'],
      });
      const [request] = (await told(calls, 3)) as [TapRequest];
      expect(request.headers).to.deep.equal([
        ['cookie', 'redacted'],
        ['x-token', 'redacted'],
        ['x-plain', 'seen'],
      ]);
    });

    it('are not told unasked', async () => {
      const { port } = await serveHttp(mesh, () => ok(''));
      behind(port);
      const calls = await tap(client);
      await askOn(dialRaw(mesh, client.outbound), asked);
      for (const event of await told(calls, 3)) expect('headers' in event ? event.headers : []).to.deep.equal([]);
    });
  });

  describe('who may', () => {
    it('nobody but the control plane', async () => {
      const impostor = new ControlClient(mesh, client, goodCredentials(mesh));
      await impostor.gone();
      expect(impostor.answers).to.deep.equal([]);
    });

    it('nobody where the pod is opted out; who listens already is sent away', async () => {
      const { port } = await serveHttp(mesh, () => ok(''));
      behind(port);
      const calls = await tap(client);
      const raw = dialRaw(mesh, client.outbound);
      await askOn(raw);
      await told(calls, 3);
      mayBeTapped(client, null);
      await askOn(raw);
      await calls.gone();
      expect(calls.answers.at(-1)).to.deep.equal({ type: 'refused', reason: 'disabled', problems: [] });
      expect(events(calls)).to.have.length(3);
      const again = await tap(client);
      expect((await again.told(1))[0]).to.include({ reason: 'disabled' });
    });

    it('nobody before the operator has said that he may', async () => {
      const other = await mesh.proxy({ serviceAccount: 'other' });
      const listener = await tap(other);
      expect((await listener.told(1))[0]).to.include({ reason: 'disabled' });
    });

    it('so many at a time, and another when one has gone', async () => {
      const taps: ControlClient[] = [];
      for (let count = 0; count < MAX_TAPS; count++) taps.push(await tap(client));
      const late = await tap(client);
      expect((await late.told(1))[0]).to.include({ reason: 'busy' });
      taps[0]!.recorder.connection!.reset();
      await until(() => taps[0]!.hasLeft, 'the first to go');
      const { port } = await serveHttp(mesh, () => ok(''));
      behind(port);
      const next = await tap(client);
      await askOn(dialRaw(mesh, client.outbound));
      await told(next, 3);
    });

    it('a question with a mistake is not answered, and every mistake is named', async () => {
      const wrong = await tap(client, { maxRps: 0, direction: 'sideways' as 'inbound', path: 'x'.repeat(2_000) });
      const [answer] = await wrong.told(1);
      expect(answer).to.include({ type: 'refused', reason: 'malformed' });
      expect(answer!['problems']).to.have.length(3);
    });
  });

  it('who does not read what he is told is told that he missed some; the traffic does not wait for him', async () => {
    const { port } = await serveHttp(mesh, () => ok(''));
    behind(port);
    const slow = await tap(client, { maxRps: 2_000, headers: true });
    slow.recorder.connection!.pause();
    const raw = dialRaw(mesh, client.outbound);
    const long = `GET / HTTP/1.1\r\nHost: web\r\nX-Long: ${'x'.repeat(4_000)}\r\n\r\n`;
    for (let count = 0; count < 2_500; count++) await askOn(raw, long);
    slow.recorder.connection!.resume();
    await until(() => events(slow).some(({ type }) => type === 'missed'), 'the word that some are missing', 20_000);
    await askOn(raw, GET);
    await until(() => events(slow).some((event) => event.type === 'request' && event.headers.length === 1), 'the last');
    const missed = events(slow).reduce((sum, event) => sum + (event.type === 'missed' ? event.events : 0), 0);
    const came = events(slow).filter(({ type }) => type !== 'missed').length;
    await until(() => missed + came <= 7_503, 'nothing is told twice');
    expect(missed).to.be.greaterThan(1_000);
  });

  it('when nobody listens any more, nothing of it is left in the way of calls', async () => {
    const { port } = await serveHttp(mesh, () => ok(''));
    behind(port);
    const calls = await tap(client);
    const raw = dialRaw(mesh, client.outbound);
    await askOn(raw);
    await told(calls, 3);
    calls.recorder.connection!.reset();
    await until(() => calls.hasLeft, 'it to go');
    for (let count = 0; count < 5; count++) await askOn(raw);
    expect(events(calls)).to.have.length(3);
  });
}
