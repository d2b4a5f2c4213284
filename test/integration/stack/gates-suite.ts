import { expect } from 'chai';
import type { RelayedProbe } from '../../../proxy-image/contract/relayed-probes.ts';
import { ProbeRelay } from '../../../proxy-image/io/admin/probe-relay.ts';
import { FixedDestination } from '../../../proxy-image/io/transport/local-network.ts';
import type { Address, Transport } from '../../../proxy-image/io/transport/types.ts';
import type { StackLimits } from '../../../proxy-image/stack/shared/options.ts';
import { type Recorder, until } from '../transport/recorder.ts';
import { refusals, TestMesh, type TestProxy } from './mesh.ts';
import { goodCredentials, left, meshClient, say } from './mesh-client.ts';
import { dialRaw, GET, ok, serveHttp } from './peers.ts';
import { SilentFlood } from './silent-flood.ts';

/** The first is the flood that once shut a port, inbound and outbound: each connection is renewed before detection gives it up. */
const FLOODS = [
  { count: 2000, renewMs: 9000 },
  { count: 5000, renewMs: 4500 },
];
const FEWEST = 30;
const SOURCES = Array.from({ length: 10 }, (_, i) => `127.0.1.${i + 1}`);

/**
 * Those who hold a place and do not get on (rows B of the security checklist), by real sockets: whoever comes and does what is to be done is served, all the
 * while, without a single failure.
 */
