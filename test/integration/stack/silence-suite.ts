import { expect } from 'chai';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { ask, dialHttp2, echo, serveHttp2 } from './http2-peers.ts';
import { serveFrames } from './http2-raw.ts';
import { TestMesh, type TestProxy } from './mesh.ts';
import { dialRaw, GET, ok, serveHttp, serveRaw } from './peers.ts';

/** One of the two looks that it takes may have to be waited for. */
const NOTICED_MS = 6_000;
const POST = 'POST / HTTP/1.1\r\nHost: web\r\ncontent-length: 1\r\n\r\nx';

/** Machines that are gone without a word: the kernel's account of them is the test's, the rest is the real thing. Runs on Node and on Bun. */
export function silenceSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let proxy: TestProxy;
  /** Ports of machines that acknowledge nothing. */
  const gone = new Set<number>();

  beforeEach(async function () {
    this.timeout(20_000);
    gone.clear();
    mesh = new TestMesh((onFault) =>
      Object.assign(create(onFault), { isSilent: ({ remote }: { remote: { port: number } }) => gone.has(remote.port) }),
    );
    proxy = await mesh.proxy();
    proxy.setService({ protocol: 'detect', balancer: { type: 'roundRobin' } });
  });
  afterEach(() => mesh.stop());

  function endpoints(...ports: number[]): void {
    proxy.setEndpoints(
      'web',
      ports.map((port) => ({ ...mesh.plain(port), protocol: 'detect' as const })),
    );
  }

  async function askHttp1(request: string): Promise<string> {
    const client = dialRaw(mesh, proxy.outbound);
    client.send(request);
    const text = await client.hears('\r\n\r\n', NOTICED_MS);
    client.close();
    return text;
  }

  /** Takes one request, and is gone with it. */
  async function swallowing(): Promise<{ port: number; swallowed: () => number }> {
    let count = 0;
    const server = await serveRaw(mesh, (one) => {
      count++;
      gone.add(one.socket.localPort ?? 0);
      server.stop();
    });
    return { port: server.port, swallowed: () => count };
  }

  it('HTTP/1: what may be repeated goes to another endpoint, also from a connection that has answered nothing yet', async () => {
    const dead = await swallowing();
    const well = await serveHttp(mesh, () => ok('fine'));
    endpoints(dead.port, well.port);
    const answers = await Promise.all([askHttp1(GET), askHttp1(GET)]);
    for (const answer of answers) expect(answer).to.match(/^HTTP\/1\.1 200/);
    expect(dead.swallowed()).to.equal(1);
  }).timeout(20_000);

  it('HTTP/1: what may not be repeated is answered with 502, and not sent again', async () => {
    const dead = await swallowing();
    let posts = 0;
    const well = await serveHttp(mesh, () => {
      posts++;
      return ok('fine');
    });
    endpoints(dead.port, well.port);
    const answers = await Promise.all([askHttp1(POST), askHttp1(POST)]);
    expect(answers.filter((answer) => answer.startsWith('HTTP/1.1 502'))).to.have.length(1);
    expect(dead.swallowed()).to.equal(1);
    expect(posts).to.equal(1);
  }).timeout(20_000);

  it('a server that takes its time is left alone', async () => {
    const slow = await serveRaw(mesh, (one) => {
      setTimeout(() => one.socket.write(ok('late')), 2_500);
    });
    endpoints(slow.port);
    expect(await askHttp1(POST)).to.match(/^HTTP\/1\.1 200/);
  }).timeout(20_000);

  it('HTTP/2: what may be repeated goes to another endpoint', async () => {
    let requests = 0;
    const dead = await serveFrames(mesh, (one, { type }) => {
      if (type !== 'HEADERS') return;
      requests++;
      gone.add(one.socket.localPort ?? 0);
      dead.stop();
    });
    const well = await serveHttp2(mesh, echo);
    endpoints(dead.port, well.port);
    const session = dialHttp2(mesh, proxy.outbound);
    const gets = await Promise.all([ask(session, {}), ask(session, {})]);
    expect(gets.map(({ status }) => status)).to.deep.equal([200, 200]);
    expect(requests).to.be.at.least(1);
  }).timeout(20_000);
}
