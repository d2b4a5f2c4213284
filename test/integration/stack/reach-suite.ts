import { expect } from 'chai';
import type { Endpoint } from '../../../proxy-image/contract/resources.ts';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { balanceOf } from '../../unit/core/fixtures.ts';
import { until } from '../transport/recorder.ts';
import { ask, dialHttp2, echo, serveHttp2 } from './http2-peers.ts';
import { TestMesh, type TestProxy } from './mesh.ts';
import { Pace, type Paced } from './pace.ts';
import { dialRaw, GET, ok, serveHttp, serveRaw } from './peers.ts';
import { comingApplication, serveStoppable } from './unreachable.ts';

const CLOSED_PORT = 1;

/** A Service whose endpoints come, go, and cannot be connected to for a while. Runs on Node and on Bun. */
export function reachSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let client: TestProxy;

  beforeEach(async () => {
    mesh = new TestMesh(create);
    client = await mesh.proxy({ serviceAccount: 'client' });
    client.setService({ protocol: 'detect' });
  });
  afterEach(() => mesh.stop());

  async function askHttp1(): Promise<string> {
    const one = dialRaw(mesh, client.outbound);
    one.send(GET);
    await until(() => one.text.includes('\r\n\r\n') || one.closed, 'an answer');
    one.close();
    return one.text;
  }

  /** A stream that says something and hears it again. */
  async function askStream(): Promise<string> {
    const one = dialRaw(mesh, client.outbound);
    one.send('hello');
    await until(() => one.text === 'hello' || one.closed, 'an answer');
    one.close();
    return one.text === 'hello' ? 'HTTP/1.1 200 ' : `closed ${one.error?.code}`;
  }

  /** Puts only those that failed: nothing is to be left. */
  function failures(results: readonly Paced[]): Paced[] {
    return results.filter(({ answer }) => !answer.startsWith('HTTP/1.1 200 '));
  }

  const startedAfter = (ms: number, results: readonly Paced[]): Paced[] =>
    results.filter(({ startedMs }) => startedMs > ms);

  const plain = (...ports: number[]): Endpoint[] =>
    ports.map((port) => ({ ...mesh.plain(port), protocol: 'detect' as const }));

  const errors = (kind: string): number =>
    Number(
      new RegExp(`^outbound_http_errors_total\\{error="${kind}"\\} (\\d+)$`, 'm').exec(client.metrics())?.[1] ?? 0,
    );

  describe('all endpoints are away for a moment', () => {
    for (const [gapMs, perSecond] of [
      [500, 50],
      [1500, 100],
    ] as const) {
      it(`none is named for ${gapMs} ms, at ${perSecond} requests a second: all wait, none fails`, async () => {
        const { port } = await serveHttp(mesh, () => ok('fine'));
        client.setEndpoints('web', plain(port));
        const pace = new Pace(perSecond, askHttp1);
        await Pace.rest(300);
        client.setEndpoints('web', []);
        await Pace.rest(gapMs);
        client.setEndpoints('web', plain(port));
        await Pace.rest(300);
        const results = await pace.end();
        expect(failures(results)).to.deep.equal([]);
        expect(Math.max(...results.map(({ tookMs }) => tookMs))).to.be.within(gapMs - 150, gapMs + 1000);
      });

      it(`those that are named refuse connections for ${gapMs} ms: all wait, none fails`, async () => {
        const application = await comingApplication(mesh, (socket) =>
          socket.on('data', () => socket.write(ok('fine'))),
        );
        await application.come();
        client.setEndpoints('web', plain(application.port));
        const pace = new Pace(perSecond, askHttp1);
        await Pace.rest(300);
        await pace.lull();
        application.leave();
        await Pace.rest(gapMs);
        await application.come();
        await Pace.rest(300);
        expect(failures(await pace.end())).to.deep.equal([]);
      });
    }

    it('the applications behind their proxies refuse for a second: all wait, none fails', async () => {
      const server = await mesh.proxy({ serviceAccount: 'server' });
      const application = await comingApplication(mesh, (socket) => socket.on('data', () => socket.write(ok('fine'))));
      client.setEndpoints('web', [mesh.meshed(server, application.port)]);
      const pace = new Pace(50, askHttp1);
      await Pace.rest(1000);
      await application.come();
      await Pace.rest(500);
      expect(failures(await pace.end())).to.deep.equal([]);
    });

    it('calls of gRPC and streams of HTTP/2 wait too', async () => {
      const { port } = await serveHttp2(mesh, echo);
      client.setEndpoints('web', plain(port));
      const session = dialHttp2(mesh, client.outbound);
      const fields = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };
      const pace = new Pace(50, async () => {
        const { status, headers } = await ask(session, fields, 'x');
        const grpcStatus = headers['grpc-status'];
        return grpcStatus === undefined ? `HTTP/1.1 ${status} ` : `grpc-status ${String(grpcStatus)}`;
      });
      await Pace.rest(200);
      client.setEndpoints('web', []);
      await Pace.rest(700);
      client.setEndpoints('web', plain(port));
      await Pace.rest(200);
      expect(failures(await pace.end())).to.deep.equal([]);
    });

    it('opaque streams wait, and their clients see nothing of it', async () => {
      const application = await comingApplication(mesh, (socket) => socket.on('data', (chunk) => socket.write(chunk)));
      client.setService({ protocol: 'opaque' });
      client.setEndpoints('web', plain(application.port));
      const pace = new Pace(20, askStream);
      await Pace.rest(700);
      client.setEndpoints('web', []);
      await Pace.rest(300);
      client.setEndpoints('web', plain(application.port));
      await application.come();
      await Pace.rest(500);
      expect(failures(await pace.end())).to.deep.equal([]);
    });

    it('a stream whose client goes while it waits is forgotten', async () => {
      client.setService({ protocol: 'opaque' });
      client.setEndpoints('web', []);
      const going = dialRaw(mesh, client.outbound);
      await until(
        () => /^tcp_open_connections\{direction="outbound",peer="src"[^}]*\} 1$/m.test(client.metrics()),
        'it',
      );
      going.socket.resetAndDestroy();
      await until(
        () => /^tcp_open_connections\{direction="outbound",peer="src"[^}]*\} 0$/m.test(client.metrics()),
        'end',
      );
      const { port, served } = await serveRaw(mesh, () => {});
      client.setEndpoints('web', plain(port));
      await Pace.rest(100);
      expect(served).to.have.length(0);
    });
  });

  it('when all refuse for long: failures begin after 3 s, come at once, and end soon after one is back', async function () {
    this.timeout(30_000);
    const application = await comingApplication(mesh, (socket) => socket.on('data', () => socket.write(ok('fine'))));
    client.setEndpoints('web', plain(application.port, CLOSED_PORT));
    const pace = new Pace(50, askHttp1);
    await until(() => failures(pace.results).length > 0, 'the first failure');
    const failingMs = pace.nowMs;
    // Those who come now.
    await until(() => startedAfter(failingMs + 100, pace.results).length > 10, 'failures of those who come later');
    const backMs = pace.nowMs;
    await application.come();
    await until(() => startedAfter(backMs, pace.results).some(({ answer }) => answer.includes(' 200 ')), 'end');
    const results = await pace.end();
    const failed = failures(results);
    for (const { answer } of failed) expect(answer).to.match(/^HTTP\/1\.1 504 .*fail-fast: all unreachable\r\n/s);
    // Time in which this process was not there does not count, so no upper bound holds beside other work; 3.0 to 3.1 s on an idle machine.
    const endsMs = failed.map(({ startedMs, tookMs }) => startedMs + tookMs);
    expect(Math.min(...endsMs)).to.be.above(2950);
    // At once: far from the 3 s of those that have waited.
    const late = startedAfter(failingMs + 100, failed);
    expect(late).not.to.deep.equal([]);
    expect(Math.max(...late.map(({ tookMs }) => tookMs))).to.be.below(1500);
    // 0.5 s on an idle machine.
    expect(Math.max(...endsMs) - backMs).to.be.below(2000);
    expect(errors('failfast')).to.equal(failed.length);
  });

  describe('an endpoint that takes no connection beside good ones', () => {
    it('costs requests no failure and not the time of its connect', async () => {
      const stuck = await serveStoppable(mesh);
      await stuck.stop();
      const { port } = await serveHttp(mesh, () => ok('fine'));
      // Longer than any request takes, also on a machine with other work: nobody is to wait for it.
      client = await mesh.proxy({ serviceAccount: 'client', limits: { outboundConnectTimeoutMs: 8000 } });
      for (const protocol of ['http1', 'http2'] as const) {
        client.setService({ protocol });
        client.setEndpoints('web', [{ ...mesh.plain(stuck.port), protocol }, mesh.plain(port)]);
        const pace = new Pace(100, askHttp1);
        await Pace.rest(700);
        const results = await pace.end();
        expect(failures(results)).to.deep.equal([]);
        expect(Math.max(...results.map(({ tookMs }) => tookMs))).to.be.below(3000);
      }
    });

    it('is used again when it goes on', async () => {
      const stuck = await serveStoppable(mesh);
      client.setService({ protocol: 'http1', balancer: { type: 'roundRobin' } });
      const { port, served } = await serveHttp(mesh, () => ok('good'));
      client.setEndpoints('web', [mesh.plain(stuck.port), mesh.plain(port)]);
      await stuck.stop();
      for (let i = 0; i < 10; i++) await askHttp1();
      stuck.goOn();
      await until(() => {
        void askHttp1();
        return /^request_total\{[^}]*dst_pod="web-[^}]*\} \d+$/m.test(client.metrics()) && openTo(stuck.port) > 0;
      }, 'a connection to it');
      expect(served.length).to.be.above(0);
    });

    it('a stream whose client goes while it is connected to is no load of it any more', async () => {
      const stuck = await serveStoppable(mesh);
      await stuck.stop();
      client.setService({ protocol: 'opaque' });
      client.setEndpoints('web', [mesh.plain(stuck.port)]);
      const load = (): number => balanceOf([...client.state.services()][0]!).pool.endpoints[0]!.inFlight;
      const going = dialRaw(mesh, client.outbound);
      await until(() => load() === 1, 'the attempt');
      going.socket.resetAndDestroy();
      await until(() => load() === 0, 'its end');
    });

    it('costs a stream an attempt, not its connection', async () => {
      const stuck = await serveStoppable(mesh);
      await stuck.stop();
      const { port } = await serveRaw(mesh, (one, chunk) => one.socket.write(chunk));
      client.setService({ protocol: 'opaque' });
      client.setEndpoints('web', [mesh.plain(stuck.port), mesh.plain(port)]);
      const pace = new Pace(20, askStream);
      await Pace.rest(1500);
      expect(failures(await pace.end())).to.deep.equal([]);
    });
  });

  function openTo(port: number): number {
    const line = new RegExp(
      `^tcp_open_connections\\{direction="outbound",peer="dst"[^}]*target_addr="127\\.0\\.0\\.1:${port}"[^}]*\\} (\\d+)$`,
      'm',
    ).exec(client.metrics());
    return Number(line?.[1] ?? 0);
  }

  it('a replacement in which each pod is named before it takes connections, and its connect times out, loses nothing', async function () {
    this.timeout(30_000);
    const first = await serveStoppable(mesh);
    const next = [await serveStoppable(mesh), await serveStoppable(mesh)];
    for (const each of next) await each.stop();
    client.setEndpoints('web', plain(first.port));
    const pace = new Pace(50, askHttp1);
    await Pace.rest(300);
    for (const each of next) {
      client.setEndpoints('web', plain(each.port));
      // Longer than the connect timeout of a second, and than the first repetition of a SYN.
      await Pace.rest(1300);
      each.goOn();
      const onMs = pace.nowMs;
      await until(() => startedAfter(onMs, pace.results).length > 20, 'answers to those who come later');
    }
    const results = await pace.end();
    expect(failures(results)).to.deep.equal([]);
    expect(results.length).to.be.above(100);
  });

  it('a failed connect counts once, however many requests waited for it, and as no response', async () => {
    const { port } = await serveHttp(mesh, () => ok('fine'));
    client.setService({ protocol: 'http1' });
    client.setEndpoints('web', [mesh.plain(CLOSED_PORT)]);
    const answers = Array.from({ length: 20 }, () => askHttp1());
    await until(() => errors('connect') > 0, 'the refusal');
    client.setEndpoints('web', [mesh.plain(port)]);
    for (const answer of await Promise.all(answers)) expect(answer).to.match(/^HTTP\/1\.1 200 /);
    // Sixteen attempts are made at once for twenty requests, and few after them.
    expect(errors('connect')).to.be.within(1, 20);
    expect(client.metrics()).not.to.match(/^response_total\{[^}]*classification="failure"/m);
    const sent = /^request_total\{direction="outbound"[^}]*\} (\d+)$/m.exec(client.metrics());
    expect(Number(sent?.[1])).to.equal(20);
  });
}
