import { expect } from 'chai';
import { othersHaveSockets } from '../../../proxy-image/io/pod-sockets.ts';
import { Departure, type DepartureParts, QUIET_MS } from '../../../proxy-image/run/departure.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { FakeTimers } from '../../fakes/timers.ts';

class World {
  readonly clock = new FakeClock();
  readonly ended: [reason: string, atMs: number][] = [];
  readonly stack = { arrivals: 0, drain: (): Promise<void> => this.inFlight };
  inFlight: Promise<void> = Promise.resolve();
  application = true;
  readonly departure: Departure;

  constructor(parts: Partial<DepartureParts> = {}) {
    this.departure = new Departure({
      timers: new FakeTimers(this.clock),
      stack: this.stack,
      waitMs: 0,
      graceMs: 120_000,
      isApplicationThere: () => this.application,
      ended: (reason) => this.ended.push([reason, this.clock.nowMs()]),
      ...parts,
    });
  }
}

describe('how a proxy leaves', () => {
  it('as a native sidecar, when nothing is in flight', async () => {
    const world = new World({ isApplicationThere: null });
    let release = (): void => {};
    world.inFlight = new Promise((resolve) => {
      release = resolve;
    });
    world.departure.signalled();
    await world.clock.advance(5_000);
    expect(world.ended).to.deep.equal([]);
    release();
    await world.clock.advance(1);
    expect(world.ended).to.deep.equal([['nothing is in flight', 5_000]]);
  });

  it('as an ordinary container, after its application and a quiet time', async () => {
    const world = new World();
    world.departure.signalled();
    await world.clock.advance(20_000);
    expect(world.ended).to.deep.equal([]);
    world.application = false;
    await world.clock.advance(QUIET_MS - 400);
    expect(world.ended).to.deep.equal([]);
    await world.clock.advance(800);
    expect(world.ended.map(([reason]) => reason)).to.deep.equal(['the application has ended']);
  });

  it('not between two short calls of an application that has no socket in between', async () => {
    const world = new World();
    world.application = false;
    world.departure.signalled();
    for (let i = 0; i < 10; i += 1) {
      await world.clock.advance(QUIET_MS - 400);
      world.stack.arrivals += 1;
    }
    expect(world.ended).to.deep.equal([]);
    await world.clock.advance(QUIET_MS + 400);
    expect(world.ended).to.have.length(1);
  });

  it('after the time that it was told to wait; the drain and its grace period begin then', async () => {
    const world = new World({ waitMs: 10_000, graceMs: 3_000 });
    world.departure.signalled();
    await world.clock.advance(12_900);
    expect(world.ended).to.deep.equal([]);
    await world.clock.advance(200);
    expect(world.ended).to.deep.equal([['the grace period is over', 13_000]]);
  });

  it('at once when it is told that the application has ended, before, during and after the wait', async () => {
    for (const afterMs of [-1, 1_000, 11_000]) {
      const world = new World({ waitMs: 10_000 });
      if (afterMs >= 0) world.departure.signalled();
      await world.clock.advance(Math.max(0, afterMs));
      world.departure.dismissed();
      await world.clock.advance(300);
      expect(
        world.ended.map(([reason]) => reason),
        String(afterMs),
      ).to.deep.equal(['nothing is in flight']);
    }
  });

  it('once, and without a timer left', async () => {
    const world = new World();
    world.application = false;
    world.departure.signalled();
    world.departure.signalled();
    await world.clock.advance(60_000);
    world.departure.dismissed();
    await world.clock.advance(60_000);
    expect(world.ended).to.have.length(1);
    expect(world.clock.timers).to.equal(0);
  });
});

describe('sockets of others in the namespace of a pod', () => {
  const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
  const row = (state: string, uid: number, inode: number) =>
    `   0: 0100007F:1F90 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000 ${uid}        0 ${inode} 1 0000000000000000 100 0 0 10 0`;
  const seen = (tables: Record<string, string[]>) =>
    othersHaveSockets(2102, (path) => (tables[path] === undefined ? null : [HEAD, ...tables[path], ''].join('\n')));

  it('are listeners and connections that a process of another user has, of both families, TCP and UDP', () => {
    for (const table of ['tcp', 'tcp6', 'udp', 'udp6']) {
      for (const state of ['0A', '01', '08']) {
        expect(seen({ [`/proc/net/${table}`]: [row('0A', 2102, 7), row(state, 1000, 8)] }), table).to.equal(true);
      }
    }
    expect(seen({ '/proc/net/tcp': [row('0A', 0, 8)] })).to.equal(true);
  });

  it("are not the proxy's own, and not what ended processes have left", () => {
    expect(seen({ '/proc/net/tcp': [row('0A', 2102, 7), row('06', 0, 0), row('01', 0, 0)] })).to.equal(false);
    expect(seen({})).to.equal(false);
  });
});
