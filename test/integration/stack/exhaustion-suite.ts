import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { endpointsKey, route } from '../../unit/core/fixtures.ts';
import { until } from '../transport/recorder.ts';
import { TestMesh, type TestProxy } from './mesh.ts';
import { askOn, dialRaw, GET, ok, type RawClient, serveHttp, serveRaw } from './peers.ts';

const MIB = 1024 * 1024;
/** More than all kernel buffers on the way through two proxies can hold. */
const ENDLESS_MIB = 128;

/**
 * Clients that take more than their share (rows B of the security checklist), by real sockets: what they can take is bounded, and the others are served.
 */
export function exhaustionSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let client: TestProxy;
  let server: TestProxy;

  beforeEach(async () => {
    mesh = new TestMesh(create);
    client = await mesh.proxy({ serviceAccount: 'client', limits: { headTimeoutMs: 1000 } });
    server = await mesh.proxy({ serviceAccount: 'server', limits: { headTimeoutMs: 1000 } });
    client.setService({});
  });
  afterEach(() => mesh.stop());

  function meshed(port: number): void {
    client.setEndpoints('web', [mesh.meshed(server, port)]);
  }

  it('B1: octets that come one at a time do not put the deadline of a head off', async () => {
    const slow = dialRaw(mesh, client.outbound);
    slow.send('GET / HTTP/1.1\r\nHost: web\r\n');
    const drip = setInterval(() => slow.send('x'), 50);
    mesh.onStop(() => clearInterval(drip));
    expect(await slow.gone()).to.match(/^HTTP\/1\.1 408 /);
  });

  it('B2: a reader that stops is waited for by its application through both proxies: nothing piles up between', async () => {
    const part = Buffer.alloc(MIB, 'x');
    let taken = 0;
    const { port } = await serveRaw(mesh, ({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${ENDLESS_MIB * MIB}\r\n\r\n`);
      const more = (): void => {
        for (; taken < ENDLESS_MIB; taken++) {
          if (socket.write(part)) continue;
          taken++;
          socket.once('drain', more);
          return;
        }
      };
      more();
    });
    meshed(port);
    const stopped = dialRaw(mesh, client.outbound);
    stopped.socket.pause();
    stopped.send(GET);
    await until(() => taken > 0, 'the beginning of the response');
    await untilSteady(() => taken);
    expect(taken).to.be.lessThan(ENDLESS_MIB);
    // Both proxies go on serving others meanwhile.
    const other = await serveHttp(mesh, () => ok('fine'));
    meshed(other.port);
    expect(await askOn(dialRaw(mesh, client.outbound))).to.match(/^HTTP\/1\.1 200 /);
    stopped.socket.removeAllListeners('data');
    let bytes = 0;
    stopped.socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    stopped.socket.resume();
    await until(() => bytes > ENDLESS_MIB * MIB, 'all of the response', 25_000);
  }).timeout(40_000);

  it('B2: an application that stops reading is waited for by the client through both proxies', async () => {
    let reads = false;
    const { port, served } = await serveRaw(mesh, (one) => {
      one.text = '';
      if (!reads) one.socket.pause();
    });
    meshed(port);
    const upload = dialRaw(mesh, client.outbound);
    upload.send(`POST / HTTP/1.1\r\nHost: web\r\nContent-Length: ${ENDLESS_MIB * MIB}\r\n\r\n`);
    for (let i = 0; i < ENDLESS_MIB; i++) upload.socket.write(Buffer.alloc(MIB, 'x'));
    await until(() => served.length === 1, 'the request');
    await untilSteady(() => upload.socket.writableLength);
    expect(upload.socket.writableLength).to.be.greaterThan(0);
    upload.close();
    reads = true;
    served[0]!.socket.resume();
    await until(() => served[0]!.socket.destroyed || served[0]!.ended, 'the end of the request at the application');
  }).timeout(30_000);

  it('B2: a request body that does not come on is given up, one that drips is not', async () => {
    const limited = await mesh.proxy({ serviceAccount: 'client', limits: { stallTimeoutMs: 600 } });
    const application = await serveRaw(mesh, (one) => {
      if (one.text.endsWith('12345')) one.socket.write(ok('whole'));
    });
    limited.setService({});
    limited.setEndpoints('web', [mesh.meshed(server, application.port)]);
    const head = 'POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 5\r\n\r\n';
    const stalled = dialRaw(mesh, limited.outbound);
    stalled.send(`${head}12`);
    const dripping = dialRaw(mesh, limited.outbound);
    dripping.send(head);
    for (const octet of '12345') {
      await new Promise((resolve) => setTimeout(resolve, 200));
      dripping.send(octet);
    }
    expect(await dripping.hears('whole')).to.match(/^HTTP\/1\.1 200 /);
    expect(await stalled.gone()).to.match(/^HTTP\/1\.1 408 /);
  });

  it('B2: a client that takes nothing of its answer is cut off', async () => {
    const limited = await mesh.proxy({ serviceAccount: 'client', limits: { stallTimeoutMs: 600 } });
    const { port, served } = await serveRaw(mesh, ({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${ENDLESS_MIB * MIB}\r\n\r\n`);
      socket.write(Buffer.alloc(ENDLESS_MIB * MIB, 'x'));
    });
    limited.setService({});
    limited.setEndpoints('web', [mesh.meshed(server, port)]);
    const stopped = dialRaw(mesh, limited.outbound);
    stopped.socket.pause();
    stopped.send(GET);
    await until(() => served[0]?.socket.destroyed === true, 'the end at the application', 25_000);
  }).timeout(40_000);

  it('B16: one retry budget serves all connections, endpoints and shares of a destination', async () => {
    let asked = 0;
    const failing = () => {
      asked++;
      return 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n';
    };
    const [one, two] = [await serveHttp(mesh, failing), await serveHttp(mesh, failing)];
    // Two in reserve and one more for every five requests.
    const retryBudget = { ratio: 0.2, minRetriesPerSecond: 1, ttlMs: 2000 };
    const share = (service: string) => ({
      authority: `${service}.shop.svc.cluster.local:80`,
      service,
      namespace: 'shop',
      port: 80,
      endpoints: endpointsKey(service),
      weight: 500,
      unavailable: false,
    });
    const routes = [route('all', '/.*', { isRetryable: true })];
    client.setService({ routes, retryBudget, backends: [share('web'), share('other')] });
    client.setEndpoints('web', [mesh.meshed(server, one.port), mesh.meshed(server, two.port)]);
    client.setEndpoints('other', [mesh.meshed(server, two.port)]);
    const started = client.clock.nowMs();
    const count = 50;
    const clients = Array.from({ length: 10 }, () => dialRaw(mesh, client.outbound));
    for (let i = 0; i < count; i++) expect(await askOn(clients[i % 10]!)).to.match(/^HTTP\/1\.1 503 /);
    const seconds = (client.clock.nowMs() - started) / 1000;
    // The server's proxy adds none of its own: over hops they do not multiply.
    expect(asked - count).to.be.within(1, Math.ceil(2 + 0.2 * count + seconds));
  });

  it('B19: made-up hosts, paths, methods and agents make no series', async () => {
    const { port } = await serveHttp(mesh, () => ok('fine'));
    meshed(port);
    server.setPolicy(port, {});
    const browser = dialRaw(mesh, client.outbound);
    const request = (i: number) =>
      `M${i} /p/${i}?q=${i} HTTP/1.1\r\nHost: h${i}.example\r\nUser-Agent: a/${i}\r\nx-${i}: ${i}\r\n\r\n`;
    for (let i = 0; i < 5; i++) await askOn(browser, request(i));
    const before = [client, server].map(seriesCount);
    for (let i = 100; i < 300; i++) await askOn(browser, request(i));
    expect([client, server].map(seriesCount)).to.deep.equal(before);
    expect(client.metrics() + server.metrics()).not.to.match(/h\d+\.example|\/p\/\d/);
    expect(server.metrics()).not.to.match(/direction="inbound"[^}]*authority="/);
  });

  it('B20: probes are answered while clients flood both sides', async () => {
    const { port } = await serveHttp(mesh, () => ok('x'.repeat(1000)));
    meshed(port);
    let answered = 0;
    const floods = Array.from({ length: 16 }, () => flood(dialRaw(mesh, client.outbound), () => answered++));
    await until(() => answered > 100, 'the flood');
    for (let i = 0; i < 5; i++) {
      const before = answered;
      const probe = dialRaw(mesh, server.admin);
      probe.send('GET /live HTTP/1.1\r\nHost: x\r\n\r\n');
      expect(await probe.hears('\r\n\r\n')).to.match(/^HTTP\/1\.1 200 /);
      probe.close();
      // As work of others that went before it, not as time: a proxy that does a thousand requests a second at least answers within a second.
      expect(answered - before).to.be.lessThan(1000);
    }
    for (const stop of floods) stop();
  });

  it('B21: handshakes that are begun and left are ended in time, and keep nobody out meanwhile', async () => {
    const strict = await mesh.proxy({ serviceAccount: 'server', limits: { handshakeTimeoutMs: 1000 } });
    const silent = Array.from({ length: 100 }, () => dialRaw(mesh, strict.inbound));
    // A first record of a ClientHello that never comes: type 22, version 3.1, 512 bytes.
    for (const one of silent.slice(0, 50)) one.send('\x16\x03\x01\x02\x00\x01');
    const { port } = await serveHttp(mesh, () => ok('fine'));
    client.setEndpoints('web', [mesh.meshed(strict, port)]);
    expect(await askOn(dialRaw(mesh, client.outbound))).to.match(/^HTTP\/1\.1 200 /);
    await until(() => silent.every((one) => one.closed || one.ended), 'the end of the handshakes');
    expect(await askOn(dialRaw(mesh, client.outbound))).to.match(/^HTTP\/1\.1 200 /);
  });

  it('B22: what is compressed is passed on as it is, both ways, and asked for as the client asks', async () => {
    // 64 MiB, were anybody to unpack it.
    const bomb = gzipSync(Buffer.alloc(64 * MIB)).toString('latin1');
    const { port, served } = await serveRaw(mesh, (one) => {
      if (!one.text.endsWith(bomb)) return;
      one.socket.write(
        `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n${bomb}`,
        'latin1',
      );
    });
    meshed(port);
    const browser = dialRaw(mesh, client.outbound);
    browser.send(
      `POST / HTTP/1.1\r\nHost: web\r\nAccept-Encoding: br\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n${bomb}`,
    );
    await until(() => browser.text.endsWith(bomb), 'the same bytes');
    expect(served[0]!.text).to.contain('Accept-Encoding: br\r\nContent-Encoding: gzip\r\n');
    expect(browser.text).to.contain('Content-Encoding: gzip\r\n');
  });

  it('B22: trailers are counted as they come: more than a head may have are refused, in size and in number', async () => {
    const { port } = await serveRaw(mesh, () => {});
    meshed(port);
    const start = 'POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n';
    const large = dialRaw(mesh, client.outbound);
    large.send(start + `x: ${'v'.repeat(8000)}\r\n`.repeat(9));
    expect(await large.gone()).to.match(/^HTTP\/1\.1 431 /);
    const many = dialRaw(mesh, client.outbound);
    many.send(`${start}${'x: v\r\n'.repeat(201)}\r\n`);
    expect(await many.gone()).to.match(/^HTTP\/1\.1 4(00|31) /);
  });
}

function seriesCount(proxy: TestProxy): number {
  return proxy
    .metrics()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#')).length;
}

/** Waits until nothing has changed for a while: what can move has moved. */
async function untilSteady(value: () => number): Promise<void> {
  let last = value();
  let since = performance.now();
  await until(
    () => {
      if (value() !== last) {
        last = value();
        since = performance.now();
      }
      return performance.now() - since > 500;
    },
    'a standstill',
    20_000,
  );
}

/** Pipelines requests without end. */
function flood(client: RawClient, onAnswer: () => void): () => void {
  const batch = GET.repeat(20);
  let stopped = false;
  client.socket.removeAllListeners('data');
  client.socket.on('data', (chunk: Buffer) => {
    const count = chunk.toString('latin1').split('HTTP/1.1 200').length - 1;
    for (let i = 0; i < count; i++) {
      onAnswer();
      if (!stopped) client.send(GET);
    }
  });
  client.send(batch);
  return () => {
    stopped = true;
  };
}