export function gatesSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let port: number;

  beforeEach(async () => {
    mesh = new TestMesh(create);
    ({ port } = await serveHttp(mesh, () => ok('fine')));
  });
  afterEach(() => mesh.stop());

  /** Both sides of it lead to the application. */
  async function proxyOf(limits: Partial<StackLimits>): Promise<TestProxy> {
    const original = { ip: '127.0.0.1', port };
    const proxy = await mesh.proxy({
      serviceAccount: 'server',
      limits,
      originalDestination: new FixedDestination(original),
    });
    const pod = {
      type: 'pod',
      namespace: 'shop',
      pod: 'web-1',
      protocol: 'detect',
      endpoint: mesh.plain(port),
    } as const;
    proxy.set(`service/127.0.0.1:${port}`, { sources: '1', ...pod });
    proxy.setPolicy(port, {});
    return proxy;
  }

  /** A client that comes, asks at once, and goes: what was wrong, or nothing. */
  async function asks(address: Address, request = GET): Promise<string> {
    const client = dialRaw(mesh, address);
    client.send(request);
    await until(() => client.text.includes('fine') || client.closed || client.ended, 'an answer, or the end');
    const text = client.text;
    client.close();
    return text.startsWith('HTTP/1.1 200 ') ? '' : `${text} ${client.error?.code ?? 'closed'}`;
  }

  /** The same over a mesh connection of its own. */
  async function asksMeshed(proxy: TestProxy): Promise<string> {
    const client = meshClient(mesh, proxy, goodCredentials(mesh));
    await until(() => client.events.includes('secure') || left(client), 'an outcome of the handshake');
    if (left(client)) return 'refused before the handshake';
    await say(client, { port }, GET);
    await until(() => client.text.includes('fine') || left(client), 'an answer, or the end');
    const text = client.text;
    client.connection?.reset();
    return text.startsWith('HTTP/1.1 200 ') ? '' : `refused: ${text}`;
  }

  /** Asks one after the other until `over`, often enough to mean something. What was wrong, each once. */
  async function asksUntil(over: () => boolean, ask: () => Promise<string>): Promise<{ wrong: string[] }> {
    const wrong = new Set<string>();
    let asked = 0;
    while (!over() || asked < FEWEST) {
      const what = await ask();
      asked++;
      if (what !== '') wrong.add(what);
    }
    return { wrong: [...wrong] };
  }

  for (const { count, renewMs } of FLOODS) {
    it(`B3: ${count} silent connections, renewed every ${renewMs} ms, keep nobody out on either side`, async () => {
      const proxy = await proxyOf({});
      const sides = [proxy.inboundPlain, proxy.outbound];
      const floods = sides.map((to) => new SilentFlood(mesh, to, { count, renewMs, sources: SOURCES }));
      // All places are taken from the first moment on.
      const over = () => floods.every(({ opened }) => opened >= 1.4 * count);
      const results = await Promise.all(sides.map((side) => asksUntil(over, () => asks(side))));
      for (const { wrong } of results) expect(wrong).to.deep.equal([]);
    }).timeout(60_000);
  }

  it('B3: a flood on one side ends no connection of the other', async () => {
    const proxy = await proxyOf({ detections: 10 });
    const patient = [dialRaw(mesh, proxy.outbound), dialRaw(mesh, proxy.outbound)];
    const flood = new SilentFlood(mesh, proxy.inboundPlain, { count: 50, renewMs: 200, sources: SOURCES });
    await until(() => flood.opened > 300, 'the flood');
    expect(refusals(proxy, 'inbound', 'detection_limit')).to.be.greaterThan(100);
    for (const one of patient) {
      one.send(GET);
      expect(await one.hears('fine')).to.match(/^HTTP\/1\.1 200 /);
    }
    expect(refusals(proxy, 'outbound', 'detection_limit')).to.equal(0);
  });

  it('B3: of many peers the one that holds most makes room: a silent client of another address is left in peace', async () => {
    const proxy = await proxyOf({ detections: 10 });
    const patient = dialRaw(mesh, proxy.inboundPlain);
    // Slower than a place in a second: whoever fills the gate faster than that is told from nobody.
    const flood = new SilentFlood(mesh, proxy.inboundPlain, { count: 50, renewMs: 15_000, sources: ['127.0.1.1'] });
    await until(() => flood.opened >= 60, 'the flood');
    patient.send(GET);
    expect(await patient.hears('fine')).to.match(/^HTTP\/1\.1 200 /);
  });

  it('B21: clients that never begin their handshake keep no other proxy out', async () => {
    const proxy = await proxyOf({ handshakes: 50 });
    const flood = new SilentFlood(mesh, proxy.inbound, { count: 200, renewMs: 1000, sources: SOURCES });
    const { wrong } = await asksUntil(
      () => flood.opened > 400,
      () => asksMeshed(proxy),
    );
    expect(wrong).to.deep.equal([]);
    expect(refusals(proxy, 'inbound', 'handshake_limit')).to.be.greaterThan(100);
  });

  it('B21: clients that finish their handshake and send no transport header keep no other proxy out', async () => {
    const proxy = await proxyOf({ handshakes: 20 });
    const credentials = goodCredentials(mesh);
    const idle: Recorder[] = [];
    const { wrong } = await asksUntil(
      () => idle.length >= 120,
      () => {
        for (let i = 0; i < 4; i++) idle.push(meshClient(mesh, proxy, credentials));
        return asksMeshed(proxy);
      },
    );
    expect(wrong).to.deep.equal([]);
    await until(() => idle.filter(left).length >= 100, 'the end of those in excess');
    expect(refusals(proxy, 'inbound', 'handshake_limit')).to.be.greaterThan(90);
  });

  it('B1: heads that come an octet now and then keep nobody out, and hold so much memory at most', async () => {
    const proxy = await proxyOf({ heads: 50 });
    const slow = { text: 'GET / HTTP/1.1\r\nHost: web\r\n', drip: 'x', count: 200, renewMs: 1000, sources: SOURCES };
    const floods = [proxy.inboundPlain, proxy.outbound].map((to) => new SilentFlood(mesh, to, slow));
    const over = () => floods.every(({ opened }) => opened > 400);
    const results = await Promise.all([
      asksUntil(over, () => asks(proxy.inboundPlain)),
      asksUntil(over, () => asks(proxy.outbound)),
    ]);
    for (const { wrong } of results) expect(wrong).to.deep.equal([]);
    expect(refusals(proxy, 'inbound', 'head_limit')).to.be.greaterThan(100);
    expect(refusals(proxy, 'outbound', 'head_limit')).to.be.greaterThan(100);
  });

  it('B1: a head that comes in two pieces is served in the middle of a flood of others', async () => {
    const proxy = await proxyOf({ heads: 50 });
    const slow = { text: 'GET / HTTP/1.1\r\nHost: web\r\n', count: 100, renewMs: 1000, sources: SOURCES };
    const flood = new SilentFlood(mesh, proxy.inboundPlain, slow);
    const { wrong } = await asksUntil(
      () => flood.opened > 200,
      async () => {
        const client = dialRaw(mesh, proxy.inboundPlain);
        client.send(GET.slice(0, 20));
        await new Promise((resolve) => setTimeout(resolve, 20));
        client.send(GET.slice(20));
        await until(() => client.text.includes('fine') || client.closed, 'an answer, or the end');
        client.close();
        return client.text.startsWith('HTTP/1.1 200 ') ? '' : 'refused';
      },
    );
    expect(wrong).to.deep.equal([]);
  });

  it('B9: HTTP/2 heads that are never finished keep nobody out, and hold so much memory at most', async () => {
    const proxy = await proxyOf({ heads: 50 });
    // The preface, SETTINGS, and the beginning of HEADERS of 16 KiB.
    const text = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\x40\0\x01\x04\0\0\0\x01';
    const slow = { text, drip: 'x', count: 200, renewMs: 1000, sources: SOURCES };
    const flood = new SilentFlood(mesh, proxy.inboundPlain, slow);
    const { wrong } = await asksUntil(
      () => flood.opened > 400,
      () => asks(proxy.inboundPlain),
    );
    expect(wrong).to.deep.equal([]);
    expect(refusals(proxy, 'inbound', 'head_limit')).to.be.greaterThan(100);
  });

  it('B14: where as many connections as may be are in the middle of a head, one of them makes room', async () => {
    const proxy = await proxyOf({ connections: 100 });
    const slow = { text: 'GET / HTTP/1.1\r\nHost: web\r\n', drip: 'x', count: 150, renewMs: 1000, sources: SOURCES };
    const flood = new SilentFlood(mesh, proxy.inboundPlain, slow);
    const { wrong } = await asksUntil(
      () => flood.opened > 400,
      () => asks(proxy.inboundPlain),
    );
    expect(wrong).to.deep.equal([]);
    expect(refusals(proxy, 'inbound', 'made_room')).to.be.greaterThan(100);
    expect(refusals(proxy, 'inbound', 'connection_limit')).to.equal(0);
  });

  it('B14: handshakes count as connections: both together stay below the limit', async () => {
    const proxy = await proxyOf({ connections: 20 });
    const silent = Array.from({ length: 40 }, () => dialRaw(mesh, proxy.inbound));
    await until(() => silent.filter(({ closed }) => closed).length === 20, 'the end of those in excess');
    expect(await asksMeshed(proxy)).to.equal('');
    expect(await asks(proxy.inboundPlain)).to.equal('');
  });

  it('B14: connections to the admin port are bounded, and a probe gets through whatever they do', async () => {
    const proxy = await proxyOf({ adminConnections: 10 });
    const probe = 'GET /live HTTP/1.1\r\nHost: x\r\n\r\n';
    const post = 'PUT /proxy-log-level HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n';
    for (const text of [undefined, 'GET /live', post]) {
      const said = text === undefined ? {} : { text };
      const flood = new SilentFlood(mesh, proxy.admin, { count: 50, renewMs: 500, sources: SOURCES, ...said });
      for (let i = 0; i < 20; i++) {
        const client = dialRaw(mesh, proxy.admin);
        client.send(probe);
        expect(await client.hears('live\n'), `${text}`).to.match(/^HTTP\/1\.1 200 /);
      }
      flood.stop();
    }
    expect(refusals(proxy, 'admin', 'made_room')).to.be.greaterThan(100);
  });

  it('B14: a probe that waits for the application outlasts connections to the admin port that ask for nothing', async () => {
    let answer: ((status: number) => void) | null = null;
    const asks = () =>
      new Promise<number>((resolve) => {
        answer = resolve;
      });
    const relayed: RelayedProbe = {
      path: '/probe',
      type: 'https',
      port,
      target: '/',
      headers: [],
      timeoutMs: 10_000,
      isHook: false,
    };
    const proxy = await mesh.proxy({
      limits: { adminConnections: 10 },
      probeRelay: (transport) => new ProbeRelay(transport, '127.0.0.1', [relayed], asks),
    });
    const kubelet = dialRaw(mesh, proxy.admin);
    kubelet.send('GET /probe HTTP/1.1\r\nHost: x\r\n\r\n');
    await until(() => answer !== null, 'the question to the application');
    const flood = new SilentFlood(mesh, proxy.admin, { count: 50, renewMs: 500, sources: SOURCES });
    await until(() => flood.opened > 200, 'the flood');
    answer!(200);
    expect(await kubelet.hears('\r\n\r\n')).to.match(/^HTTP\/1\.1 200 /);
  });
}
