import { once } from 'node:events';
import tls, { type TLSSocket } from 'node:tls';
import { expect } from 'chai';
import { SERVICE_PROFILE } from '../../../crds/kinds/service-profile/model.ts';
import type { ObjectRef } from '../../../crds/state/object-ref.ts';
import type { ObjectMeta } from '../../../crds/types/object-meta.ts';
import { listening } from '../../../lib/listening.ts';
import type { FollowedReplica } from '../../../operator/replicas/follow.ts';
import { Reporting } from '../../../operator/replicas/followers.ts';
import { REPLICA_ALPN } from '../../../operator/replicas/messages.ts';
import { ReplicaReports } from '../../../operator/replicas/reports.ts';
import { systemClock } from '../../../operator/runtime/clock.ts';
import { silentLog } from '../../../operator/runtime/log.ts';
import { encodeFrame, FrameReader, frameHeader } from '../../../proxy-image/contract/framing.ts';
import { CONFIG_ALPN } from '../../../proxy-image/contract/messages.ts';
import { createLeaf, createTestAuthority, type TestAuthority } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { pod, profile, route, type TestCluster, webCluster } from '../../support/models.ts';
import type { ProxyClient } from './proxy-client.ts';
import { identityOf, ServeBench } from './serve-bench.ts';

const OPERATOR = 'weft-operator.test';
const WEB = 'service/10.0.0.1:80';
const PROFILE: ObjectRef = { kind: SERVICE_PROFILE.id, namespace: 'app', name: 'web.app.svc.cluster.local' };
const META = { uid: 'u', generation: 1, resourceVersion: '10' } as ObjectMeta;
const PATIENCE_MS = 500;

/** Replicas as processes of their own, each with a server for proxies; `moved` is the test's to call, as the operator does with each event. */
class Fleet {
  readonly authority: TestAuthority = createTestAuthority();
  readonly cluster: TestCluster = webCluster();
  readonly replicas = new Map<string, { bench: ServeBench; reporting: Reporting }>();
  readonly refused: string[] = [];
  /** What replicas were told of how many proxies are enough. */
  readonly kept: [replica: string, proxies: number][] = [];
  position = '10';

  constructor() {
    for (const name of ['web-2', 'web-3', 'web-4']) this.cluster.apply('Pod', pod(name, `10.1.7.${name.at(-1)}`));
    this.cluster.apply('ServiceProfile', profile('web', { routes: [route('a')] }));
  }

  async add(name: string): Promise<ServeBench> {
    const reporting = new Reporting({
      replica: name,
      ownIdentity: () => OPERATOR,
      mover: { keep: (_, count) => void this.kept.push([name, count]) },
      positions: () => [[SERVICE_PROFILE.id, this.position]],
      silentMs: 3_000,
      refused: (code) => this.refused.push(code),
      sent: () => undefined,
      clock: systemClock,
      log: silentLog,
    });
    const { cluster, authority } = this;
    const bench = await ServeBench.start({ cluster, authority, followers: reporting });
    this.replicas.set(name, { bench, reporting });
    return bench;
  }

  bench(name: string): ServeBench {
    return this.replicas.get(name)!.bench;
  }

  routes(...names: string[]): void {
    const reads = this.cluster.apply('ServiceProfile', profile('web', { routes: names.map((each) => route(each)) }));
    for (const { bench } of this.replicas.values()) bench.change(reads);
  }

  async proxy(replica: string, name: string): Promise<ProxyClient> {
    const client = await this.bench(replica).proxy(name);
    client.send({ type: 'subscribe', keys: [WEB] });
    await client.until(() => client.held.has(WEB));
    await client.settled();
    return client;
  }

  async stop(): Promise<void> {
    for (const { bench } of this.replicas.values()) await bench.stop();
  }
}

