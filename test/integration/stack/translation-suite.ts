import { expect } from 'chai';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { until } from '../transport/recorder.ts';
import { ask, dialHttp2, echo, heard, serveHttp2 } from './http2-peers.ts';
import { TestMesh, type TestProxy } from './mesh.ts';
import { dialRaw, ok, type RawClient, serveRaw } from './peers.ts';

const MIB = 1024 * 1024;

/** What HTTP/1 and HTTP/2 do not say alike: ends of bodies, early answers, cancellation, tunnels, pace. Runs on Node and on Bun. */
export function translationSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let proxy: TestProxy;

  beforeEach(async () => {
    mesh = new TestMesh(create);
    proxy = await mesh.proxy({});
    proxy.setService({ protocol: 'detect' });
  });
  afterEach(() => mesh.stop());

  function toHttp2(port: number): void {
    proxy.setEndpoints('web', [{ ...mesh.plain(port), protocol: 'http2' }]);
  }

  function toHttp1(port: number): void {
    proxy.setEndpoints('web', [{ ...mesh.plain(port), protocol: 'http1' }]);
  }

  const dial = (): RawClient => dialRaw(mesh, proxy.outbound);
  const next = 'GET /next HTTP/1.1\r\nHost: web\r\n\r\n';

  it('the version that a Service declares is spoken to its endpoints, unless one declares another', async () => {
    const application = await serveHttp2(mesh, echo);
    proxy.setService({ protocol: 'http2' });
    proxy.setEndpoints('web', [{ ...mesh.plain(application.port), protocol: 'detect' }]);
    const client = dial();
    client.send(next);
    expect(await client.hears('\r\n\r\n')).to.contain('":path":"/next"');
    proxy.setService({ protocol: 'http1' });
    toHttp2(application.port);
    // Connections made under another protocol end.
    await client.gone();
    const other = dial();
    other.send(next);
    expect(await other.hears('\r\n\r\n')).to.contain('":path":"/next"');
  });

  describe('HTTP/1 to HTTP/2', () => {
    for (const [what, status, headers] of [
      ['an empty response', 200, {}],
      ['no content', 204, {}],
      ['not modified', 304, {}],
      ['not modified, with the length of what it could have been', 304, { 'content-length': '5' }],
    ] as const) {
      for (const late of [false, true]) {
        it(`${what}, whose end comes ${late ? 'behind' : 'with'} its head, leaves the connection in step`, async () => {
          const application = await serveHttp2(mesh, (stream, asked) => {
            if (asked[':path'] === '/next') {
              stream.respond({ ':status': 200, 'content-length': '4' });
              stream.end('next');
              return;
            }
            stream.respond({ ':status': status, ...headers }, { endStream: !late });
            if (late) stream.end();
          });
          toHttp2(application.port);
          const client = dial();
          client.send('GET / HTTP/1.1\r\nHost: web\r\n\r\n');
          await client.hears('\r\n\r\n');
          client.send(next);
          const text = await client.hears('\r\n\r\nnext');
          const [first, second] = text.split(/(?=HTTP\/1\.1 )/) as [string, string];
          expect(second).to.match(/^HTTP\/1\.1 200 /);
          if (status === 200) {
            expect(first).to.match(late ? /\r\n\r\n0\r\n\r\n$/ : /content-length: 0\r\n(.*\r\n)*\r\n$/);
          } else {
            expect(first).to.match(/[^0]\r\n\r\n$/);
            expect(first).not.to.contain('chunked');
          }
        });
      }
    }

    it('HEAD is answered without a body and without the framing of one', async () => {
      const application = await serveHttp2(mesh, (stream, asked) => {
        stream.respond(asked[':path'] === '/length' ? { 'content-length': '5' } : {}, { endStream: false });
        stream.end(asked[':method'] === 'HEAD' ? undefined : 'next');
      });
      toHttp2(application.port);
      const client = dial();
      client.send('HEAD / HTTP/1.1\r\nHost: web\r\n\r\n');
      await client.hears('\r\n\r\n');
      client.send('HEAD /length HTTP/1.1\r\nHost: web\r\n\r\n');
      await client.hears('content-length: 5\r\n');
      client.send(next);
      const text = await client.hears('4\r\nnext\r\n0\r\n\r\n');
      expect(text.match(/0\r\n\r\n/g)).to.have.length(1);
      expect(text.match(/HTTP\/1\.1 200/g)).to.have.length(3);
    });

    it('HTTP/1.0: an empty response keeps the connection, one of unknown length ends it', async () => {
      const application = await serveHttp2(mesh, (stream, asked) => {
        stream.respond({}, { endStream: asked[':path'] === '/empty' });
        if (asked[':path'] !== '/empty') stream.end('all of it');
      });
      toHttp2(application.port);
      const client = dial();
      client.send('GET /empty HTTP/1.0\r\nHost: web\r\nConnection: keep-alive\r\n\r\n');
      await client.hears('content-length: 0\r\n');
      client.send('GET / HTTP/1.0\r\nHost: web\r\nConnection: keep-alive\r\n\r\n');
      expect(await client.gone()).to.match(/\r\n\r\nall of it$/);
    });

    it('a request of HTTP/1.0 without a host is given the name of the Service; one at the limits has room for the names of the mesh', async () => {
      const application = await serveHttp2(mesh, echo);
      toHttp2(application.port);
      const old = dial();
      old.send('GET /a HTTP/1.0\r\n\r\n');
      expect(await old.gone()).to.contain('":authority":"web.shop.svc.cluster.local:80"');
      const long = dial();
      const lines = Array.from({ length: 197 }, (_, i) => `X-${i}: 1\r\n`).join('');
      long.send(`OPTIONS /b HTTP/1.1\r\nHost: web\r\nTE: trailers\r\nMax-Forwards: 9\r\n${lines}\r\n`);
      expect(await long.hears('\r\n\r\n')).to.match(/^HTTP\/1\.1 \d/);
      const nameless = dial();
      nameless.send(`GET /c HTTP/1.0\r\n${lines}X-A: 1\r\nX-B: 1\r\nX-C: 1\r\n\r\n`);
      expect(await nameless.hears('\r\n\r\n')).to.match(/^HTTP\/1\.1 \d/);
    });

    it('100-continue: the interim response comes before the body is sent', async () => {
      const application = await serveHttp2(mesh, (stream, headers) => {
        stream.additionalHeaders({ ':status': 100 });
        echo(stream, headers);
      });
      toHttp2(application.port);
      const client = dial();
      client.send('POST / HTTP/1.1\r\nHost: web\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n');
      await client.hears('HTTP/1.1 100 \r\n\r\n');
      client.send('abc');
      await client.hears('3\r\nabc\r\n0\r\n\r\n');
    });

    it('an answer before the end of the upload is passed on, and the connection ends', async () => {
      const codes: number[] = [];
      const application = await serveHttp2(mesh, (stream) => {
        stream.on('close', () => codes.push(stream.rstCode));
        stream.respond({ ':status': 413, 'content-length': '3' });
        stream.end('too');
      });
      toHttp2(application.port);
      const client = dial();
      client.send('POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 1000000\r\n\r\nabc');
      const text = await client.gone();
      expect(text).to.match(/^HTTP\/1\.1 413 (.*\r\n)*connection: close\r\n(.*\r\n)*\r\ntoo$/);
      await until(() => codes.length === 1, 'the end of the stream');
    });

    it('a client that leaves cancels its stream; a stream that breaks off ends the connection without a false end', async () => {
      const codes: number[] = [];
      const application = await serveHttp2(mesh, (stream, headers) => {
        stream.on('close', () => codes.push(stream.rstCode));
        stream.respond({ ':status': 200 });
        stream.write('some');
        if (headers[':path'] === '/broken') setTimeout(() => stream.destroy(new Error('broken')), 50);
      });
      toHttp2(application.port);
      const leaving = dial();
      leaving.send('GET / HTTP/1.1\r\nHost: web\r\n\r\n');
      await leaving.hears('some');
      leaving.socket.resetAndDestroy();
      await until(() => codes.length === 1, 'the cancellation');
      expect(codes).to.deep.equal([8]);
      const broken = dial();
      broken.send('GET /broken HTTP/1.1\r\nHost: web\r\n\r\n');
      await until(() => broken.closed, 'the end');
      expect(broken.text).to.contain('some');
      expect(broken.text).not.to.contain('0\r\n\r\n');
    });

    it('a client that has said all may close its half and still gets its answer', async () => {
      const application = await serveHttp2(mesh, (stream, headers) => setTimeout(() => echo(stream, headers), 50));
      toHttp2(application.port);
      const client = dial();
      client.socket.end('POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 3\r\n\r\nabc');
      expect(await client.gone()).to.contain('3\r\nabc\r\n0\r\n\r\n');
    });

    it('a slow reader of HTTP/1 holds the stream back', async () => {
      let sent = 0;
      const application = await serveHttp2(mesh, (stream) => {
        stream.respond({ ':status': 200, 'content-length': String(64 * MIB) });
        const chunk = Buffer.alloc(16_384);
        const feed = (): void => {
          while (sent < 64 * MIB) {
            sent += chunk.length;
            if (!stream.write(chunk)) return;
          }
          stream.end();
        };
        stream.on('drain', feed);
        feed();
      });
      toHttp2(application.port);
      const client = dial();
      let received = 0;
      client.socket.removeAllListeners('data');
      client.socket.on('data', (chunk) => {
        received += chunk.length;
      });
      client.socket.once('data', () => client.socket.pause());
      client.send('GET / HTTP/1.1\r\nHost: web\r\n\r\n');
      await until(() => received > 0, 'the head');
      await stands(() => sent);
      expect(sent).to.be.below(16 * MIB);
      client.socket.resume();
      await until(() => received > 64 * MIB, 'the body', 60_000);
    });
  });

  describe('HTTP/2 to HTTP/1', () => {
    it('an answer before the end of the upload is passed on, and the stream ends', async () => {
      const { port } = await serveRaw(mesh, (one) => {
        if (one.text.includes('\r\n\r\n')) one.socket.write('HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\ntoo');
      });
      toHttp1(port);
      const session = dialHttp2(mesh, proxy.outbound);
      const stream = session.request({ ':method': 'POST', ':path': '/' }, { endStream: false });
      const answer = heard(stream);
      stream.write('abc');
      expect(await answer).to.include({ status: 413, body: 'too' });
    });

    it('a cancelled stream ends the connection that served it; a broken one resets the stream', async () => {
      const { port, served } = await serveRaw(mesh, (one) => {
        one.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nsome');
        if (one.text.includes('/broken')) setTimeout(() => one.socket.end(), 50);
      });
      toHttp1(port);
      const session = dialHttp2(mesh, proxy.outbound);
      const stream = session.request({ ':path': '/' });
      stream.on('data', () => stream.close(8));
      await heard(stream);
      await until(() => served[0]!.ended || served[0]!.socket.destroyed, 'the end at the application');
      const broken = await ask(session, { ':path': '/broken' });
      expect(broken).to.include({ status: 200, body: 'some', code: 2 });
      expect(session.closed).to.equal(false);
    });

    it('HEAD and interim responses', async () => {
      const { port } = await serveRaw(mesh, (one) => {
        one.text = '';
        one.socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n');
      });
      toHttp1(port);
      const answer = await ask(dialHttp2(mesh, proxy.outbound), { ':method': 'HEAD' });
      expect(answer).to.include({ status: 200, body: '', code: 0 });
      expect(answer.headers['content-length']).to.equal('9');
      expect(answer.interim).to.deep.equal([103]);
    });

    it('a body that ends with its connection, and one whose connection breaks', async () => {
      const { port } = await serveRaw(mesh, (one) => {
        one.socket.write('HTTP/1.0 200 OK\r\n\r\nsome');
        if (one.text.includes('/broken')) setTimeout(() => one.socket.resetAndDestroy(), 50);
        else one.socket.end();
      });
      toHttp1(port);
      const session = dialHttp2(mesh, proxy.outbound);
      expect(await ask(session, {})).to.include({ status: 200, body: 'some', code: 0 });
      expect((await ask(session, { ':path': '/broken' })).code).to.equal(2);
    });

    it('a slow server of HTTP/1 holds the client back, and other streams go on', async () => {
      let reading = true;
      const { port } = await serveRaw(mesh, (one, chunk) => {
        if (chunk.includes('GET ')) one.socket.write(ok('quick'));
        else if (reading) one.socket.pause();
      });
      toHttp1(port);
      const session = dialHttp2(mesh, proxy.outbound);
      const stream = session.request({ ':method': 'POST', ':path': '/' }, { endStream: false });
      stream.on('error', () => {});
      const chunk = Buffer.alloc(16_384);
      let sent = 0;
      const feed = (): void => {
        while (sent < 64 * MIB) {
          sent += chunk.length;
          if (!stream.write(chunk)) return;
        }
      };
      stream.on('drain', feed);
      feed();
      await stands(() => sent);
      expect(sent).to.be.below(16 * MIB);
      // The window of the connection is not all taken by the one that waits.
      expect((await ask(session, {})).body).to.equal('quick');
      reading = false;
      stream.close(8);
    });

    it('uploads that are given up narrow no window', async () => {
      const { port } = await serveRaw(mesh, (one, chunk) => {
        if (!one.text.startsWith('POST /all ')) one.socket.pause();
        else if (one.text.length > 300_000 && chunk.length > 0) one.socket.write(ok('fine'));
      });
      toHttp1(port);
      const session = dialHttp2(mesh, proxy.outbound);
      // Together more than the window of a connection.
      for (let i = 0; i < 40; i++) {
        const stream = session.request({ ':method': 'POST', ':path': '/' }, { endStream: false });
        stream.on('error', () => {});
        const closed = new Promise((resolve) => stream.once('close', resolve));
        stream.write(Buffer.alloc(65_535));
        await until(() => stream.writableLength === 0, 'the upload to leave');
        stream.close(8);
        await closed;
      }
      const last = { ':method': 'POST', ':path': '/all', 'content-length': 300_000 };
      expect((await ask(session, last, Buffer.alloc(300_000))).body).to.equal('fine');
    });
  });

  describe('tunnels', () => {
    const CONNECT = {
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': '/chat',
      ':scheme': 'http',
      ':authority': 'web',
    };

    it('extended CONNECT to a server that takes none is answered with 501', async () => {
      const application = await serveHttp2(mesh, echo);
      toHttp2(application.port);
      const session = dialHttp2(mesh, proxy.outbound);
      await new Promise((resolve) => session.once('remoteSettings', resolve));
      const stream = session.request(CONNECT, { endStream: false });
      const answer = await heard(stream);
      expect(answer.status).to.equal(501);
      expect(answer.headers['l5d-proxy-error']).to.equal('extended CONNECT is not supported');
      expect((await ask(session, { ':method': 'POST' }, 'still')).body).to.equal('still');
    });

    it('a tunnel that the application refuses is over with its answer', async () => {
      const application = await serveHttp2(
        mesh,
        (stream) => {
          stream.respond({ ':status': 403 });
          stream.end('no');
        },
        { enableConnectProtocol: true },
      );
      toHttp2(application.port);
      const session = dialHttp2(mesh, proxy.outbound);
      await new Promise((resolve) => session.once('remoteSettings', resolve));
      const answer = await heard(session.request(CONNECT, { endStream: false }));
      expect(answer).to.include({ status: 403, body: 'no' });
    });

    it('each direction of a tunnel ends by itself', async () => {
      let end = (): void => {};
      let said = '';
      let over = false;
      const application = await serveHttp2(
        mesh,
        (stream) => {
          stream.respond({ ':status': 200 });
          stream.write('hello');
          end = () => stream.end('bye');
          stream.on('data', (chunk: Buffer) => {
            said += String(chunk);
          });
          stream.on('end', () => {
            over = true;
          });
        },
        { enableConnectProtocol: true },
      );
      toHttp2(application.port);
      const session = dialHttp2(mesh, proxy.outbound);
      await new Promise((resolve) => session.once('remoteSettings', resolve));
      const stream = session.request(CONNECT, { endStream: false });
      const answer = heard(stream);
      await new Promise((resolve) => stream.once('data', resolve));
      end();
      await new Promise((resolve) => stream.once('end', resolve));
      stream.write('more');
      await until(() => said === 'more', 'what comes after the end of the other direction');
      stream.end();
      await until(() => over, 'the end');
      expect((await answer).body).to.equal('hellobye');
    });

    it('an upgrade of HTTP/1 goes to a server of HTTP/1, whatever is declared', async () => {
      const { port } = await serveRaw(mesh, (one, chunk) => {
        if (!one.text.endsWith('\r\n\r\n')) one.socket.write(chunk.toUpperCase());
        else one.socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n');
      });
      toHttp2(port);
      const client = dial();
      client.send('GET / HTTP/1.1\r\nHost: web\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n');
      await client.hears('101');
      client.send('frames');
      await client.hears('FRAMES');
    });
  });
}

/** Waits until `count` has not changed for a while. */
async function stands(count: () => number): Promise<void> {
  let before = -1;
  let since = Date.now();
  await until(
    () => {
      if (count() !== before) since = Date.now();
      before = count();
      return Date.now() - since > 200;
    },
    'the sender to stop',
    60_000,
  );
}
