import { connect } from 'node:net';
import { expect } from 'chai';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { until } from '../transport/recorder.ts';
import { TestMesh, type TestProxy } from './mesh.ts';
import { dialRaw, ok, type RawClient, type Served, serveHttp, serveRaw } from './peers.ts';

/** The Service is a proxy for its clients (Squid and the like), through a pair of ours. Runs on Node and on Bun. */
export function forwardSuite(create: (onFault: (error: unknown) => void) => Transport): void {
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
  const REQUEST =
    'CONNECT shop.example:443 HTTP/1.1\r\nHost: shop.example:443\r\nProxy-Authorization: Basic eA==\r\n\r\n';

  async function forwarder(onText: (one: Served, chunk: string) => void): Promise<{ served: Served[]; port: number }> {
    const { port, served } = await serveRaw(mesh, onText);
    client.setEndpoints('web', [mesh.meshed(server, port)]);
    return { served, port };
  }

  /** Answers CONNECT with `answer`, and then sends back in upper case what comes. */
  const tunnelling = (answer: string) => (one: Served, chunk: string) => {
    if (chunk.startsWith('CONNECT ')) one.socket.write(answer);
    else one.socket.write(chunk.toUpperCase());
  };

  it('a request in absolute form reaches it in absolute form, with the fields that are for it', async () => {
    const { port } = await serveHttp(mesh, (text) => ok(text));
    client.setEndpoints('web', [mesh.meshed(server, port)]);
    const caller = dial();
    caller.send('GET http://shop.example/a?b HTTP/1.1\r\nHost: shop.example\r\nX-A: 1\r\n\r\n');
    const text = await caller.hears('l5d-client-id');
    expect(text).to.contain('\r\n\r\nGET http://shop.example/a?b HTTP/1.1\r\nHost: shop.example\r\nX-A: 1\r\n');
  });

  for (const [version, answer] of [
    ['HTTP/1.1', 'HTTP/1.1 200 Connection established\r\n\r\n'],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n'],
  ] as const) {
    it(`CONNECT becomes a tunnel by a 2xx, whatever that says of a body: ${version}`, async () => {
      const { served } = await forwarder(tunnelling(answer));
      const caller = dial();
      caller.send(REQUEST);
      const head = await caller.hears('\r\n\r\n');
      expect(head).to.match(/^HTTP\/1\.1 200 /);
      expect(head.toLowerCase()).not.to.contain('content-length').and.not.to.contain('connection:');
      expect(served[0]!.text).to.match(/^CONNECT shop\.example:443 HTTP\/1\.1\r\nHost: shop\.example:443\r\n/);
      caller.send('GET / HTTP/1.1\r\n\r\nhello');
      await caller.hears('HELLO');
      caller.close();
      await until(() => served[0]!.ended || served[0]!.socket.destroyed, 'the end of the tunnel on the other side');
    });
  }

  it('A12: what is sent before the 2xx belongs to the tunnel', async () => {
    const { served } = await forwarder((one, chunk) => {
      if (chunk.startsWith('CONNECT ')) setTimeout(() => one.socket.write('HTTP/1.1 200 OK\r\n\r\n'), 50);
      else one.socket.write(chunk.toUpperCase());
    });
    const caller = dial();
    caller.send(`${REQUEST}early`);
    await caller.hears('EARLY');
    expect(served[0]!.text).to.match(/\r\n\r\nearly$/);
  });

  it('A12: a refusal is passed on, and what was sent behind the CONNECT is no request, however late it comes', async () => {
    const { served } = await forwarder((one) => one.socket.write('HTTP/1.1 407 Who\r\nContent-Length: 2\r\n\r\nno'));
    const caller = dial();
    caller.send(REQUEST);
    const text = await caller.hears('no');
    expect(text)
      .to.match(/^HTTP\/1\.1 407 Who\r\n/)
      .and.to.contain('connection: close\r\n');
    caller.send('GET /smuggled HTTP/1.1\r\nHost: web\r\n\r\n');
    await caller.gone();
    expect(served.map((one) => one.text).join('')).not.to.contain('smuggled');
    await until(
      () => served.every((one) => one.ended || one.socket.destroyed),
      'the connection of the refused tunnel is not used again',
    );
  });

  it('a 101 to CONNECT is nothing that was asked for (A12)', async () => {
    await forwarder((one) => one.socket.write('HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'));
    const caller = dial();
    caller.send(REQUEST);
    expect(await caller.hears('\r\n\r\n')).to.match(/^HTTP\/1\.1 502 /);
  });

  it('a client of HTTP/1.0, without Host, gets its tunnel', async () => {
    const { served } = await forwarder(tunnelling('HTTP/1.1 200 OK\r\n\r\n'));
    const caller = dial();
    caller.send('CONNECT shop.example:443 HTTP/1.0\r\n\r\n');
    await caller.hears('200 OK');
    expect(served[0]!.text).to.match(/^CONNECT shop\.example:443 HTTP\/1\.1\r\nHost: shop\.example:443\r\n/);
    caller.send('x');
    await caller.hears('X');
  });

  it('the tunnel is judged by the policy of the port, at once and when it is revoked', async () => {
    const { port, served } = await forwarder(tunnelling('HTTP/1.1 200 OK\r\n\r\n'));
    const caller = dial();
    caller.send(REQUEST);
    await caller.hears('200 OK');
    server.setPolicy(port, { authorizations: [] });
    await caller.gone();
    const denied = dial();
    denied.send(REQUEST);
    expect(await denied.hears('\r\n\r\n')).to.match(/^HTTP\/1\.1 403 /);
    expect(served).to.have.length(1);
  });

  it('A12: the admin port carries nobody anywhere', async () => {
    const { port } = client.admin;
    const socket = connect(port, client.admin.ip);
    socket.write('CONNECT shop.example:443 HTTP/1.1\r\nHost: shop.example:443\r\n\r\n');
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    expect(text).to.match(/^HTTP\/1\.1 501 /);
  });
}