describe('what replicas report to the leader', function () {
  this.timeout(20_000);
  let fleet: Fleet;
  let leader: ReplicaReports;
  let endpoints: FollowedReplica[];
  let failed: string[];
  let progressed: ObjectRef[];
  let looked = 0;
  let twice = 0;
  const closing: (() => void)[] = [];

  beforeEach(async () => {
    fleet = new Fleet();
    for (const name of ['op-a', 'op-b', 'op-c']) await fleet.add(name);
    endpoints = ['op-b', 'op-c'].map((name) => endpointOf(name, fleet.bench(name).port));
    [failed, progressed, looked, twice] = [[], [], 0, 0];
    leader = leaderOf('op-a');
  });
  afterEach(async () => {
    for (const close of closing.splice(0)) close();
    await leader.stop();
    await fleet.stop();
  });

  function endpointOf(name: string, port: number): FollowedReplica {
    return { name, address: '127.0.0.1', port, ready: true, terminating: false };
  }

  function leaderOf(name: string, silentMs = 4_000): ReplicaReports {
    const leaf = createLeaf(fleet.authority, OPERATOR);
    const { anchorsPem } = fleet.authority;
    return new ReplicaReports({
      replicas: {
        get followed() {
          return endpoints.filter((each) => each.name !== name);
        },
        areKnown: true,
      },
      podName: name,
      servesProxies: true,
      own: () => fleet.bench(name).server.facts,
      credentials: () => ({ keyPem: leaf.keyPem, certPem: leaf.chainPem, anchorsPem }),
      ownIdentity: () => OPERATOR,
      mover: { keep: (_, count) => void fleet.kept.push([name, count]) },
      progressed: (objects) => progressed.push(...objects),
      visibilityChanged: () => {
        looked += 1;
      },
      timing: { patienceMs: PATIENCE_MS, silentMs },
      failed: (code) => failed.push(code),
      foundTwice: () => {
        twice += 1;
      },
      clock: systemClock,
      random: Math.random,
      log: silentLog,
    });
  }

  const seen = (meta = META) => leader.progress(PROFILE, meta);
  const whole = () => eventually('all report', () => seen().unseen === '');
  const counts = (proxies: number, current: number) =>
    eventually(`${current}/${proxies}`, () => {
      const now = seen();
      return now.unseen === '' && now.proxies === proxies && now.current === current ? now : null;
    });

  it('is counted together, with the names of those that are behind, since when, and told when it changes', async () => {
    const first = await fleet.proxy('op-a', 'web-1');
    const second = await fleet.proxy('op-b', 'web-2');
    await leader.start();
    expect(seen().unseen, 'before anybody has reported').to.contain('op-b (its report is on the way), op-c');
    expect(seen().patienceMs).to.be.above(0);
    await counts(2, 2);
    expect(looked).to.be.above(0);
    const third = await fleet.proxy('op-c', 'web-3');
    await counts(3, 3);
    expect(progressed).to.deep.include(PROFILE);
    expect(leader.connections()).to.deep.equal({ connected: 3, current: 3, unseen: '', patienceMs: 0 });
    second.acknowledging = false;
    const beforeMs = performance.now();
    fleet.routes('a', 'b');
    const behind = await eventually('only one is behind', () => (seen().behind.join() === 'app/web-2' ? seen() : null));
    expect(behind).to.include({ proxies: 3, current: 2, unseen: '' });
    expect(behind.sinceMs).to.be.within(beforeMs - 50, performance.now());
    third.refuse.set(WEB, 'no such rule');
    second.acknowledging = true;
    second.acknowledgeLast();
    fleet.routes('c');
    const refused = await eventually('refused', () => (seen().rejections.length === 1 ? seen() : null));
    expect(refused.rejections).to.deep.equal([{ proxy: 'app/web-3', key: WEB, problems: ['no such rule'] }]);
    await Promise.all([first, second, third].map((client) => client.close()));
    await counts(0, 0);
  });

  it('counts a proxy once that has moved, though the replica that it came from has not noticed', async () => {
    await leader.start();
    const before = await fleet.proxy('op-b', 'web-1');
    await counts(1, 1);
    await fleet.proxy('op-c', 'web-1');
    const ended = await before.ended();
    expect(ended?.code).to.equal('WEFT_SERVE_REPLACED');
    await counts(1, 1);
    expect(twice).to.equal(1);
    expect(fleet.bench('op-c').server.connections().connected, 'the newer one stays').to.equal(1);
    await fleet.proxy('op-a', 'web-1');
    await eventually('to the leader itself', () => fleet.bench('op-c').server.connections().connected === 0);
    await counts(1, 1);
    await fleet.proxy('op-b', 'web-1');
    await eventually('from the leader', () => fleet.bench('op-a').server.connections().connected === 0);
    await counts(1, 1);
    expect(twice).to.equal(3);
  });

  it('says nothing of numbers in between', async () => {
    await leader.start();
    await fleet.proxy('op-b', 'web-1');
    await counts(1, 1);
    const numbers = new Set<number>();
    const watching = setInterval(() => {
      const now = seen();
      if (now.unseen === '') numbers.add(now.proxies);
    }, 1);
    closing.push(() => clearInterval(watching));
    for (let i = 0; i < 5; i++) {
      await fleet.proxy(i % 2 === 0 ? 'op-c' : 'op-b', 'web-1');
      await eventually('one of them', () => twice === i + 1);
      await counts(1, 1);
    }
    expect(
      [...numbers].filter((each) => each > 1),
      'counted twice',
    ).to.deep.equal([]);
  });

  it('is missed by name, and what is missing is said once that lasts; whoever is gone is not missed', async () => {
    await leader.start();
    await whole();
    const lost = endpoints[0]!;
    endpoints = [{ ...lost, port: 1 }, endpoints[1]!];
    leader.endpointsChanged();
    await eventually('missing', () => seen().unseen !== '');
    expect(seen().patienceMs).to.be.above(0);
    const before = looked;
    await eventually('for good', () => seen().patienceMs === 0);
    await eventually('looked at again', () => looked > before);
    expect(seen().unseen).to.equal(
      'the proxies of one operator replica are not known: op-b (it cannot be reached on the port of the configuration stream)',
    );
    expect(leader.connections()).to.include({ unseen: seen().unseen, patienceMs: 0 });
    endpoints = [{ ...lost, port: 1, ready: false }, endpoints[1]!];
    leader.endpointsChanged();
    await whole();
    endpoints = [endpoints[1]!];
    leader.endpointsChanged();
    expect(leader.states).to.deep.equal({ reporting: 1, idle: 0, missing: 0 });
  });

  it('ends with a replica that stops, whose proxies are with others', async () => {
    await fleet.proxy('op-b', 'web-1');
    await leader.start();
    await counts(1, 1);
    await fleet.bench('op-b').stop();
    await counts(0, 0);
    expect(leader.states).to.deep.equal({ reporting: 1, idle: 1, missing: 0 });
    await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
    expect(seen().unseen, 'it refuses connections, as it has announced').to.equal('');
    const again = await fleet.add('op-b');
    endpoints = [endpointOf('op-b', again.port), endpoints[1]!];
    leader.endpointsChanged();
    await fleet.proxy('op-b', 'web-1');
    await counts(1, 1);
  });

  it('is waited for where a replica has not seen the object as it is, and said when that lasts', async () => {
    await leader.start();
    await whole();
    const changed = { ...META, generation: 2, resourceVersion: '11' };
    expect(seen(changed)).to.include({
      unseen: '2 operator replicas have not seen this version of it yet: op-b, op-c',
    });
    expect(seen(changed).patienceMs).to.be.above(0);
    await eventually('for good', () => seen(changed).patienceMs === 0);
    progressed = [];
    fleet.position = '12';
    for (const { reporting } of fleet.replicas.values()) reporting.moved();
    await eventually('seen', () => seen(changed).unseen === '');
    expect(progressed, 'it is looked at again').to.deep.include(PROFILE);
    expect(seen({ ...changed, resourceVersion: '99' }).unseen, 'written without another generation').to.equal('');
  });

  it('is had by the next leader before it says anything', async () => {
    await fleet.proxy('op-a', 'web-1');
    await fleet.proxy('op-b', 'web-2');
    endpoints = ['op-a', 'op-b', 'op-c'].map((name) => endpointOf(name, fleet.bench(name).port));
    await leader.start();
    await counts(2, 2);
    await leader.stop();
    leader = leaderOf('op-b');
    await leader.start();
    expect(seen().patienceMs).to.be.above(0);
    await counts(2, 2);
  });

  it('is how many proxies each has, unless one comes, goes or does not report; each can be told how many are enough', async () => {
    await leader.start();
    await whole();
    for (const name of ['web-1', 'web-2']) await fleet.proxy('op-b', name);
    await fleet.proxy('op-a', 'web-3');
    const numbers = () => Object.fromEntries(leader.counts() ?? []);
    await eventually('two there', () => numbers()['op-b'] === 2);
    expect(numbers()).to.deep.equal({ 'op-a': 1, 'op-b': 2, 'op-c': 0 });
    leader.keep('op-b', 1);
    leader.keep('op-a', 5);
    leader.keep('op-x', 5);
    await eventually('both told', () => fleet.kept.length === 2);
    expect(fleet.kept).to.have.deep.members([
      ['op-a', 5],
      ['op-b', 1],
    ]);
    const [b, c] = endpoints;
    endpoints = [b!, { ...c!, terminating: true }];
    expect(leader.counts()).to.equal(null);
    endpoints = [b!, c!, { ...endpointOf('op-d', 1), ready: false }];
    expect(leader.counts()).to.equal(null);
    endpoints = [b!, c!, endpointOf('op-d', 1)];
    leader.endpointsChanged();
    expect(leader.counts(), 'one that cannot be reached').to.equal(null);
  });

  it('is for replicas alone: a proxy that asks for it is sent away', async () => {
    const leaf = createLeaf(fleet.authority, identityOf('web', 'app'));
    const socket = connectTo(fleet.bench('op-b').port, leaf);
    await once(socket, 'close');
    expect(fleet.refused).to.deep.equal(['WEFT_REPLICA_IDENTITY']);
  });

  it('is not kept up for a leader that has fallen silent', async () => {
    const socket = connectTo(fleet.bench('op-b').port, createLeaf(fleet.authority, OPERATOR));
    socket.write(encodeFrame({ type: 'follow', leader: 'op-x' }));
    await once(socket, 'close');
    expect(fleet.refused).to.deep.equal(['WEFT_REPLICA_SILENT']);
  });

  it('goes to few leaders: the oldest goes when one too many comes', async () => {
    const sockets = Array.from({ length: 5 }, () =>
      connectTo(fleet.bench('op-b').port, createLeaf(fleet.authority, OPERATOR)),
    );
    await once(sockets[0]!, 'close');
    expect(sockets.slice(1).every(({ destroyed }) => !destroyed)).to.equal(true);
  });

  function connectTo(port: number, leaf: { keyPem: string; chainPem: string }): TLSSocket {
    const socket = tls.connect({
      host: '127.0.0.1',
      port,
      servername: OPERATOR,
      key: leaf.keyPem,
      cert: leaf.chainPem,
      ca: fleet.authority.anchorsPem,
      ALPNProtocols: [REPLICA_ALPN],
    });
    socket.on('error', () => undefined);
    socket.resume();
    closing.push(() => socket.destroy());
    return socket;
  }

  describe('of a replica that is not what it should be', () => {
    const HELLO = { type: 'hello', replica: 'op-x' };
    const EMPTY = { type: 'report', atMs: 1, more: false, objects: [], proxies: [], positions: {}, current: 0 };
    const OBJECT = { object: 'K/n/o', proxies: 1, current: 1, behind: [], sinceMs: 0, rejections: [] };

    interface Peer {
      alpn?: string;
      identity?: string;
      /** Called with the connection of the leader, after it asked. */
      says?(socket: TLSSocket): void;
    }

    async function follow(
      { alpn = REPLICA_ALPN, identity = OPERATOR, says = () => undefined }: Peer,
      silentMs = 4_000,
    ) {
      const leaf = createLeaf(fleet.authority, identity);
      const server = tls.createServer({
        key: leaf.keyPem,
        cert: leaf.chainPem,
        ca: fleet.authority.anchorsPem,
        requestCert: true,
        ALPNProtocols: [alpn],
      });
      const sockets = new Set<TLSSocket>();
      server.on('secureConnection', (socket) => {
        sockets.add(socket);
        socket.on('error', () => undefined);
        socket.once('data', () => says(socket));
      });
      closing.push(() => {
        for (const socket of sockets) socket.destroy();
        server.close();
      });
      const port = await listening(server, 0, '127.0.0.1');
      endpoints = [endpointOf('op-x', port)];
      leader = leaderOf('op-a', silentMs);
      await leader.start();
    }
    const saying =
      (...messages: object[]) =>
      (socket: TLSSocket) => {
        for (const message of messages) socket.write(encodeFrame(message));
      };
    const unseenFor = async (reason: string) => {
      const text = `the proxies of one operator replica are not known: op-x (${reason})`;
      await eventually(`${text}, for good`, () => seen().unseen === text && seen().patienceMs === 0);
    };

    it('silent: it is believed no longer than the time for three beats', async () => {
      const positions = { [SERVICE_PROFILE.id]: '10' };
      const answers = [saying(HELLO, { ...EMPTY, positions })];
      await follow({ says: (socket) => answers.pop()?.(socket) }, 700);
      await eventually('it reports', () => leader.states.reporting === 1);
      await unseenFor('it does not answer');
      expect(new Set(failed)).to.deep.equal(new Set(['WEFT_REPLICA_SILENT']));
    });

    it('of a release that does not report: it is named, and its proxies go on', async () => {
      await follow({ alpn: CONFIG_ALPN });
      await unseenFor('it is of a release that does not report');
      expect(new Set(failed)).to.deep.equal(new Set(['WEFT_REPLICA_RELEASE']));
    });

    it('a proxy, or another replica at its address', async () => {
      await follow({ identity: identityOf('web', 'app'), says: saying(HELLO, EMPTY) });
      await unseenFor('what answers at its address did not prove to be that replica');
      await leader.stop();
      await follow({ says: saying({ ...HELLO, replica: 'op-y' }, EMPTY) });
      await unseenFor('what answers at its address did not prove to be that replica');
    });

    const LIES: Record<string, object> = {
      'more proxies with an object than there are': { ...EMPTY, objects: [OBJECT] },
      'more that are current than there are': { ...EMPTY, proxies: [['a/b', 1]], objects: [{ ...OBJECT, current: 2 }] },
      'nobody behind, and not all current': { ...EMPTY, proxies: [['a/b', 1]], objects: [{ ...OBJECT, current: 0 }] },
      'a number that is none': { ...EMPTY, current: -1 },
      'no objects': { ...EMPTY, objects: 7 },
      'a time that is none': { ...EMPTY, atMs: 'now' },
    };
    for (const [what, report] of Object.entries(LIES)) {
      it(`lying: ${what}`, async () => {
        await follow({ says: saying(HELLO, report) });
        await unseenFor('what it reports is not understood');
      });
    }

    it('huge: a message that is announced, and a report that does not end', async () => {
      await follow({ says: (socket) => void socket.write(frameHeader(1 << 30)) });
      await unseenFor('what it reports is not understood');
      await leader.stop();
      const proxies = Array.from({ length: 20_000 }, (_, i) => [`a/${i}`, 1]);
      const part = encodeFrame({ ...EMPTY, more: true, proxies });
      await follow({
        says: (socket) => {
          socket.write(encodeFrame(HELLO));
          for (let i = 0; i < 31; i++) socket.write(part);
        },
      });
      await unseenFor('what it reports is not understood');
    });

    it('newer: fields and messages that are not known are passed over, and names beyond those that are shown', async () => {
      const behind = Array.from({ length: 9 }, (_, i) => `a/${i}`);
      const object = {
        ...OBJECT,
        object: `${SERVICE_PROFILE.id}/app/${PROFILE.name}`,
        proxies: 9,
        current: 0,
        behind,
        more: 1,
      };
      const proxies = behind.map((name) => [name, 1, 'and more']);
      const positions = { [SERVICE_PROFILE.id]: '10' };
      await follow({
        says: saying(
          { ...HELLO, extra: 1 },
          { type: 'news' },
          { ...EMPTY, objects: [object], proxies, positions, x: [] },
        ),
      });
      const now = await counts(9, 0);
      expect(now.behind).to.deep.equal(['a/0', 'a/1', 'a/2', 'a/3', 'a/4']);
      expect(now.sinceMs, 'by the clock of who reads it').to.be.within(performance.now() - 5_000, performance.now());
    });
  });

  it('is read as a stream of frames, whole reports only', async () => {
    await fleet.proxy('op-b', 'web-1');
    const socket = connectTo(fleet.bench('op-b').port, createLeaf(fleet.authority, OPERATOR));
    const frames = new FrameReader(1 << 20);
    const messages: { type: string; more?: boolean; objects?: unknown[]; proxies?: unknown[] }[] = [];
    socket.on('data', (chunk: Uint8Array) => messages.push(...(frames.push(chunk) as typeof messages)));
    socket.write(encodeFrame({ type: 'follow', leader: 'op-x' }));
    await eventually('a report', () => messages.some(({ more }) => more === false));
    expect(messages[0]).to.deep.equal({ type: 'hello', replica: 'op-b' });
    expect(messages[1]!.proxies).to.have.length(1);
    expect(messages[1]!.objects).to.have.length(1);
  });
});
