import { expect } from 'chai';
import { HEAD_BYTES } from '../../../proxy-image/contract/head-bytes.ts';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { ask, dialHttp2, serveHttp2 } from './http2-peers.ts';
import { TestMesh, type TestProxy } from './mesh.ts';
import { dialRaw, ok, serveHttp, serveRaw } from './peers.ts';

type Version = 'http1' | 'http2';
const VERSIONS: readonly Version[] = ['http1', 'http2'];
/** What a head has beside the long field, in either version: first line, names, our own lines. */
const REST_BYTES = 1024;

/** What Node's HTTP/2 is to send and take. */
const LARGE_HEADS = {
  settings: { maxHeaderListSize: 2 * HEAD_BYTES.most },
  maxSendHeaderBlockLength: 2 * HEAD_BYTES.most,
};

/** One limit for heads, whatever version either side speaks, for requests and responses. Through a pair of proxies, on Node and on Bun. */
export function limitsSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let client: TestProxy;
  let server: TestProxy;
  let longest: number = HEAD_BYTES.most;

  async function start(headBytes: number): Promise<void> {
    mesh = new TestMesh(create);
    client = await mesh.proxy({ limits: { headBytes } });
    server = await mesh.proxy({ serviceAccount: 'server', limits: { headBytes } });
    client.setService({ protocol: 'detect' });
  }
  afterEach(() => mesh.stop());

  /** Fields of so many octets of value together. */
  function fieldsOf(bytes: number): Record<string, string> {
    const fields: Record<string, string> = {};
    for (let left = bytes; left > 0; left -= longest) fields[`x-long-${left}`] = 'a'.repeat(Math.min(left, longest));
    return fields;
  }

  function linesOf(bytes: number): string {
    const fields = Object.entries(fieldsOf(bytes));
    return fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  }

  const lengthOf = (values: Iterable<string | string[] | undefined>): number =>
    [...values].reduce((sum, value) => sum + (/^a+$/.test(String(value)) ? String(value).length : 0), 0);
  const lengthIn = (text: string): number =>
    lengthOf([...text.matchAll(/x-long-\d+: (a+)\r\n/gi)].map(([, value]) => value));

  /** Answers with the length of the long fields of the request, and with such fields of its own. */
  async function serve(version: Version, bytes: number): Promise<void> {
    const { port } =
      version === 'http1'
        ? await serveHttp(mesh, (request) => ok(String(lengthIn(request)), linesOf(bytes)))
        : await serveHttp2(
            mesh,
            (stream, asked) => {
              stream.respond({ ':status': 200, ...fieldsOf(bytes) });
              stream.end(String(lengthOf(Object.values(asked))));
            },
            LARGE_HEADS.settings,
          );
    client.setEndpoints('web', [{ ...mesh.meshed(server, port), protocol: version }]);
    server.setPolicy(port, { protocol: version });
  }

  /** Status, the body, and how long the long fields of the response were. */
  async function call(version: Version, bytes: number): Promise<[status: number, body: string, length: number]> {
    if (version === 'http1') {
      const caller = dialRaw(mesh, client.outbound);
      caller.send(`GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n${linesOf(bytes)}\r\n`);
      const text = await caller.gone();
      const body = text.slice(text.indexOf('\r\n\r\n') + 4);
      return [Number(text.split(' ')[1]), body.replace(/^\w+\r\n(.*)\r\n0\r\n\r\n$/s, '$1'), lengthIn(text)];
    }
    const session = dialHttp2(mesh, client.outbound, LARGE_HEADS);
    const answer = await ask(session, { ':authority': 'web', ...fieldsOf(bytes) });
    return [answer.status, answer.body, lengthOf(Object.values(answer.headers))];
  }

  // Node's HTTP/2 takes no more than eight CONTINUATION frames.
  const ways: [headBytes: number, from: Version, to: Version][] = [
    ...[HEAD_BYTES.fallback, 120 * 1024].flatMap((bytes) =>
      VERSIONS.flatMap((from) => VERSIONS.map((to): [number, Version, Version] => [bytes, from, to])),
    ),
    [512 * 1024, 'http1', 'http1'],
    [HEAD_BYTES.most, 'http1', 'http1'],
  ];
  for (const [headBytes, from, to] of ways) {
    it(`B4: heads of ${headBytes} bytes, ${from} to ${to}: fields may be nearly all of it, in requests and responses; more is refused`, async () => {
      // Node's HTTP/2 takes no field above 64 KiB.
      longest = from === 'http1' && to === 'http1' ? HEAD_BYTES.most : 60_000;
      await start(headBytes);
      const long = headBytes - REST_BYTES;
      await serve(to, 0);
      expect(await call(from, long)).to.deep.equal([200, String(long), 0]);
      expect((await call(from, headBytes + 1))[0]).to.equal(431);
      await serve(to, long);
      expect(await call(from, 1)).to.deep.equal([200, '1', long]);
      await serve(to, headBytes + 1);
      expect((await call(from, 1))[0]).to.equal(502);
    });
  }

  it('B4: a trailer section is bounded by the same', async () => {
    await start(HEAD_BYTES.least);
    const { port } = await serveRaw(mesh, (one) => {
      if (/x-long: a+\r\n\r\n$/.test(one.text)) one.socket.write(ok('fine'));
    });
    client.setEndpoints('web', [mesh.meshed(server, port)]);
    for (const [bytes, status] of [
      [HEAD_BYTES.least - 100, 200],
      [HEAD_BYTES.least + 1, 431],
    ] as const) {
      const caller = dialRaw(mesh, client.outbound);
      caller.send('POST / HTTP/1.1\r\nHost: web\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n');
      caller.send(`0\r\nx-long: ${'a'.repeat(bytes)}\r\n\r\n`);
      expect(await caller.gone()).to.match(new RegExp(`^HTTP/1\\.1 ${status} `));
    }
  });
}
