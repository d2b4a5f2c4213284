import { expect } from 'chai';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { until } from '../transport/recorder.ts';
import { ask, dialHttp2, echo, heard, serveHttp2 } from './http2-peers.ts';
import { identityName, TestMesh, type TestProxy } from './mesh.ts';
import { dialRaw, ok, serveHttp, serveRaw } from './peers.ts';

const GRPC = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };

/** HTTP/2 through a client's and a server's proxy, and between the versions: runs on Node and on Bun. */
export function http2Suite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let client: TestProxy;
  let server: TestProxy;

  beforeEach(async () => {
    mesh = new TestMesh(create);
    client = await mesh.proxy({ serviceAccount: 'client' });
    server = await mesh.proxy({ serviceAccount: 'server' });
    client.setService({ protocol: 'detect' });
  });
  afterEach(() => mesh.stop());

  /** Endpoints behind the server's proxy, which leaves the version to the client. */
  function behind(...ports: number[]): void {
    client.setEndpoints(
      'web',
      ports.map((port) => ({ ...mesh.meshed(server, port), protocol: 'detect' as const })),
    );
    for (const port of ports) server.setPolicy(port, { protocol: 'detect' });
  }

  describe('HTTP/2 on both sides', () => {
    it('carries a request over mutual TLS and tells the application who asked, and nothing forged (C1)', async () => {
      const application = await serveHttp2(mesh, echo);
      behind(application.port);
      const session = dialHttp2(mesh, client.outbound);
      const answer = await ask(session, { ':path': '/a?b=c', 'x-own': '1', 'l5d-client-id': 'forged' });
      expect(answer.status).to.equal(200);
      const asked = JSON.parse(String(answer.headers['x-asked']));
      expect(asked).to.include({ ':method': 'GET', ':path': '/a?b=c', 'x-own': '1' });
      expect(asked['l5d-client-id']).to.equal(identityName('client'));
      expect(asked).not.to.have.property('l5d-dst-canonical');
    });

    it('carries bodies both ways, larger than any window', async () => {
      const application = await serveHttp2(mesh, echo);
      behind(application.port);
      const session = dialHttp2(mesh, client.outbound);
      const body = 'abcdefghij'.repeat(200_000);
      const answer = await ask(session, { ':method': 'POST' }, body);
      expect(answer.status).to.equal(200);
      expect(answer.body === body).to.equal(true);
    });

    it('many streams at once share one connection on each hop', async () => {
      const application = await serveHttp2(mesh, echo);
      behind(application.port);
      const session = dialHttp2(mesh, client.outbound);
      const answers = await Promise.all(
        Array.from({ length: 90 }, (_, i) => ask(session, { ':path': `/${i}`, ':method': 'POST' }, `body ${i}`)),
      );
      expect(answers.map(({ body }) => body)).to.deep.equal(answers.map((_, i) => `body ${i}`));
      expect(application.sessions.size).to.equal(1);
    });

    it('makes another connection when the streams of one have run out', async () => {
      const application = await serveHttp2(mesh, echo, { maxConcurrentStreams: 2 });
      behind(application.port);
      const session = dialHttp2(mesh, client.outbound);
      await ask(session, {});
      const answers = await Promise.all(Array.from({ length: 20 }, () => ask(session, { ':method': 'POST' }, 'x')));
      expect(answers.every(({ status }) => status === 200)).to.equal(true);
    });

    it('passes trailers, interim responses, and a response that is its head only', async () => {
      const application = await serveHttp2(mesh, (stream, headers) => {
        if (headers[':path'] === '/short') {
          stream.respond({ ':status': 200, 'grpc-status': '5' }, { endStream: true });
          return;
        }
        stream.additionalHeaders({ ':status': 103, link: '</style.css>' });
        stream.respond({ ':status': 200 }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'x-sum': '7' }));
        stream.end('hello');
      });
      behind(application.port);
      const session = dialHttp2(mesh, client.outbound);
      const answer = await ask(session, {});
      expect(answer).to.include({ status: 200, body: 'hello' });
      expect(answer.interim).to.deep.equal([103]);
      expect(answer.trailers).to.include({ 'grpc-status': '0', 'x-sum': '7' });
      const short = await ask(session, { ':path': '/short' });
      expect(short.headers).to.include({ 'grpc-status': '5' });
    });

    it('passes a cancellation on, and a reset of the server back', async () => {
      const codes: number[] = [];
      const application = await serveHttp2(mesh, (stream, headers) => {
        if (headers[':path'] === '/reset') {
          stream.respond({ ':status': 200 });
          stream.write('some');
          setTimeout(() => stream.destroy(new Error('broken')), 50);
          return;
        }
        stream.on('close', () => codes.push(stream.rstCode));
        stream.respond({ ':status': 200 });
        stream.write('never ends');
      });
      behind(application.port);
      const session = dialHttp2(mesh, client.outbound);
      const stream = session.request({ ':path': '/' });
      stream.on('data', () => stream.close(8));
      await heard(stream);
      await until(() => codes.length > 0, 'the cancellation at the application');
      expect(codes).to.deep.equal([8]);
      expect((await ask(session, { ':path': '/reset' })).code).to.equal(2);
      expect((await ask(session, { ':path': '/reset' })).status).to.equal(200);
    });

    it('a slow reader holds the sender back: what waits in the proxies is bounded', async () => {
      let sent = 0;
      const application = await serveHttp2(mesh, (stream) => {
        stream.respond({ ':status': 200 });
        const chunk = Buffer.alloc(16_384);
        const feed = () => {
          while (sent < 64 * 1024 * 1024) {
            sent += chunk.length;
            if (!stream.write(chunk)) return;
          }
          stream.end();
        };
        stream.on('drain', feed);
        feed();
      });
      behind(application.port);
      const session = dialHttp2(mesh, client.outbound);
      const stream = session.request({ ':path': '/' });
      await new Promise((resolve) => stream.once('response', resolve));
      stream.pause();
      let before = -1;
      await until(
        () => {
          const still = sent === before;
          before = sent;
          return still;
        },
        'the sender to stop',
        30_000,
      );
      expect(sent).to.be.below(4 * 1024 * 1024);
      let received = 0;
      stream.on('data', (chunk: Buffer) => {
        received += chunk.length;
      });
      stream.resume();
      await new Promise((resolve) => stream.once('close', resolve));
      expect(received).to.equal(64 * 1024 * 1024);
    });

    it('denies a request with 403, and a gRPC call with PERMISSION_DENIED', async () => {
      const application = await serveHttp2(mesh, echo);
      behind(application.port);
      server.setPolicy(application.port, { protocol: 'detect', authorizations: [] });
      const session = dialHttp2(mesh, client.outbound);
      const answer = await ask(session, {});
      expect(answer.status).to.equal(403);
      expect(answer.headers).to.include({ 'l5d-proxy-error': 'unauthorized: no authorizations' });
      const call = await ask(session, GRPC, '');
      expect(call.status).to.equal(200);
      expect(call.headers).to.include({ 'grpc-status': '7', 'content-type': 'application/grpc' });
    });

    it('asks another endpoint when the application behind a proxy is gone', async () => {
      const application = await serveHttp2(mesh, echo);
      behind(1, application.port);
      const session = dialHttp2(mesh, client.outbound);
      for (let i = 0; i < 10; i++) {
        expect((await ask(session, GRPC, 'five!')).body).to.equal('five!');
      }
    });

    it('retries a gRPC call whose status is a failure, also one in trailers behind a head', async () => {
      let calls = 0;
      const application = await serveHttp2(mesh, (stream, headers) => {
        const isFirst = ++calls % 2 === 1;
        if (!isFirst) {
          stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
          stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
          stream.end('fine');
        } else if (headers[':path'] === '/only') {
          stream.respond(
            { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '14' },
            { endStream: true },
          );
        } else {
          stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
          stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '14' }));
          stream.end();
        }
      });
      behind(application.port);
      client.setService({
        protocol: 'http2',
        routes: [
          {
            name: 'all',
            match: { type: 'method', method: 'POST' },
            isRetryable: true,
            timeoutMs: 0,
            responseClasses: [],
          },
        ],
      });
      const session = dialHttp2(mesh, client.outbound);
      for (const path of ['/only', '/behind']) {
        const call = await ask(session, { ...GRPC, ':path': path }, 'x');
        expect(call.body).to.equal('fine');
        expect(call.trailers).to.include({ 'grpc-status': '0' });
      }
      expect(calls).to.equal(4);
    });

    it('WebSocket by extended CONNECT is a tunnel, which ends when the policy does not allow it any more', async () => {
      const application = await serveHttp2(
        mesh,
        (stream) => {
          stream.respond({ ':status': 200 });
          stream.on('data', (chunk: Buffer) => stream.write(String(chunk).toUpperCase()));
        },
        { enableConnectProtocol: true },
      );
      behind(application.port);
      const session = dialHttp2(mesh, client.outbound);
      await new Promise((resolve) => session.once('remoteSettings', resolve));
      const tunnel = session.request(
        { ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/chat', ':scheme': 'http', ':authority': 'web' },
        { endStream: false },
      );
      const ended = heard(tunnel);
      tunnel.write('frames');
      let text = '';
      tunnel.on('data', (chunk: string) => {
        text += chunk;
      });
      await until(() => text === 'FRAMES', 'the echo');
      server.setPolicy(application.port, { protocol: 'detect', authorizations: [] });
      expect((await ended).code).not.to.equal(0);
    });

    it('draining tells the client to leave and loses no request', async () => {
      const application = await serveHttp2(mesh, (stream) => {
        stream.respond({ ':status': 200 });
        setTimeout(() => stream.end('late'), 300);
      });
      behind(application.port);
      const session = dialHttp2(mesh, client.outbound);
      const goaway = new Promise((resolve) => session.once('goaway', resolve));
      const under = ask(session, {});
      await until(() => application.sessions.size === 1, 'the request at the application');
      const drained = client.stack.drain();
      await goaway;
      expect((await under).body).to.equal('late');
      session.close();
      await drained;
    });
  });

  describe('between the versions', () => {
    it('HTTP/1 to an application that is declared to speak HTTP/2: bodies, chunks, trailers', async () => {
      const trailers: unknown[] = [];
      const application = await serveHttp2(mesh, (stream, headers) => {
        stream.on('trailers', (more) => trailers.push(more['x-sum'], more['content-length']));
        echo(stream, headers);
      });
      behind(application.port);
      server.setPolicy(application.port, { protocol: 'http2' });
      const browser = dialRaw(mesh, client.outbound);
      browser.send('GET /a HTTP/1.1\r\nHost: web\r\nX-Own: 1\r\nConnection: keep-alive, x-gone\r\nX-Gone: 1\r\n\r\n');
      const text = await browser.hears('0\r\n\r\n');
      expect(text).to.match(/^HTTP\/1\.1 200 /);
      expect(text).to.contain('"x-own":"1"');
      expect(text).to.contain('":authority":"web"');
      expect(text).not.to.contain('x-gone');
      browser.text = '';
      browser.send('POST /b HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel');
      browser.send('lo\r\n3;x=y\r\n wo\r\n0\r\nX-Sum: 7\r\nContent-Length: 9\r\n\r\n');
      await browser.hears('8\r\nhello wo\r\n0\r\n\r\n');
      expect(trailers).to.deep.equal(['7', undefined]);
      browser.text = '';
      browser.send('POST /c HTTP/1.1\r\nHost: web\r\nContent-Length: 4\r\n\r\nbody');
      await browser.hears('4\r\nbody\r\n0\r\n\r\n');
    });

    it('HTTP/1.0 is answered without chunks and closed', async () => {
      const application = await serveHttp2(mesh, echo);
      behind(application.port);
      server.setPolicy(application.port, { protocol: 'http2' });
      const browser = dialRaw(mesh, client.outbound);
      browser.send('POST / HTTP/1.0\r\nHost: web\r\nContent-Length: 4\r\n\r\nbody');
      const text = await browser.gone();
      expect(text).to.match(/\r\n\r\nbody$/);
      expect(text).not.to.contain('chunked');
    });

    it('HTTP/2 to an application that is declared to speak HTTP/1: bodies, cookies, trailers', async () => {
      const heads: string[] = [];
      const application = await serveRaw(mesh, (one) => {
        if (!one.text.endsWith('\r\n\r\n') && !one.text.endsWith('body')) return;
        heads.push(one.text);
        one.text = '';
        one.socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n');
      });
      behind(application.port);
      server.setPolicy(application.port, { protocol: 'http1' });
      const session = dialHttp2(mesh, client.outbound);
      const answer = await ask(session, { ':path': '/a', ':authority': 'web', cookie: ['a=1', 'b=2'] });
      expect(answer).to.include({ status: 200, body: 'abc' });
      expect(answer.trailers).to.include({ 'x-sum': '7' });
      expect(answer.headers).not.to.have.property('transfer-encoding');
      expect(heads[0]).to.match(/^GET \/a HTTP\/1\.1\r\nhost: web\r\ncookie: a=1; b=2\r\n/);
      await ask(session, { ':method': 'POST', ':path': '/b', 'content-length': 4 }, 'body');
      expect(heads[1]).to.contain('content-length: 4\r\n');
      expect(heads[1]).to.match(/\r\n\r\nbody$/);
      await ask(session, { ':method': 'POST', ':path': '/c' }, 'body');
      expect(heads[2]).to.contain('transfer-encoding: chunked\r\n');
      expect(heads[2]).to.match(/\r\n\r\n4\r\nbody\r\n0\r\n\r\n$/);
    });

    it('A16: what would be another request in HTTP/1 is refused as a stream error', async () => {
      const application = await serveHttp(mesh, () => ok('reached'));
      behind(application.port);
      server.setPolicy(application.port, { protocol: 'http1' });
      const session = dialHttp2(mesh, client.outbound);
      // What node's own client lets through.
      for (const headers of [{ ':path': '/ HTTP/1.1' }, { ':path': 'relative' }, { ':method': 'GE T' }]) {
        const answer = await ask(session, headers);
        expect(answer.status, JSON.stringify(headers)).to.equal(0);
        expect(answer.code).to.equal(1);
      }
      expect(application.served).to.have.length(0);
    });
  });
}
