import { expect } from 'chai';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { until } from '../transport/recorder.ts';
import { ask, dialHttp2, echo, serveHttp2 } from './http2-peers.ts';
import { Diary } from './made-up-observer.ts';
import { SHORT_QUEUE, TestMesh, type TestProxy } from './mesh.ts';
import { askOn, dialRaw, ok, serveHttp } from './peers.ts';

const GRPC = { ':method': 'POST', ':path': '/shop.Cart/Add', 'content-type': 'application/grpc', te: 'trailers' };

/** What an observer hears that was added to a stack: one file, and one line where the stack is made. Runs on Node and on Bun. */
export function observersSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let client: TestProxy;
  let server: TestProxy;
  let caller: Diary;
  let called: Diary;

  beforeEach(async () => {
    mesh = new TestMesh(create);
    caller = new Diary();
    called = new Diary();
    client = await mesh.proxy({ observers: { outbound: [caller] } });
    server = await mesh.proxy({ serviceAccount: 'server', observers: { inbound: [called] } });
    client.setService({ protocol: 'detect' });
  });
  afterEach(() => mesh.stop());

  function behind(port: number): void {
    client.setEndpoints('web', [{ ...mesh.meshed(server, port), protocol: 'detect' }]);
    server.setPolicy(port, { protocol: 'detect' });
  }

  const WHOLE = ['attempt start', 'response head 200', 'first byte', 'attempt end', 'end complete 200'];

  it('HTTP/1: every event of an exchange, on both sides', async () => {
    const { port } = await serveHttp(mesh, () => ok('hello'));
    behind(port);
    expect(await askOn(dialRaw(mesh, client.outbound))).to.match(/^HTTP\/1\.1 200 /);
    await until(() => called.lines.length > 5 && caller.lines.length > 5, 'the ends');
    expect(caller.lines).to.deep.equal(['request head GET /', ...WHOLE]);
    expect(called.lines).to.deep.equal(['request head GET /', ...WHOLE]);
  });

  it('HTTP/2 and gRPC: the same', async () => {
    const { port } = await serveHttp2(mesh, echo);
    behind(port);
    const session = dialHttp2(mesh, client.outbound);
    await ask(session, { ':path': '/two' });
    await ask(session, GRPC);
    await until(() => called.lines.length > 11 && caller.lines.length > 11, 'the ends');
    const both = ['request head GET /two', ...WHOLE, 'request head POST /shop.Cart/Add', ...WHOLE];
    expect(caller.lines).to.deep.equal(both);
    expect(called.lines).to.deep.equal(both);
  });

  it('a retry: what was decided, and two attempts', async () => {
    const statuses = ['503 Service Unavailable', '200 OK'];
    const { port } = await serveHttp(mesh, () => `HTTP/1.1 ${statuses.shift()}\r\nContent-Length: 0\r\n\r\n`);
    behind(port);
    client.setService({
      protocol: 'detect',
      retry: { http: [[503, 503]], grpc: [], limit: 1, timeoutMs: 0, backoffMs: 25 },
    });
    expect(await askOn(dialRaw(mesh, client.outbound))).to.match(/^HTTP\/1\.1 200 /);
    await until(() => caller.lines.at(-1)?.startsWith('end') === true, 'the end');
    expect(caller.lines).to.deep.equal([
      'request head GET /',
      'attempt start',
      'retry: retried',
      'attempt end',
      'attempt start',
      'retry: success',
      'response head 200',
      'first byte',
      'attempt end',
      'end complete 200',
    ]);
  });

  it('a call that finds no endpoint: a failed attempt that was never sent', async () => {
    client.setService({ protocol: 'detect', queue: SHORT_QUEUE });
    client.setEndpoints('web', []);
    expect(await askOn(dialRaw(mesh, client.outbound))).to.match(/^HTTP\/1\.1 504 /);
    await until(() => caller.lines.at(-1)?.startsWith('end') === true, 'the end');
    expect(caller.lines).to.deep.equal([
      'request head GET /',
      'attempt end: failfast',
      'first byte',
      'end complete 504',
    ]);
  });

  it('a request that is denied: no attempt', async () => {
    const { port } = await serveHttp(mesh, () => ok('hello'));
    behind(port);
    server.setPolicy(port, { protocol: 'detect', authorizations: [] });
    expect(await askOn(dialRaw(mesh, client.outbound))).to.match(/^HTTP\/1\.1 403 /);
    await until(() => called.lines.at(-1)?.startsWith('end') === true, 'the end');
    expect(called.lines).to.deep.equal(['request head GET /', 'first byte', 'end complete 403']);
  });
}
