import { expect } from 'chai';
import type { UnknownDestination } from '../../../proxy-image/contract/resources.ts';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { parsePrometheusText, sampleValue } from '../../support/prometheus-text.ts';
import { until } from '../transport/recorder.ts';
import { ask, dialHttp2, echo, serveHttp2 } from './http2-peers.ts';
import { TestMesh, type TestProxy } from './mesh.ts';
import { dialRaw, ok, type RawClient, serveHttp, serveRaw } from './peers.ts';

/** Addresses that nothing in the cluster has. Runs on Node and on Bun. */
export function outsideSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let proxy: TestProxy;
  let original = { ip: '127.0.0.1', port: 0 };

  beforeEach(async () => {
    mesh = new TestMesh(create);
    proxy = await mesh.proxy({ originalDestination: { of: () => original } });
  });
  afterEach(() => mesh.stop());

  const dial = (): RawClient => dialRaw(mesh, proxy.outbound);

  function outside(port: number, protocol: UnknownDestination['protocol']): void {
    original = { ip: '127.0.0.1', port };
    proxy.set(`service/127.0.0.1:${port}`, { sources: '1', type: 'unknown', protocol });
  }

  it('HTTP is HTTP: each request is counted, and connections are shared between clients', async () => {
    const { port, served } = await serveHttp(mesh, (text) => ok(text));
    outside(port, 'detect');
    for (let i = 0; i < 3; i++) {
      const client = dial();
      client.send('GET /a HTTP/1.1\r\nHost: api.example\r\nl5d-dst-override: x\r\nX-A: 1\r\n\r\n');
      const text = await client.hears('X-A');
      expect(text).to.contain('GET /a HTTP/1.1\r\nHost: api.example\r\nX-A: 1\r\n\r\n').and.not.to.contain('l5d-');
      client.close();
    }
    expect(served).to.have.length(1);
    const families = parsePrometheusText(proxy.metrics());
    const labels = { direction: 'outbound', target_addr: `127.0.0.1:${port}`, tls: 'no_identity' };
    expect(sampleValue(families, 'request_total', labels)).to.equal(3);
    expect(sampleValue(families, 'response_total', { ...labels, status_code: '200' })).to.equal(3);
  });

  it('HTTP/2 too', async () => {
    const { port } = await serveHttp2(mesh, echo);
    outside(port, 'detect');
    const session = dialHttp2(mesh, proxy.outbound);
    const answer = await ask(session, { ':path': '/b' });
    expect(answer.headers[':status']).to.equal(200);
  });

  it('what is not HTTP is spliced, at the first bytes', async () => {
    const { port } = await serveRaw(mesh, (one, chunk) => one.socket.write(chunk.toUpperCase()));
    outside(port, 'detect');
    const client = dial();
    client.send('\x16\x03\x01hello');
    await client.hears('HELLO');
  });

  it('a server that speaks first on an opaque port is not waited for, nor one that an operator of before tells of', async () => {
    for (const protocol of ['opaque', undefined] as const) {
      const { port, served } = await serveRaw(mesh, () => {});
      outside(port, protocol);
      const client = dial();
      await until(() => served.length === 1, 'a connection');
      served[0]!.socket.write('220 ready');
      await client.hears('220 ready');
    }
  });

  it('nobody there: the request is answered, and the next one is tried anew', async () => {
    original = { ip: '127.0.0.1', port: 1 };
    proxy.set('service/127.0.0.1:1', { sources: '1', type: 'unknown', protocol: 'detect' });
    for (let i = 0; i < 2; i++) {
      const client = dial();
      client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      expect(await client.hears('\r\n\r\n')).to.match(/^HTTP\/1\.1 502 /);
    }
  });
}
