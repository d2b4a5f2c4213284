import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect } from 'chai';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { until } from '../transport/recorder.ts';
import { SHORT_QUEUE, TestMesh, type TestProxy } from './mesh.ts';
import { dialRaw, ok, type RawClient, serveHttp, serveRaw } from './peers.ts';

const NAME = 'web.shop.svc.cluster.local:80';
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const run = promisify(execFile);

/** Clients of HTTP/1.0: health checks, `ab`, nginx in front of the mesh. Through a pair of proxies, on Node and on Bun. */
export function http10Suite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let client: TestProxy;
  let server: TestProxy;

  beforeEach(async () => {
    mesh = new TestMesh(create);
    client = await mesh.proxy({});
    server = await mesh.proxy({ serviceAccount: 'server' });
    client.setService({});
  });
  afterEach(() => mesh.stop());

  const dial = (): RawClient => dialRaw(mesh, client.outbound);

  async function application(respond: (request: string) => string) {
    const served = await serveHttp(mesh, respond);
    client.setEndpoints('web', [mesh.meshed(server, served.port)]);
    return served;
  }

  it('RFC 9112 §3.2: a request without Host reaches the application with the name of the Service', async () => {
    await application((request) => ok(request));
    const old = dial();
    old.send('GET /health HTTP/1.0\r\n\r\n');
    const text = await old.gone();
    expect(text).to.match(/^HTTP\/1\.1 200 OK\r\n/);
    expect(text).to.contain(`GET /health HTTP/1.1\r\nHost: ${NAME}\r\n`);
  });

  it("RFC 9112 §3.2: … to the application's own proxy, in the clear: with the address that it has asked", async () => {
    const { port } = await application((request) => ok(request));
    const direct = await mesh.proxy({
      serviceAccount: 'server',
      originalDestination: { of: () => ({ ip: '127.0.0.1', port }) },
    });
    const probe = dialRaw(mesh, direct.inboundPlain);
    probe.send('GET /health HTTP/1.0\r\n\r\n');
    expect(await probe.gone()).to.contain(`GET /health HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n`);
  });

  it('RFC 9112 §9.3: a body in chunks, for a client that wants to keep the connection, is unframed and ends with it', async () => {
    await application(() => `${CHUNKED}5\r\nhello\r\n6\r\n world\r\n0\r\nx-sum: 1\r\n\r\n`);
    const old = dial();
    old.send('GET / HTTP/1.0\r\nHost: web\r\nConnection: keep-alive\r\n\r\n');
    const text = await old.gone();
    expect(text).to.match(/\r\n\r\nhello world$/);
    expect(text).to.contain('connection: close\r\n');
    expect(text).not.to.match(/transfer-encoding|keep-alive|x-sum/i);
  });

  it("RFC 9112 §6.3: so is one whose end is the end of the server's connection", async () => {
    const { port } = await serveRaw(mesh, (one) => one.socket.end('HTTP/1.1 200 OK\r\n\r\nhello world'));
    client.setEndpoints('web', [mesh.meshed(server, port)]);
    const old = dial();
    old.send('GET / HTTP/1.0\r\nHost: web\r\nConnection: keep-alive\r\n\r\n');
    expect(await old.gone()).to.match(/connection: close\r\n\r\nhello world$/);
  });

  it('RFC 9112 §9.3: HEAD of what comes in chunks keeps the connection', async () => {
    await application(() => CHUNKED);
    const old = dial();
    for (let i = 0; i < 2; i++) {
      old.text = '';
      old.send('HEAD / HTTP/1.0\r\nHost: web\r\nConnection: keep-alive\r\n\r\n');
      expect(await old.hears('\r\n\r\n')).to.match(/^HTTP\/1\.1 200 OK\r\n(.*\r\n)*connection: keep-alive\r\n\r\n$/);
      expect(old.text).not.to.match(/transfer-encoding/i);
    }
  });

  it("RFC 9112 §9.3: an answer of the proxy's own says that the connection is kept", async () => {
    client.setService({ queue: SHORT_QUEUE });
    client.setEndpoints('web', []);
    const old = dial();
    for (let i = 0; i < 2; i++) {
      old.text = '';
      old.send('GET / HTTP/1.0\r\nHost: web\r\nConnection: keep-alive\r\n\r\n');
      expect(await old.hears('\r\n\r\n')).to.match(/^HTTP\/1\.1 50[34] (.*\r\n)*connection: keep-alive\r\n/);
    }
  });

  it('RFC 9110 §15.2: interim responses do not reach it; RFC 9110 §10.1.1: its Expect is not passed on', async () => {
    let request = '';
    const { port } = await serveRaw(mesh, (one) => {
      if (!one.text.endsWith('abc')) return;
      request = one.text;
      one.socket.write(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok('fine')}`);
    });
    client.setEndpoints('web', [mesh.meshed(server, port)]);
    const old = dial();
    old.send('POST / HTTP/1.0\r\nHost: web\r\nExpect: 100-continue\r\nTE: trailers\r\nContent-Length: 3\r\n\r\nabc');
    expect(await old.gone()).to.match(/^HTTP\/1\.1 200 OK\r\n(.*\r\n)*\r\nfine$/);
    expect(request).not.to.match(/expect|te: trailers/i);
  });

  it('A4: HTTP/1.0 with a transfer coding is refused still', async () => {
    const { served } = await application(() => ok('fine'));
    const old = dial();
    old.send('POST / HTTP/1.0\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n');
    expect(await old.gone()).to.match(/^HTTP\/1\.1 400 /);
    expect(served).to.have.length(0);
  });

  it('curl in HTTP/1.0 gets every answer to its end', async function () {
    if (!existsSync('/usr/bin/curl')) this.skip();
    await application(() => `${CHUNKED}5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n`);
    const url = `http://127.0.0.1:${client.outbound.port}/`;
    const options = ['-s', '--noproxy', '*', '--http1.0', '--max-time', '10', '-H', 'Connection: keep-alive'];
    const { stdout } = await run('/usr/bin/curl', [...options, '-w', ' %{http_code} ', url, url]);
    expect(stdout).to.equal('hello! 200 hello! 200 ');
  });

  it('ab, which speaks HTTP/1.0, gets every answer, kept or not, of known length or not', async function () {
    if (!existsSync('/usr/bin/ab')) this.skip();
    this.timeout(60_000);
    const bodies = { '/length': ok('x'.repeat(100)), '/chunks': `${CHUNKED}64\r\n${'x'.repeat(100)}\r\n0\r\n\r\n` };
    const { served } = await application((request) => bodies[request.split(' ')[1] as keyof typeof bodies]);
    for (const [path, options] of [
      ['/length', ['-k']],
      ['/length', []],
      ['/chunks', ['-k']],
      ['/chunks', []],
    ] as const) {
      const url = `http://127.0.0.1:${client.outbound.port}${path}`;
      const { stdout } = await run('/usr/bin/ab', ['-q', '-s', '10', '-n', '40', '-c', '4', ...options, url]);
      expect(stdout)
        .to.match(/Complete requests:\s+40\n/)
        .and.to.match(/Failed requests:\s+0\n/);
      expect(stdout).not.to.contain('Non-2xx');
      if (path === '/length') expect(stdout).to.match(/HTML transferred:\s+4000 bytes/);
    }
    await until(() => served.length > 0, 'connections to the application');
  });
}
