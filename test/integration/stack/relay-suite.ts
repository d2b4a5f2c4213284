import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { expect } from 'chai';
import type { RelayedProbe } from '../../../proxy-image/contract/relayed-probes.ts';
import { askHttp } from '../../../proxy-image/io/admin/ask-http.ts';
import { ProbeRelay } from '../../../proxy-image/io/admin/probe-relay.ts';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { createLeaf } from '../../support/certificates.ts';
import { until } from '../transport/recorder.ts';
import { TestMesh, type TestProxy } from './mesh.ts';
import { dialRaw, ok, serveHttp } from './peers.ts';

/** Probes that the proxy makes for the kubelet: what the admin port answers, and what the application sees. */
export function relaySuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;

  beforeEach(() => {
    mesh = new TestMesh(create);
  });
  afterEach(() => mesh.stop());

  /** Nothing is read of its connections, so that their end would not be noticed: they are ended with the test. */
  async function withoutTls(accept: (socket: net.Socket) => void): Promise<number> {
    const sockets = new Set<net.Socket>();
    const server = net.createServer((socket) => {
      sockets.add(socket.on('error', () => {}));
      accept(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    mesh.onStop(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    return (server.address() as AddressInfo).port;
  }

  const probe = (more: Partial<RelayedProbe>): RelayedProbe => ({
    path: '/app-probe/web/livenessProbe',
    type: 'tcp',
    port: 1,
    target: '',
    headers: [],
    timeoutMs: 1_000,
    isHook: false,
    ...more,
  });

  function relaying(...probes: RelayedProbe[]): Promise<TestProxy> {
    const probeRelay = (transport: Transport) => new ProbeRelay(transport, '127.0.0.1', probes, askHttp);
    return mesh.proxy({ clientsSeenFrom: '10.9.9.9', probeRelay });
  }

  async function status(proxy: TestProxy, target = '/app-probe/web/livenessProbe', method = 'GET'): Promise<number> {
    const kubelet = dialRaw(mesh, proxy.admin);
    kubelet.send(`${method} ${target} HTTP/1.1\r\nHost: 10.1.0.1:4191\r\nConnection: close\r\n\r\n`);
    const text = await kubelet.gone();
    return Number(text.slice(9, 12));
  }

  /** An application in TLS that answers every head with `answer`, and keeps what it was asked. */
  async function serveTls(answer: string): Promise<{ port: number; asked: string[] }> {
    const { keyPem, chainPem } = createLeaf(mesh.authority, 'somebody.else.example');
    const asked: string[] = [];
    const server = tls.createServer({ key: keyPem, cert: chainPem }, (socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        asked.push(chunk.toString('latin1'));
        socket.write(answer);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    mesh.onStop(() => server.close());
    return { port: (server.address() as AddressInfo).port, asked };
  }

  it('TCP: success where something listens, failure where nothing does', async () => {
    let accepted = 0;
    const server = net.createServer((socket) => {
      accepted++;
      socket.resume();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const proxy = await relaying(probe({ port }));
    expect(await status(proxy)).to.equal(200);
    await until(() => accepted === 1, 'the connection');
    await new Promise((resolve) => server.close(resolve));
    expect(await status(proxy)).to.equal(503);
  });

  it('HTTPS: the request is the one that was written, the status decides, the certificate does not', async () => {
    for (const [line, expected] of [
      ['200 OK', 200],
      ['302 Found', 200],
      ['404 Not Found', 503],
      ['500 Oops', 503],
    ] as const) {
      const application = await serveTls(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 ${line}\r\ncontent-length: 0\r\n\r\n`);
      const headers: RelayedProbe['headers'] = [
        ['X-Probe', 'ü'],
        ['host', 'web.example'],
      ];
      const proxy = await relaying(
        probe({ type: 'https', port: application.port, target: '/health%20check?full=1', headers }),
      );
      expect(await status(proxy), line).to.equal(expected);
      const [head = ''] = application.asked;
      expect(head).to.match(/^GET \/health%20check\?full=1 HTTP\/1\.1\r\n/);
      expect(head).to.contain('\r\nX-Probe: Ã¼\r\nhost: web.example\r\n\r\n').and.not.to.contain('Host:');
    }
  });

  it('HTTP, of a port that is opaque: the same in plaintext', async () => {
    const asked: string[] = [];
    const application = await serveHttp(mesh, (head) => {
      asked.push(head);
      return head.startsWith('GET /up?x ') ? ok('fine') : 'HTTP/1.1 503 Down\r\ncontent-length: 0\r\n\r\n';
    });
    const http = { type: 'http', port: application.port } as const;
    expect(await status(await relaying(probe({ ...http, target: '/up?x' })))).to.equal(200);
    expect(await status(await relaying(probe({ ...http, target: '/down' })))).to.equal(503);
    expect(asked[0]).to.contain(`\r\nHost: 127.0.0.1:${application.port}\r\n`);
  });

  it('HTTPS: no TLS, no answer in time, and a field that would be another line are failures', async () => {
    const silent = () => {};
    const plain = (socket: net.Socket) => void socket.end('HTTP/1.1 200 OK\r\n\r\n');
    for (const accept of [silent, plain]) {
      const port = await withoutTls(accept);
      const proxy = await relaying(probe({ type: 'https', port, target: '/', timeoutMs: 200 }));
      expect(await status(proxy)).to.equal(503);
    }
    const application = await serveTls('HTTP/1.1 200 OK\r\n\r\n');
    const headers: RelayedProbe['headers'] = [['X-A', 'b\r\nX-C: d']];
    const proxy = await relaying(probe({ type: 'https', port: application.port, target: '/', headers }));
    expect(await status(proxy)).to.equal(503);
    expect(application.asked).to.deep.equal([]);
  });

  it('a hook has done its work whatever the status, and fails without an answer, as without a proxy', async () => {
    const application = await serveTls('HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n');
    const hook = { type: 'https', isHook: true, target: '/bye' } as const;
    expect(await status(await relaying(probe({ ...hook, port: application.port })))).to.equal(200);
    const client = dialRaw(mesh, (await relaying(probe({ ...hook, port: 1 }))).admin);
    client.send('GET /app-probe/web/livenessProbe HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await client.gone()).to.equal('');
  });

  it('only what the pod has can be asked for, by GET and exactly', async () => {
    const proxy = await relaying(probe({}));
    for (const target of ['/app-probe/web/readinessProbe', '/app-probe/', '/app-probe/web/livenessProbe?port=2']) {
      expect(await status(proxy, target), target).to.equal(404);
    }
    expect(await status(proxy, '/app-probe/web/livenessProbe', 'POST')).to.equal(404);
    expect(await status(await mesh.proxy(), '/app-probe/web/livenessProbe')).to.equal(404);
  });

  it('a client that goes away meanwhile harms nobody', async () => {
    const port = await withoutTls(() => {});
    const proxy = await relaying(probe({ type: 'https', port, target: '/', timeoutMs: 300 }));
    const impatient = dialRaw(mesh, proxy.admin);
    impatient.send('GET /app-probe/web/livenessProbe HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise((resolve) => setTimeout(resolve, 50));
    impatient.close();
    expect(await status(proxy)).to.equal(503);
    expect(await status(proxy, '/ready')).to.equal(200);
  });
}
