import { expect } from 'chai';
import type { Endpoint } from '../../../proxy-image/contract/resources.ts';
import { parseLocalNetwork } from '../../../proxy-image/io/transport/local-network.ts';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { until } from '../transport/recorder.ts';
import { identityName, SERVICE_ADDRESS, SHORT_QUEUE, TestMesh, type TestProxy } from './mesh.ts';
import { askOn, dialRaw, GET, ok, type RawClient, serveHttp, serveRaw } from './peers.ts';

/** A port on which nothing listens. */
const CLOSED_PORT = 1;

/** What an original destination is, what is spoken there, and streams to it. */
export function destinationsSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let proxy: TestProxy;

  beforeEach(async () => {
    mesh = new TestMesh(create);
    proxy = await mesh.proxy({ limits: { lookupTimeoutMs: 60, outboundConnectTimeoutMs: 300 } });
  });
  afterEach(() => mesh.stop());

  const dial = (): RawClient => dialRaw(mesh, proxy.outbound);

  describe('destinations', () => {
    it('an answer that comes in time is waited for', async () => {
      const { port } = await serveHttp(mesh, () => ok('fine'));
      const client = dial();
      client.send(GET);
      await new Promise((resolve) => setTimeout(resolve, 20));
      proxy.setEndpoints('web', [mesh.plain(port)]);
      proxy.setService({});
      await client.hears('fine');
      expect(proxy.recorder.unseenPassed).to.equal(0);
    });

    it('without an answer the connection is passed through to its original address', async () => {
      const echo = await serveRaw(mesh, (one, chunk) => one.socket.write(chunk.toUpperCase()));
      const other = await mesh.proxy({
        limits: { lookupTimeoutMs: 40 },
        originalDestination: { of: () => ({ ip: '127.0.0.1', port: echo.port }) },
      });
      const client = dialRaw(mesh, other.outbound);
      client.send('get / http/1.1\r\n');
      await client.hears('GET / HTTP/1.1\r\n');
      expect(other.recorder.unseenPassed).to.equal(1);
      expect(other.log.join('')).to.contain('passed through without TLS');
    });

    it('… unless the mesh requires identity: then it is refused', async () => {
      const echo = await serveRaw(mesh, () => {});
      const other = await mesh.proxy({
        limits: { lookupTimeoutMs: 40 },
        originalDestination: { of: () => ({ ip: '127.0.0.1', port: echo.port }) },
      });
      const { settings } = other.state;
      other.setPolicy(80, {}, { settings: { ...settings, requireIdentity: true } });
      const client = dialRaw(mesh, other.outbound);
      client.send('hello');
      await client.gone();
      expect(echo.served).to.have.length(0);
      expect(other.recorder.unseenDenied).to.equal(1);
    });

    it('an unknown destination is spliced, a forbidden one is reset', async () => {
      const echo = await serveRaw(mesh, (one, chunk) => one.socket.write(chunk.toUpperCase()));
      const original = { ip: '127.0.0.1', port: echo.port };
      const other = await mesh.proxy({ originalDestination: { of: () => original } });
      other.set(`service/127.0.0.1:${echo.port}`, { sources: '1', type: 'unknown' });
      const client = dialRaw(mesh, other.outbound);
      client.send('hello');
      await client.hears('HELLO');
      other.set(`service/127.0.0.1:${echo.port}`, { sources: '2', type: 'forbidden', reason: 'no such port' });
      const late = dialRaw(mesh, other.outbound);
      await until(() => late.closed, 'reset');
      expect(late.error?.code).to.equal('ECONNRESET');
    });

    it('a pod is reached directly, with its identity', async () => {
      const server = await mesh.proxy({ serviceAccount: 'server' });
      const { port } = await serveHttp(mesh, (request) => ok(request));
      const key = `service/${SERVICE_ADDRESS.ip}:${SERVICE_ADDRESS.port}`;
      const endpoint = mesh.meshed(server, port);
      proxy.set(key, { sources: '1', type: 'pod', namespace: 'shop', pod: 'web-1', protocol: 'http1', endpoint });
      expect(await askOn(dial())).to.contain(`l5d-client-id: ${identityName('client')}`);
    });

    it('an answer that is taken back under a request leads nowhere in plaintext where the mesh requires identity', async () => {
      const asked: string[] = [];
      const { port } = await serveHttp(mesh, (request) => {
        asked.push(request);
        return ok('fine');
      });
      const other = await mesh.proxy({ originalDestination: { of: () => ({ ip: '127.0.0.1', port }) } });
      const key = `service/127.0.0.1:${port}`;
      const endpoint = mesh.plain(port);
      other.set(key, { sources: '1', type: 'pod', namespace: 'shop', pod: 'web-1', protocol: 'http1', endpoint });
      const busy = dialRaw(mesh, other.outbound);
      await askOn(busy);
      busy.send('GET /late HTTP/1.1\r\nHo');
      await new Promise((resolve) => setTimeout(resolve, 20));
      other.setPolicy(80, {}, { settings: { ...other.state.settings, requireIdentity: true } });
      expect(other.state.apply([{ op: 'delete', key }])).to.deep.equal([]);
      busy.send('st: web\r\n\r\n');
      await busy.gone();
      expect(asked).to.have.length(1);
      expect(other.recorder.unseenDenied).to.equal(1);
    });

    it('when the kind of answer changes, connections end at the next message boundary', async () => {
      const { port } = await serveHttp(mesh, () => ok('fine'));
      const original = { ip: '127.0.0.1', port };
      const other = await mesh.proxy({ originalDestination: { of: () => original } });
      const endpoint = mesh.plain(port);
      const pod = { sources: '1', type: 'pod', namespace: 'shop', pod: 'web-1', protocol: 'http1', endpoint } as const;
      other.set(`service/127.0.0.1:${port}`, pod);
      const busy = dialRaw(mesh, other.outbound);
      const idle = dialRaw(mesh, other.outbound);
      await askOn(idle);
      await askOn(busy);
      busy.text = '';
      busy.send('GET / HTTP/1.1\r\nHo');
      await new Promise((resolve) => setTimeout(resolve, 20));
      other.set(`service/127.0.0.1:${port}`, { sources: '2', type: 'unknown' });
      await idle.gone();
      busy.send('st: web\r\n\r\n');
      const text = await busy.gone();
      expect(text)
        .to.match(/^HTTP\/1\.1 200 /)
        .and.to.contain('connection: close\r\n');
    });

    it('a connection made to the listener itself is reset', async () => {
      let listener = { ip: '', port: 0 };
      const other = await mesh.proxy({ originalDestination: { of: () => listener } });
      listener = other.outbound;
      const client = dialRaw(mesh, other.outbound);
      await until(() => client.closed, 'reset');
    });
  });

  describe('protocol detection', () => {
    beforeEach(() => proxy.setService({ protocol: 'detect' }));

    const undeclared = (port: number): Endpoint => ({ ...mesh.plain(port), protocol: 'detect' });

    it('HTTP/1 is served as requests', async () => {
      const { port } = await serveHttp(mesh, () => ok('fine'));
      proxy.setEndpoints('web', [undeclared(port)]);
      const client = dial();
      client.send('G');
      await new Promise((resolve) => setTimeout(resolve, 10));
      client.send(GET.slice(1));
      await client.hears('fine');
      client.text = '';
      client.send(GET);
      await client.hears('fine');
    });

    for (const [what, first] of [
      ['a TLS ClientHello', '\x16\x03\x01\x02\x00\x01\x00'],
      ['another protocol', '*1\r\n$4\r\nPING\r\n'],
      ['lower-case letters', 'hello there\r\n'],
    ] as const) {
      it(`${what} passes as a stream, every byte of it`, async () => {
        const { port, served } = await serveRaw(mesh, (one) => one.socket.write('answer'));
        proxy.setEndpoints('web', [undeclared(port)]);
        const client = dial();
        client.send(first);
        await client.hears('answer');
        expect(served[0]!.text).to.equal(first);
      });
    }

    it('a client that ends before it can be told is spliced with its end', async () => {
      const { port, served } = await serveRaw(mesh, () => {});
      proxy.setEndpoints('web', [undeclared(port)]);
      const client = dial();
      client.send('GET');
      client.socket.end();
      await until(() => served[0]?.ended === true, 'the end');
      expect(served[0]!.text).to.equal('GET');
      served[0]!.socket.end('bye');
      await client.hears('bye');
      await client.gone();
    });

    it('B3: a silent client is spliced when detection has timed out: the server may speak first', async () => {
      const { settings } = proxy.state;
      proxy.setPolicy(80, {}, { settings: { ...settings, detectTimeoutMs: 60 } });
      const { port, served } = await serveRaw(mesh, () => {});
      proxy.setEndpoints('web', [undeclared(port)]);
      const client = dial();
      await until(() => served.length === 1, 'connection');
      served[0]!.socket.write('220 ready\r\n');
      await client.hears('220 ready\r\n');
    });

    it('what is declared for all endpoints is declared for their Service: HTTP, whatever the first bytes are', async () => {
      const { port, served } = await serveHttp(mesh, () => ok('fine'));
      proxy.setEndpoints('web', [{ ...mesh.plain(port), protocol: 'http1' }]);
      const client = dial();
      client.send('*1\r\n$4\r\nPING\r\n');
      expect(await client.hears('\r\n\r\n')).to.match(/^HTTP\/1\.1 400 /);
      expect(served).to.have.length(0);
    });
  });

  describe('streams', () => {
    beforeEach(() => proxy.setService({ protocol: 'opaque' }));

    it('a refusing endpoint is passed over', async () => {
      const { port } = await serveRaw(mesh, (one, chunk) => one.socket.write(chunk));
      proxy.setEndpoints('web', [mesh.plain(CLOSED_PORT), mesh.plain(port)]);
      for (let i = 0; i < 5; i++) {
        const client = dial();
        client.send('echo');
        await client.hears('echo');
        client.close();
      }
    });

    it('without any endpoint the client is reset', async () => {
      proxy.setService({ protocol: 'opaque', queue: SHORT_QUEUE });
      proxy.setEndpoints('web', []);
      const client = dial();
      await until(() => client.closed, 'reset');
      expect(client.error?.code).to.equal('ECONNRESET');
    });

    it('an abort of either side reaches the other', async () => {
      const { port, served } = await serveRaw(mesh, () => {});
      proxy.setEndpoints('web', [mesh.plain(port)]);
      const one = dial();
      const two = dial();
      one.send('one');
      two.send('two');
      await until(() => served.length === 2 && served.every((peer) => peer.text !== ''), 'connections');
      const ofOne = served.find((peer) => peer.text === 'one')!;
      const ofTwo = served.find((peer) => peer.text === 'two')!;
      one.socket.resetAndDestroy();
      await until(() => ofOne.socket.destroyed, 'the abort of the client');
      ofTwo.socket.resetAndDestroy();
      await until(() => two.closed, 'the abort of the server');
      expect(two.error?.code).to.equal('ECONNRESET');
    });
  });

  it('local network: a listener for each destination, pod addresses translated', async () => {
    const { port } = await serveHttp(mesh, (request) => ok(request));
    const other = await mesh.proxy({
      localNetwork: parseLocalNetwork({
        outbound: [
          { listen: '127.0.0.1:0', destination: '10.96.0.1:80' },
          { listen: '127.0.0.1:0', destination: '10.96.0.2:80' },
        ],
        addresses: { '10.1.0.5': '127.0.0.1' },
      }),
    });
    other.setService({});
    other.setEndpoints('web', [{ ...mesh.plain(port), address: '10.1.0.5' }]);
    other.set('service/10.96.0.2:80', { sources: '1', type: 'forbidden', reason: 'no such port' });
    const [web, nothing] = other.outbounds;
    expect(await askOn(dialRaw(mesh, web!))).to.match(/^HTTP\/1\.1 200 /);
    const refused = dialRaw(mesh, nothing!);
    await until(() => refused.closed, 'reset');
  });

  it('B14: connections beyond the limit are refused while all are busy', async () => {
    const { port, served } = await serveRaw(mesh, () => {});
    const strict = await mesh.proxy({ limits: { connections: 2 } });
    strict.setService({});
    strict.setEndpoints('web', [mesh.plain(port)]);
    const clients = [dialRaw(mesh, strict.outbound), dialRaw(mesh, strict.outbound)];
    for (const client of clients) client.send(GET);
    await until(() => served.filter(({ text }) => text !== '').length === 2, 'requests under way');
    const late = dialRaw(mesh, strict.outbound);
    await until(() => late.closed, 'refusal');
    // A FIN alone may be a client that still wants its answer.
    clients[0]!.socket.resetAndDestroy();
    await until(() => served.some(({ socket }) => socket.destroyed), 'a place');
    const next = dialRaw(mesh, strict.outbound);
    next.send(GET);
    await until(() => served.filter(({ text }) => text !== '').length === 3, 'the request of the next');
  });
}
