import { once } from 'node:events';
import net from 'node:net';
import { expect } from 'chai';
import { encodeFrame, frameHeader } from '../../../proxy-image/contract/framing.ts';
import type { Hello } from '../../../proxy-image/contract/messages.ts';
import { createLeaf, createTestAuthority, LEAF_DEFECTS } from '../../support/certificates.ts';
import { pod } from '../../support/models.ts';
import { ProxyClient } from './proxy-client.ts';
import { type BenchOptions, identityOf, ServeBench, TestTls } from './serve-bench.ts';

const WEB = 'service/10.0.0.1:80';

describe('configuration stream: who may speak', () => {
  let bench: ServeBench;

  async function start(options: BenchOptions = {}): Promise<ServeBench> {
    bench = await ServeBench.start(options);
    return bench;
  }

  afterEach(() => bench.stop());

  for (const defect of LEAF_DEFECTS.filter((each) => each !== 'none')) {
    it(`refuses a client certificate with the defect: ${defect}`, async () => {
      await start();
      const leaf = createLeaf(bench.authority, identityOf('web', 'app'), defect);
      const client = await bench.connect('web', 'app', { keyPem: leaf.keyPem, chainPem: leaf.chainPem });
      client.hello('app', 'web-1');
      await client.ended();
      expect(client.batches).to.deep.equal([]);
    });
  }

  it('refuses a client without certificate', async () => {
    await start();
    const client = await bench.connect('web', 'app', { keyPem: undefined, chainPem: undefined });
    client.hello('app', 'web-1');
    await client.ended();
    expect(client.messages).to.deep.equal([]);
  });

  it('refuses a client that does not speak this protocol', async () => {
    await start();
    const client = await bench.connect('web', 'app', { alpn: [] });
    await client.ended();
    let failed = false;
    await bench.connect('web', 'app', { alpn: ['h2'] }).catch(() => {
      failed = true;
    });
    expect(failed).to.equal(true);
  });

  const strangers: [string, string, string][] = [
    ['another ServiceAccount', 'db', 'app'],
    ['another namespace', 'web', 'client'],
    ['a ServiceAccount whose name begins like it', 'web-2', 'app'],
    ['a ServiceAccount that imitates it by dots', 'web.app.serviceaccount.identity.x', 'client'],
  ];
  for (const [name, account, namespace] of strangers) {
    it(`E11: refuses to speak about a pod to ${name}`, async () => {
      await start();
      const client = await bench.connect(account, namespace);
      client.hello('app', 'web-1');
      expect((await client.ended())?.code).to.equal('WEFT_SERVE_IDENTITY');
      expect(client.batches).to.deep.equal([]);
    });
  }

  it('E11: refuses questions about the workload of another pod, be it of the same ServiceAccount', async () => {
    await start();
    const client = await bench.proxy();
    client.send({ type: 'subscribe', keys: ['workload/app/web-2'] });
    expect((await client.ended())?.code).to.equal('WEFT_SERVE_IDENTITY');
  });

  it('answers Services to a pod that is not in the store yet, and its workload when it comes', async () => {
    await start();
    const client = await bench.connect('web', 'app');
    client.hello('app', 'web-9');
    client.send({ type: 'subscribe', keys: [WEB] });
    await client.until(() => client.held.has(WEB));
    expect(client.held.has('workload/app/web-9')).to.equal(false);
    bench.change(bench.cluster.apply('Pod', pod('web-9', '10.1.0.9')));
    await client.until(() => client.held.has('workload/app/web-9'));
  });

  it('gives nothing to a stranger who claims a pod that does not exist yet', async () => {
    await start();
    const client = await bench.connect('web', 'client');
    client.hello('app', 'web-9');
    expect((await client.ended())?.code).to.equal('WEFT_SERVE_IDENTITY');
  });

  it('ends the connection when the pod turns out to have another ServiceAccount, or never comes', async () => {
    await start({ limits: { podTimeoutMs: 3_000 } });
    const [other, missing] = [await bench.connect('db', 'app'), await bench.connect('web', 'app')];
    other.hello('app', 'web-8');
    missing.hello('app', 'web-7');
    await other.settled();
    bench.change(bench.cluster.apply('Pod', pod('web-8', '10.1.0.8')));
    expect((await other.ended())?.code).to.equal('WEFT_SERVE_IDENTITY');
    expect(other.held.has('workload/app/web-8')).to.equal(false);
    expect((await missing.ended())?.code).to.equal('WEFT_SERVE_POD');
  });

  it('lets a newer connection of the same pod take over', async () => {
    await start();
    const old = await bench.proxy();
    const fresh = await bench.proxy();
    expect((await old.ended())?.code).to.equal('WEFT_SERVE_REPLACED');
    fresh.send({ type: 'subscribe', keys: [WEB] });
    await fresh.until(() => fresh.held.has(WEB));
    await fresh.settled();
    expect(bench.server.connections()).to.deep.equal({ connected: 1, current: 1 });
  });

  it('serves new connections with exchanged certificates and anchors, open ones go on', async () => {
    await start();
    const before = await bench.proxy();
    const next = createTestAuthority();
    bench.tls.replace(TestTls.material(next));
    const leaf = createLeaf(next, identityOf('web', 'app'));
    const after = await bench.connect('web', 'app', {
      anchorsPem: next.anchorsPem,
      keyPem: leaf.keyPem,
      chainPem: leaf.chainPem,
    });
    after.hello('app', 'web-2');
    await after.until(() => after.held.has('workload/app/web-2'));
    before.send({ type: 'subscribe', keys: [WEB] });
    await before.until(() => before.held.has(WEB));
  });

  it('ends a connection when its certificate ends', async () => {
    await start();
    const nowMs = Date.now();
    // A leaf is valid for an hour after its time: this one for another three seconds.
    const leaf = createLeaf(bench.authority, identityOf('web', 'app'), 'none', nowMs - 3_600_000 + 3_000);
    const client = await bench.connect('web', 'app', { keyPem: leaf.keyPem, chainPem: leaf.chainPem });
    client.hello('app', 'web-1');
    await client.until(() => client.held.has('workload/app/web-1'));
    expect((await client.ended())?.code).to.equal('WEFT_SERVE_EXPIRED');
  });
});

