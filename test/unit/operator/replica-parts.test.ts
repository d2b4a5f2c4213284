import type { TLSSocket } from 'node:tls';
import { expect } from 'chai';
import { formatRef } from '../../../crds/state/object-ref.ts';
import { checkReplicaMessage } from '../../../operator/replicas/check.ts';
import { MAX_TEXT, type ReplicaReport } from '../../../operator/replicas/messages.ts';
import { Part } from '../../../operator/replicas/part.ts';
import { PeerClock } from '../../../operator/replicas/peer-clock.ts';
import { ReportStream } from '../../../operator/replicas/report-stream.ts';
import { type Twice, TwiceConnected } from '../../../operator/replicas/twice-connected.ts';
import type { FactsWatcher, ProxyFacts } from '../../../operator/serve/proxy-facts.ts';
import type { Programmed } from '../../../operator/status/programmed.ts';
import { FrameReader } from '../../../proxy-image/contract/framing.ts';
import { FakeClock } from '../../fakes/clock.ts';

const OBJECT = { kind: 'Server.policy.linkerd.io', namespace: 'shop', name: 'web' };
const ALL: Programmed = { proxies: 1, current: 1, behind: [], sinceMs: 0, rejections: [] };

describe('the clock of another replica', () => {
  it('is that of the message which was under way for the shortest time', () => {
    const clock = new PeerClock();
    clock.note(100, 5_130);
    clock.note(200, 5_202);
    clock.note(300, 9_000);
    expect(clock.toOurs(200)).to.be.within(5_202, 5_204);
    expect(clock.toTheirs(5_202)).to.be.within(198, 200);
  });

  it('is followed where the two drift apart', () => {
    const clock = new PeerClock();
    for (let seconds = 0; seconds < 86_400; seconds += 2) clock.note(seconds * 999.9, seconds * 1_000);
    expect(clock.toOurs(86_400 * 999.9)).to.be.within(86_400_000 - 5, 86_400_000 + 5);
  });
});

describe('what one replica has reported', () => {
  const report = (fields: Partial<ReplicaReport>): ReplicaReport => ({
    type: 'report',
    atMs: 1_000,
    more: false,
    objects: [],
    proxies: [],
    positions: {},
    current: 0,
    ...fields,
  });
  const object = { object: formatRef(OBJECT), ...ALL };

  it('counts as a whole, when its last part is there', () => {
    const part = new Part();
    expect(part.take(report({ more: true, objects: [object] }), 5_000)).to.equal(null);
    expect(part.take(report({ more: true, proxies: [['shop/a', 900]] }), 5_000)).to.equal(null);
    expect(part.programmed(OBJECT).proxies).to.equal(0);
    expect(part.connections).to.deep.equal({ connected: 0, current: 0 });
    const change = part.take(report({ positions: { [OBJECT.kind]: '7' }, current: 1 }), 5_000);
    expect(change).to.deep.equal({ objects: [object.object], came: ['shop/a'], left: [], moved: true });
    expect(part.programmed(OBJECT)).to.deep.equal(ALL);
    expect(part.connections).to.deep.equal({ connected: 1, current: 1 });
    expect(part.sinceMs('shop/a'), 'by our clock').to.equal(4_900);
    expect([part.hasSeen(OBJECT.kind, '7'), part.hasSeen(OBJECT.kind, '8'), part.hasSeen('Other', '1')]).to.deep.equal([
      true,
      false,
      false,
    ]);
  });

  it('is what was said last, and forgets what nobody has any more', () => {
    const part = new Part();
    part.take(report({ objects: [object], proxies: [['shop/a', 1]] }), 5_000);
    const gone = report({ objects: [{ ...object, proxies: 0, current: 0 }], proxies: [['shop/a', null]] });
    expect(part.take(gone, 6_000)).to.deep.include({ came: [], left: ['shop/a'] });
    expect([...part.objects]).to.deep.equal([]);
    expect([...part.proxies]).to.deep.equal([]);
  });

  it('says since when a proxy is behind, by our clock; where it does not know, since the report', () => {
    const part = new Part();
    const behind = { ...object, current: 0, behind: ['shop/a'], sinceMs: 400 };
    part.take(report({ objects: [behind], proxies: [['shop/a', 1]] }), 5_000);
    expect(part.programmed(OBJECT).sinceMs).to.equal(4_400);
    part.take(report({ objects: [{ ...behind, sinceMs: 0 }] }), 5_000);
    expect(part.programmed(OBJECT).sinceMs).to.equal(5_000);
  });
});

