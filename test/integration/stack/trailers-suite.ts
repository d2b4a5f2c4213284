import type http2 from 'node:http2';
import { expect } from 'chai';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { until } from '../transport/recorder.ts';
import { dialHttp2, heard, serveHttp2 } from './http2-peers.ts';
import { TestMesh, type TestProxy } from './mesh.ts';
import { dialRaw, serveRaw } from './peers.ts';

type Version = 'http1' | 'http2';
type Fields = Record<string, string>;

/** What a peer may say in a trailer section, and what must not reach the other side there (RFC 9110 section 6.5.1). */
const PASSES: Fields = { 'grpc-status': '0', 'grpc-message': 'fine', 'x-checksum': 'abc', 'server-timing': 'a;dur=1' };
const STAYS: Fields = {
  'content-length': '5',
  host: 'forged',
  authorization: 'Bearer forged',
  cookie: 'a=1',
  'set-cookie': 'a=1',
  'content-type': 'text/forged',
  'if-none-match': '"1"',
  'x-forwarded-for': '1.2.3.4',
  'x-forwarded-client-cert': 'Hash=1',
  'l5d-client-id': 'forged',
};
const SENT: Fields = { ...STAYS, ...PASSES };

/** One list decides about trailers, whatever version either side speaks, in both directions. Runs on Node and on Bun. */
export function trailersSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let proxy: TestProxy;

  beforeEach(async () => {
    mesh = new TestMesh(create);
    proxy = await mesh.proxy({});
    proxy.setService({ protocol: 'detect' });
  });
  afterEach(() => mesh.stop());

  const linesOf = (fields: Fields): string =>
    Object.entries(fields)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('');

  function fieldsOf(lines: string): Fields {
    const pairs = lines.split('\r\n').filter((line) => line !== '');
    return Object.fromEntries(pairs.map((line) => line.split(': ', 2) as [string, string]));
  }

  /** The trailer section behind the last chunk of a message of HTTP/1. */
  const sectionOf = (text: string): Fields => fieldsOf(/\r\n0\r\n((?:[^\r]+\r\n)*)\r\n$/.exec(text)![1]!);

  /** Answers with trailers, once those of the request have come; says which did. */
  async function serve(version: Version): Promise<{ port: number; heard(): Fields | null }> {
    let trailers: Fields | null = null;
    if (version === 'http1') {
      const { port } = await serveRaw(mesh, (one) => {
        if (!/\r\n0\r\n(?:[^\r]+\r\n)*\r\n$/.test(one.text)) return;
        trailers = sectionOf(one.text);
        one.socket.write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n${linesOf(SENT)}\r\n`);
      });
      return { port, heard: () => trailers };
    }
    const { port } = await serveHttp2(mesh, (stream) => {
      stream.on('trailers', (fields: http2.IncomingHttpHeaders) => {
        trailers = Object.fromEntries(Object.entries(fields as Fields));
      });
      stream.on('end', () => {
        stream.respond({ ':status': 200 }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers(SENT));
        stream.end('ok');
      });
      stream.resume();
    });
    return { port, heard: () => trailers };
  }

  /** The trailers of the response to a request that had trailers. */
  async function call(version: Version): Promise<Fields> {
    if (version === 'http1') {
      const client = dialRaw(mesh, proxy.outbound);
      client.send('POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n');
      client.send(`${linesOf(SENT)}\r\n`);
      await until(() => /\r\n0\r\n(?:[^\r]+\r\n)*\r\n$/.test(client.text), 'the end of the response');
      return sectionOf(client.text);
    }
    const session = dialHttp2(mesh, proxy.outbound);
    const stream = session.request({ ':path': '/', ':method': 'POST', ':authority': 'web' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(SENT));
    stream.end('hi');
    const answer = await heard(stream);
    expect(answer.body).to.equal('ok');
    return Object.fromEntries(Object.entries(answer.trailers as Fields));
  }

  for (const from of ['http1', 'http2'] as const) {
    for (const to of ['http1', 'http2'] as const) {
      it(`A7: ${from} to ${to}: trailers that frame, route, identify or modify stop, those of gRPC and checksums pass`, async () => {
        const server = await serve(to);
        proxy.setEndpoints('web', [{ ...mesh.plain(server.port), protocol: to }]);
        expect(await call(from)).to.deep.equal(PASSES);
        expect(server.heard()).to.deep.equal(PASSES);
      });
    }
  }

  it('A17: a trailer that Connection names in the head ends with the connection, as a field of the head does', async () => {
    const { port, served } = await serveRaw(mesh, (one) => {
      if (!one.text.endsWith('x-three: 3\r\n\r\n')) return;
      const lines = 'connection: x-one, X-Two\r\ntransfer-encoding: chunked\r\n';
      one.socket.write(`HTTP/1.1 200 OK\r\n${lines}\r\n2\r\nok\r\n0\r\nX-One: 1\r\nx-two: 2\r\nx-three: 3\r\n\r\n`);
    });
    proxy.setEndpoints('web', [mesh.plain(port)]);
    const client = dialRaw(mesh, proxy.outbound);
    client.send('POST / HTTP/1.1\r\nHost: web\r\nConnection: X-One,x-two\r\nTransfer-Encoding: chunked\r\n\r\n');
    client.send('2\r\nhi\r\n0\r\nx-one: 1\r\nX-Two: 2\r\nx-three: 3\r\n\r\n');
    expect(sectionOf(await client.hears('x-three: 3\r\n\r\n'))).to.deep.equal({ 'x-three': '3' });
    expect(sectionOf(served[0]!.text)).to.deep.equal({ 'x-three': '3' });
  });
}