describe('configuration stream: caps', () => {
  let bench: ServeBench;

  async function start(options: BenchOptions = {}): Promise<ServeBench> {
    bench = await ServeBench.start(options);
    return bench;
  }

  afterEach(() => bench.stop());

  it('ends a connection that announces too large a message', async () => {
    await start({ limits: { maxMessageBytes: 1_000 } });
    const client = await bench.proxy();
    client.socket.write(frameHeader(1_001));
    expect((await client.ended())?.code).to.equal('WEFT_SERVE_PROTOCOL');
  });

  const nonsense: [string, Uint8Array][] = [
    ['no JSON', Buffer.concat([frameHeader(1), Buffer.from('{')])],
    ['no object', encodeFrame('subscribe')],
    ['a malformed message', encodeFrame({ type: 'subscribe', keys: 'all' })],
    ['an ack of nothing', encodeFrame({ type: 'ack', seq: 99 })],
  ];
  for (const [name, bytes] of nonsense) {
    it(`ends a connection that sends ${name}`, async () => {
      await start();
      const client = await bench.proxy();
      client.socket.write(bytes);
      expect((await client.ended())?.code).to.equal('WEFT_SERVE_PROTOCOL');
    });
  }

  it('ends a connection that asks before it says who it is, or says it twice', async () => {
    await start();
    const early = await bench.connect();
    early.send({ type: 'subscribe', keys: [WEB] });
    expect((await early.ended())?.code).to.equal('WEFT_SERVE_PROTOCOL');
    const twice = await bench.proxy();
    twice.hello('app', 'web-1');
    expect((await twice.ended())?.code).to.equal('WEFT_SERVE_PROTOCOL');
  });

  it('ignores keys that are none, and message types of a newer contract', async () => {
    await start();
    const client = await bench.proxy();
    client.socket.write(encodeFrame({ type: 'telemetry', load: 0.5 }));
    client.send({ type: 'subscribe', keys: ['gateway/x', 'service/10.0.0.1:0', 'endpoints/app/Web:80/ipv4', ''] });
    client.send({ type: 'unsubscribe', keys: ['never/subscribed'] });
    const before = client.batches.length;
    await client.settled();
    expect(client.closed).to.equal(false);
    expect(client.batches.length).to.equal(before);
  });

  it('takes a hello of a newer proxy, and of an older one', async () => {
    await start();
    const newer = await bench.connect();
    newer.hello('app', 'web-1', [], { revision: 99, capabilities: { zstd: true } });
    await newer.until(() => newer.held.has('workload/app/web-1'));
    const older = await bench.connect();
    const hello: Partial<Hello> = { type: 'hello', revision: 0, namespace: 'app', pod: 'web-2', held: [] };
    older.socket.write(encodeFrame(hello));
    await older.until(() => older.held.has('workload/app/web-2'));
  });

  it('ends a connection that sends too many messages', async () => {
    await start({ limits: { messagesPerSecond: 10, messageBurst: 50 } });
    const client = await bench.proxy();
    for (let turn = 0; turn < 100; turn += 1) client.send({ type: 'ping' });
    expect((await client.ended())?.code).to.equal('WEFT_SERVE_LIMIT');
  });

  it('answers no more keys than one proxy may subscribe to, and goes on with those', async () => {
    await start({ limits: { maxSubscriptions: 5 } });
    const client = await bench.proxy();
    const keys = Array.from({ length: 20 }, (_, at) => `service/10.9.0.${at}:80`);
    client.send({ type: 'subscribe', keys });
    await client.until(() => client.held.has('service/10.9.0.2:80'));
    await client.settled();
    // Workload and trust are two of the five.
    expect(client.held.size).to.equal(5);
    expect(bench.refused).to.include('WEFT_SERVE_LIMIT');
  });

  it('ends connections that never greet, fall silent, or never acknowledge', async () => {
    await start({ limits: { helloTimeoutMs: 300, idleTimeoutMs: 1_500, ackTimeoutMs: 600 } });
    const mute = await bench.connect();
    const silent = await bench.proxy('web-1');
    const stuck = await bench.connect();
    stuck.acknowledging = false;
    stuck.hello('app', 'web-2');
    const pings = setInterval(() => stuck.send({ type: 'ping' }), 200);
    expect((await mute.ended())?.message).to.contain('no hello');
    expect((await stuck.ended())?.message).to.contain('no ack');
    expect((await silent.ended())?.message).to.contain('no message');
    clearInterval(pings);
  });

  it('B21: handshakes that are never begun keep no proxy out', async () => {
    await start({ limits: { maxHandshakes: 10 } });
    const silent = Array.from({ length: 40 }, () => net.connect(bench.port, '127.0.0.1').on('error', () => {}));
    const clients = [await bench.proxy('web-1')];
    for (const one of silent.slice(0, 30)) if (!one.destroyed) await once(one, 'close');
    clients.push(await bench.proxy('web-2'));
    expect(bench.server.connections().connected).to.equal(clients.length);
    expect(bench.refused).to.deep.equal(Array.from({ length: bench.refused.length }, () => 'made_room'));
    expect(bench.refused.length).to.be.within(30, 32);
    for (const one of silent) one.destroy();
  });

  it('closes although somebody is in the middle of a handshake', async () => {
    await start();
    const socket = net.connect(bench.port, '127.0.0.1');
    await once(socket, 'connect');
    const client = await bench.proxy();
    await bench.server.close();
    expect((await client.ended())?.code).to.equal('WEFT_SERVE_STOPPING');
    await bench.server.close().catch(() => undefined);
    socket.destroy();
  });

  it('does not let a proxy that does not read hold more than one batch', async () => {
    await start();
    const bodies = 'x'.repeat(200_000);
    const client = await bench.proxy();
    client.socket.pause();
    client.send({ type: 'subscribe', keys: [WEB] });
    for (let turn = 0; turn < 50; turn += 1) {
      bench.cluster.state.applyTrust({ anchorsPem: `${turn}${bodies}`, resourceVersion: String(turn + 2) });
      bench.change(new Set(['trust']));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const before = client.batches.length;
    client.socket.resume();
    await client.until(() => client.body<{ anchorsPem: string; sources: string }>('trust').anchorsPem.startsWith('49'));
    // One that was on its way when reading stopped, and one with the newest.
    expect(client.batches.length - before).to.be.at.most(3);
  });
});

describe('configuration stream: a client that is refused in the handshake', () => {
  it('is counted', async () => {
    const bench = await ServeBench.start();
    const leaf = createLeaf(createTestAuthority(), identityOf('web', 'app'));
    const client = await ProxyClient.connect({
      port: bench.port,
      anchorsPem: bench.authority.anchorsPem,
      keyPem: leaf.keyPem,
      chainPem: leaf.chainPem,
    });
    await client.ended();
    expect(bench.refused).to.deep.equal(['handshake']);
    await bench.stop();
  });
});