describe('a report', () => {
  function rig(programmed: (name: string) => Programmed, objects: string[], proxies: string[] = []) {
    const clock = new FakeClock();
    const frames = new FrameReader(1 << 20);
    const messages: ReplicaReport[] = [];
    const state = { writable: true, stale: false };
    let drained: () => void = () => undefined;
    let watcher: FactsWatcher | null = null;
    const facts: ProxyFacts = {
      objects: () => objects,
      programmed: ({ name }) => programmed(name),
      connections: () => ({ connected: proxies.length, current: proxies.length }),
      proxies: () => proxies,
      connectedSinceMs: () => 1,
      get stale() {
        return state.stale;
      },
      watch: (given) => {
        watcher = given;
        return () => {
          watcher = null;
        };
      },
      connectedElsewhere: () => undefined,
      move: () => 0,
    };
    const socket = {
      write(frame: Uint8Array) {
        for (const message of frames.push(frame) as ReplicaReport[]) {
          expect(checkReplicaMessage(message).problem).to.equal(null);
          if (message.type === 'report') messages.push(message);
        }
        return state.writable;
      },
      on: (_: string, run: () => void) => {
        drained = run;
      },
    };
    const stream = new ReportStream(socket as unknown as TLSSocket, facts, 'op-a', {
      positions: () => [['K', '1']],
      clock,
      sent: () => undefined,
    });
    return {
      clock,
      messages,
      state,
      stream,
      drained: () => drained(),
      changed: (of: string[]) => watcher?.objects(of),
    };
  }
  const ref = (i: number) => `K/shop/o${i}`;

  it('goes in parts, of bounded size, and is whole at the end', async () => {
    const names = Array.from({ length: 5 }, (_, i) => `shop/${i}${'p'.repeat(250)}`);
    const behind = { ...ALL, proxies: 9, current: 0, behind: names, sinceMs: 1 };
    const t = rig(
      () => behind,
      Array.from({ length: 300 }, (_, i) => ref(i)),
      Array.from({ length: 2_000 }, (_, i) => `shop/client-${i}`),
    );
    await t.clock.advance(100);
    const sizes = t.messages.map((message) => JSON.stringify(message).length);
    expect(Math.max(...sizes)).to.be.below(80 * 1024);
    expect(t.messages.map(({ more }) => more).lastIndexOf(true)).to.equal(t.messages.length - 2);
    expect(t.messages.flatMap(({ objects }) => objects)).to.have.length(300);
    expect(t.messages.flatMap(({ proxies }) => proxies)).to.have.length(2_000);
  });

  it('of one object has a few kilobytes, whatever proxies say', async () => {
    const proxy = `shop/${'p'.repeat(253)}`;
    const rejection = { proxy, key: 'k'.repeat(5_000), problems: ['x'.repeat(100_000), 'y'] };
    const rejections = Array.from({ length: 5 }, () => rejection);
    const t = rig(() => ({ proxies: 9, current: 0, behind: Array(5).fill(proxy), sinceMs: 1, rejections }), [ref(1)]);
    const [said] = t.messages[0]!.objects;
    expect(JSON.stringify(said).length).to.be.below(8 * 1024);
    expect(said!.rejections[0]!.problems).to.deep.equal(['x'.repeat(MAX_TEXT)]);
  });

  it('waits for a leader that is slow to read, and then says how things are, not how they were', async () => {
    let current = 0;
    const counted = () => ({ ...ALL, proxies: 9, current, behind: current === 9 ? [] : ['a/b'] });
    const t = rig(counted, [ref(1)]);
    t.state.writable = false;
    t.changed([ref(1)]);
    current = 1;
    await t.clock.advance(300);
    const said = t.messages.length;
    for (current = 2; current < 9; current++) {
      t.changed([ref(1)]);
      await t.clock.advance(1_000);
    }
    expect(t.messages, 'nothing is written meanwhile, beats neither').to.have.length(said);
    t.state.writable = true;
    t.drained();
    await t.clock.advance(0);
    expect(t.messages.at(-1)!.objects.map((each) => each.current)).to.deep.equal([9]);
    await t.clock.advance(10_000);
    expect(t.messages.length - said, 'beats go on').to.be.within(5, 7);
  });

  it('says nothing new while something is to be compiled, but that the replica is there', async () => {
    const t = rig(() => ALL, [ref(1)]);
    const said = t.messages.length;
    t.state.stale = true;
    t.changed([ref(2)]);
    await t.clock.advance(4_000);
    const meanwhile = t.messages.slice(said);
    expect(meanwhile.map(({ more, objects }) => [more, objects.length])).to.deep.equal([
      [true, 0],
      [true, 0],
    ]);
    t.state.stale = false;
    await t.clock.advance(300);
    expect(t.messages.at(-1)).to.deep.include({ more: false });
    expect(t.messages.at(-1)!.objects.map(({ object }) => object)).to.deep.equal([ref(2)]);
  });

  it('is no longer made when the leader has gone', async () => {
    const t = rig(() => ALL, [ref(1)]);
    t.stream.end(true);
    const said = t.messages.length;
    t.changed([ref(2)]);
    await t.clock.advance(60_000);
    expect(t.messages).to.have.length(said);
    expect(t.clock.timers).to.equal(0);
  });
});

describe('a proxy that two replicas have', () => {
  function holder(since: Record<string, number>) {
    const told: [string, number][] = [];
    const holds: Twice = {
      sinceMs: (proxy) => since[proxy] ?? null,
      letGo: (proxy, sinceMs) => void told.push([proxy, sinceMs]),
    };
    return { since, told, holds };
  }

  it('belongs to the one to which it came last; the others are told when that was, again while they do not let go', async () => {
    const clock = new FakeClock({ nowMs: 50_000 });
    const [a, b, c] = [holder({ 'shop/x': 100, 'shop/y': 1 }), holder({ 'shop/x': 300 }), holder({ 'shop/x': 200 })];
    let found = 0;
    const twice = new TwiceConnected(
      () => [a, b, c].map(({ holds }) => holds),
      clock,
      () => found++,
    );
    twice.check(['shop/x', 'shop/y']);
    expect([a.told, b.told, c.told]).to.deep.equal([[['shop/x', 300]], [], [['shop/x', 300]]]);
    expect(twice.sinceMs).to.equal(50_000);
    twice.recheck();
    expect(a.told, 'not at once').to.have.length(1);
    delete c.since['shop/x'];
    await clock.advance(2_000);
    twice.recheck();
    expect([a.told.length, c.told.length]).to.deep.equal([2, 1]);
    expect(twice.sinceMs, 'since it was found').to.equal(50_000);
    delete a.since['shop/x'];
    twice.recheck();
    expect([twice.sinceMs, found]).to.deep.equal([null, 1]);
  });
});
