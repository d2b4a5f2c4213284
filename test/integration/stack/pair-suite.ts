import { expect } from 'chai';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { until } from '../transport/recorder.ts';
import { identityName, TestMesh, type TestProxy } from './mesh.ts';
import { dialRaw, ok, serveHttp, serveRaw } from './peers.ts';

/** A port on which nothing listens. */
const CLOSED_PORT = 1;

/** A client's proxy and a server's proxy with everything real between them: runs on Node and on Bun. */
export function pairSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let client: TestProxy;
  let server: TestProxy;

  beforeEach(async () => {
    mesh = new TestMesh(create);
    client = await mesh.proxy({ serviceAccount: 'client' });
    server = await mesh.proxy({ serviceAccount: 'server' });
  });
  afterEach(() => mesh.stop());

  it('carries a request over mutual TLS and tells the application who asked', async () => {
    const application = await serveHttp(mesh, (request) => ok(request));
    client.setService({});
    client.setEndpoints('web', [mesh.meshed(server, application.port)]);
    const browser = dialRaw(mesh, client.outbound);
    browser.send('GET /a?b=c HTTP/1.1\r\nHost: web\r\nl5d-client-id: forged\r\nX-Own: 1\r\n\r\n');
    const text = await browser.hears('X-Own: 1\r\n');
    expect(text).to.match(/^HTTP\/1\.1 200 OK\r\n/);
    expect(text).to.contain('GET /a?b=c HTTP/1.1\r\nHost: web\r\nX-Own: 1\r\n');
    expect(text).to.contain(`l5d-client-id: ${identityName('client')}\r\n`);
    expect(text).not.to.contain('forged');
    expect(text).not.to.contain('l5d-dst-canonical');
  });

  it('keeps connections: a second request uses the same ones', async () => {
    const application = await serveHttp(mesh, () => ok('hello'));
    client.setService({});
    client.setEndpoints('web', [mesh.meshed(server, application.port)]);
    const browser = dialRaw(mesh, client.outbound);
    for (let i = 1; i <= 5; i++) {
      browser.text = '';
      browser.send('GET / HTTP/1.1\r\nHost: web\r\n\r\n');
      await browser.hears('hello');
    }
    expect(application.served).to.have.length(1);
  });

  it('asks another endpoint when the application behind a proxy is gone: it never saw the request', async () => {
    const application = await serveHttp(mesh, () => ok('hello'));
    const ending = await mesh.proxy({ serviceAccount: 'server' });
    client.setService({});
    client.setEndpoints('web', [mesh.meshed(ending, CLOSED_PORT), mesh.meshed(server, application.port)]);
    for (let i = 1; i <= 20; i++) {
      const browser = dialRaw(mesh, client.outbound);
      browser.send('GET / HTTP/1.1\r\nHost: web\r\n\r\n');
      expect(await browser.hears('hello')).to.match(/^HTTP\/1\.1 200 OK\r\n/);
    }
  });

  it('when no endpoint has an application left, requests wait for one, then fail', async () => {
    client.setService({ queue: { capacity: 10, failfastMs: 300 } });
    client.setEndpoints('web', [mesh.meshed(server, CLOSED_PORT)]);
    const browser = dialRaw(mesh, client.outbound);
    browser.send('GET / HTTP/1.1\r\nHost: web\r\n\r\n');
    const text = await browser.hears('\r\n\r\n');
    expect(text).to.match(/^HTTP\/1\.1 504 .*\r\nl5d-proxy-error: fail-fast: all unreachable\r\n/s);
    const application = await serveHttp(mesh, () => ok('hello'));
    client.setEndpoints('web', [mesh.meshed(server, CLOSED_PORT), mesh.meshed(server, application.port)]);
    browser.text = '';
    browser.send('GET / HTTP/1.1\r\nHost: web\r\n\r\n');
    expect(await browser.hears('hello')).to.match(/^HTTP\/1\.1 200 OK\r\n/);
  });

  it('carries bodies of every framing both ways', async () => {
    const application = await serveRaw(mesh, (one) => {
      if (one.text.endsWith('0\r\n\r\n') || one.text.endsWith('12345')) {
        one.socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n');
      }
    });
    client.setService({});
    client.setEndpoints('web', [mesh.meshed(server, application.port)]);
    const browser = dialRaw(mesh, client.outbound);
    browser.send('POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 5\r\n\r\n123');
    browser.send('45');
    await browser.hears('0\r\n\r\n');
    browser.text = '';
    browser.send('POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
    browser.send('0\r\n\r\n');
    await browser.hears('3\r\nabc\r\n0\r\n\r\n');
    expect(application.served[0]!.text).to.contain('5\r\nhello\r\n0\r\n\r\n');
  });

  it('… with its body, whatever the request is and without any budget', async () => {
    const bodies: string[] = [];
    const application = await serveRaw(mesh, (one) => {
      const end = one.text.indexOf('\r\n\r\n') + 4;
      if (one.text.length < end + 5) return;
      bodies.push(one.text.slice(end));
      one.text = '';
      one.socket.write(ok('fine'));
    });
    client.setService({ retryBudget: { ratio: 0, minRetriesPerSecond: 0, ttlMs: 10_000 } });
    client.setEndpoints('web', [mesh.meshed(server, CLOSED_PORT), mesh.meshed(server, application.port)]);
    for (let i = 0; i < 10; i++) {
      const caller = dialRaw(mesh, client.outbound);
      caller.send('POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 5\r\n\r\nhello');
      expect(await caller.hears('fine')).to.match(/^HTTP\/1\.1 200 /);
    }
    expect(bodies).to.deep.equal(Array(10).fill('hello'));
  });

  it('an upgraded connection is one stream through both proxies, and ends when the policy does not allow it any more', async () => {
    const application = await serveRaw(mesh, (one, chunk) => {
      if (chunk.startsWith('GET')) {
        one.socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      } else one.socket.write(chunk.toUpperCase());
    });
    client.setService({});
    client.setEndpoints('web', [mesh.meshed(server, application.port)]);
    server.setPolicy(application.port, {});
    const caller = dialRaw(mesh, client.outbound);
    caller.send('GET / HTTP/1.1\r\nHost: web\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    await caller.hears('101 Switching Protocols');
    caller.send('frames');
    await caller.hears('FRAMES');
    server.setPolicy(application.port, { authorizations: [] });
    await until(() => caller.closed, 'the end of the stream');
    await until(() => application.served[0]!.socket.destroyed, 'the end at the application');
  });

  it('splices what is not HTTP, over mutual TLS, with half-close', async () => {
    const application = await serveRaw(mesh, (one, chunk) => one.socket.write(chunk.toUpperCase()));
    client.setService({ protocol: 'opaque' });
    client.setEndpoints('web', [mesh.meshed(server, application.port)]);
    server.setPolicy(application.port, { protocol: 'opaque' });
    const caller = dialRaw(mesh, client.outbound);
    caller.send('hello');
    await caller.hears('HELLO');
    caller.socket.end();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(application.served[0]!.ended).to.equal(true);
    application.served[0]!.socket.write('late answer');
    await caller.hears('late answer');
    application.served[0]!.socket.end();
    await caller.gone();
  });
}
