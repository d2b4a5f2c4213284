import { expect } from 'chai';
import { FixedDestination } from '../../../proxy-image/io/transport/local-network.ts';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { parsePrometheusText, sampleValue } from '../../support/prometheus-text.ts';
import { until } from '../transport/recorder.ts';
import { refusals, TestMesh, type TestProxy } from './mesh.ts';
import { askOn, dialRaw, GET, ok, type RawClient, type Served, serveHttp, serveRaw } from './peers.ts';

/** What happens at the caps of the stack (rows B of the security checklist): each is a setting, each is reached here, and what is beyond it is refused at once. */
export function overloadSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;

  beforeEach(() => {
    mesh = new TestMesh(create);
  });
  afterEach(() => mesh.stop());

  async function clientOf(limits: Parameters<TestMesh['proxy']>[0], port: number): Promise<TestProxy> {
    const proxy = await mesh.proxy(limits);
    proxy.setService({});
    proxy.setEndpoints('web', [mesh.plain(port)]);
    return proxy;
  }

  /** An application that answers only when it is told to. */
  async function waitingApplication(): Promise<{
    port: number;
    served: Served[];
    waiting: () => number;
    release: () => void;
  }> {
    let held: Served[] = [];
    let released = false;
    const { port, served } = await serveRaw(mesh, (one) => {
      if (released) one.socket.write(ok('fine'));
      else held.push(one);
    });
    const release = () => {
      released = true;
      for (const { socket } of held) socket.write(ok('fine'));
      held = [];
    };
    return { port, served, waiting: () => held.length, release };
  }

  it('B3: so many connections may keep silent; for a further one the one that has longest is ended', async () => {
    const { port } = await serveHttp(mesh, () => ok('fine'));
    const proxy = await clientOf({ limits: { detections: 2 } }, port);
    proxy.setService({ protocol: 'detect' });
    const silent = [dialRaw(mesh, proxy.outbound)];
    await until(() => openedBy(proxy) >= 1, 'the first');
    silent.push(dialRaw(mesh, proxy.outbound));
    await until(() => openedBy(proxy) >= 2, 'the silent ones');
    const late = dialRaw(mesh, proxy.outbound);
    await until(() => silent[0]!.closed, 'the end of the first');
    expect([silent[1]!.closed, late.closed]).to.deep.equal([false, false]);
    expect(await askOn(late)).to.match(/^HTTP\/1\.1 200 /);
    expect(await askOn(silent[1]!)).to.match(/^HTTP\/1\.1 200 /);
    expect(refusals(proxy, 'outbound', 'detection_limit')).to.equal(1);
    expect(
      sampleValue(parsePrometheusText(proxy.metrics()), 'outbound_tcp_errors_total', { error: 'loadshed' }),
    ).to.equal(1);
  });

  it('B14: at the limit the client that has been idle longest makes room; busy ones are left alone', async () => {
    const { port, waiting, release } = await waitingApplication();
    const proxy = await clientOf({ limits: { connections: 3 } }, port);
    const busy = dialRaw(mesh, proxy.outbound);
    busy.send(GET);
    await until(() => waiting() === 1, 'a request under way');
    const idle = dialRaw(mesh, proxy.outbound);
    const younger = dialRaw(mesh, proxy.outbound);
    await until(() => openedBy(proxy) >= 3, 'the idle ones');
    const next = dialRaw(mesh, proxy.outbound);
    next.send(GET);
    await until(() => waiting() === 2, 'the request of the next');
    await until(() => idle.closed || idle.ended, 'the end of the oldest idle one');
    expect([busy.closed, younger.closed]).to.deep.equal([false, false]);
    release();
    await busy.hears('fine');
    await next.hears('fine');
  });

  it('B14: a flood on one side leaves the other, and the admin port, as they were', async () => {
    const { port, waiting } = await waitingApplication();
    const originalDestination = new FixedDestination({ ip: '127.0.0.1', port });
    const proxy = await clientOf({ limits: { connections: 2 }, originalDestination }, port);
    proxy.set(`service/127.0.0.1:${port}`, { sources: '1', type: 'unknown' });
    proxy.setPolicy(port, { protocol: 'http1' });
    const inbound = [dialRaw(mesh, proxy.inboundPlain), dialRaw(mesh, proxy.inboundPlain)];
    for (const one of inbound) one.send(GET);
    await until(() => waiting() === 2, 'as many as may come');
    const refused = dialRaw(mesh, proxy.inboundPlain);
    await until(() => refused.closed, 'refusal');
    const outbound = dialRaw(mesh, proxy.outbound);
    outbound.send('bytes');
    await until(() => waiting() === 3, 'one of the other side');
    const probe = dialRaw(mesh, proxy.admin);
    probe.send('GET /live HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await probe.hears('\r\n\r\n')).to.match(/^HTTP\/1\.1 200 /);
  });

  it('B14: streams that policy refuses do not count on: those who may come are served', async () => {
    const { port } = await serveHttp(mesh, () => ok('fine'));
    const server = await mesh.proxy({ serviceAccount: 'server', limits: { connections: 3 } });
    const client = await mesh.proxy({ serviceAccount: 'client' });
    client.setService({ protocol: 'opaque' });
    client.setEndpoints('web', [mesh.meshed(server, port)]);
    server.setPolicy(port, { protocol: 'opaque', authorizations: [] });
    for (let i = 0; i < 10; i++) {
      const refused = dialRaw(mesh, client.outbound);
      refused.send('bytes');
      await until(() => refused.closed, 'refusal');
    }
    server.setPolicy(port, { protocol: 'opaque' });
    expect(await askOn(dialRaw(mesh, client.outbound))).to.match(/^HTTP\/1\.1 200 /);
    expect(server.metrics()).to.match(/^tcp_open_connections\{direction="inbound",peer="src"[^}]*\} 1$/m);
  });

  it('B15: a full queue is answered with 503 and the reason at once, those in it when their turn comes', async () => {
    const { port, waiting, release, served } = await waitingApplication();
    const proxy = await clientOf({ limits: { connectionsPerHost: 1, waitersPerHost: 2 } }, port);
    const [first, ...queued] = Array.from({ length: 3 }, () => dialRaw(mesh, proxy.outbound));
    first!.send(GET);
    await until(() => waiting() === 1, 'the request under way');
    for (const one of queued) one.send(GET);
    await until(() => readBy(proxy) === 3 * GET.length, 'the queue');
    const refused = await askOn(dialRaw(mesh, proxy.outbound));
    expect(refused).to.match(/^HTTP\/1\.1 503 .*\r\nl5d-proxy-error: too many requests are waiting\r\n/s);
    release();
    for (const one of [first!, ...queued]) await one.hears('fine');
    expect(served).to.have.length(1);
  });

  it('B21: so many handshakes may be under way; for a further one the one that has been longest is ended', async () => {
    const server = await mesh.proxy({ serviceAccount: 'server', limits: { handshakes: 2 } });
    const { port } = await serveHttp(mesh, () => ok('fine'));
    const silent: RawClient[] = [];
    for (let i = 0; i < 4; i++) {
      silent.push(dialRaw(mesh, server.inbound));
      await until(() => silent.slice(0, -2).every(({ closed }) => closed), 'the end of those before');
    }
    expect(silent.map(({ closed }) => closed)).to.deep.equal([true, true, false, false]);
    expect(refusals(server, 'inbound', 'handshake_limit')).to.equal(2);
    for (let i = 0; i < 3; i++) {
      const client = await mesh.proxy({ serviceAccount: 'client' });
      client.setService({});
      client.setEndpoints('web', [mesh.meshed(server, port)]);
      expect(await askOn(dialRaw(mesh, client.outbound))).to.match(/^HTTP\/1\.1 200 /);
    }
  });
}

/** Bytes that the outbound side has read from its clients. */
function readBy(proxy: TestProxy): number {
  const line = /^tcp_read_bytes_total\{direction="outbound",peer="src"[^}]*\} (\d+)$/m.exec(proxy.metrics());
  return Number(line?.[1] ?? 0);
}

/** Connections of clients that the outbound side has seen. */
function openedBy(proxy: TestProxy): number {
  const line = /^tcp_open_total\{direction="outbound",peer="src"[^}]*\} (\d+)$/m.exec(proxy.metrics());
  return Number(line?.[1] ?? 0);
}
