import { expect } from 'chai';
import { Deadlines } from '../../../proxy-image/io/transport/deadlines.ts';
import { type Loop, TimerWheel } from '../../../proxy-image/io/transport/timers.ts';
import type { Timer, TimerOwner } from '../../../proxy-image/io/transport/types.ts';

/** An event loop whose time passes when a test says so, and that comes to its timers when it is let. */
class SlowLoop implements Loop {
  ms = 50_000;
  /** Happens on the sockets while the loop is away: heard at its next poll. */
  readonly arrived: (() => void)[] = [];
  readonly #sleeps = new Map<number, { atMs: number; run: () => void }>();
  readonly #afterPoll: (() => void)[] = [];
  #id = 0;

  nowMs(): number {
    return this.ms;
  }

  sleep(run: () => void, delayMs: number): number {
    this.#sleeps.set(++this.#id, { atMs: this.ms + delayMs, run });
    return this.#id;
  }

  cancel(sleep: number): void {
    this.#sleeps.delete(sleep);
  }

  afterPoll(run: () => void): void {
    this.#afterPoll.push(run);
  }

  /** One long turn, or no CPU. Then the loop comes to its timers before it asks its sockets: the worst of the orders. */
  away(ms: number): void {
    this.ms += ms;
    this.#timers();
    for (const event of this.arrived.splice(0)) event();
    for (const run of this.#afterPoll.splice(0)) run();
  }

  /** Time in which the loop is where it should be. */
  attentive(ms: number): void {
    for (const end = this.ms + ms; this.ms < end; ) this.away(1);
  }

  #timers(): void {
    for (const [id, { atMs, run }] of [...this.#sleeps]) {
      if (atMs > this.ms || !this.#sleeps.delete(id)) continue;
      run();
    }
  }
}

class Noted implements TimerOwner {
  readonly firedMs: number[] = [];
  readonly #loop: SlowLoop;
  readonly #startedMs: number;

  constructor(loop: SlowLoop) {
    this.#loop = loop;
    this.#startedMs = loop.ms;
  }

  onTimer(): void {
    this.firedMs.push(this.#loop.ms - this.#startedMs);
  }
}

function armed(
  kind: 'own' | 'peer',
  delayMs: number,
): { loop: SlowLoop; wheel: TimerWheel; timer: Timer; noted: Noted } {
  const loop = new SlowLoop();
  const wheel = new TimerWheel(loop);
  const noted = new Noted(loop);
  const timer = wheel.create(noted, kind);
  wheel.set(timer, delayMs);
  return { loop, wheel, timer, noted };
}

describe('timer wheel of a late loop', () => {
  for (const kind of ['own', 'peer'] as const) {
    it(`fires a deadline of kind ${kind} in time while the loop is not late`, () => {
      const { loop, noted } = armed(kind, 1000);
      loop.attentive(1500);
      expect(noted.firedMs).to.have.length(1);
      expect(noted.firedMs[0]).to.be.within(1000, 1011);
    });

    it(`hears what has arrived before a deadline of kind ${kind} is judged`, () => {
      const { loop, wheel, timer, noted } = armed(kind, 300);
      loop.attentive(250);
      loop.arrived.push(() => wheel.clear(timer));
      loop.away(5000);
      loop.attentive(5000);
      expect(noted.firedMs).to.deep.equal([]);
    });
  }

  it('fires an own deadline that has passed meanwhile as soon as the sockets have been heard', () => {
    const { loop, noted } = armed('own', 300);
    loop.away(2000);
    expect(noted.firedMs).to.deep.equal([2000]);
  });

  it('gives a peer the rest of its time after one long turn', () => {
    const { loop, noted } = armed('peer', 1000);
    loop.attentive(400);
    loop.away(3000);
    loop.attentive(400);
    expect(noted.firedMs).to.deep.equal([]);
    loop.attentive(400);
    // A look counts for 100 ms, and a turn may have begun up to as long after one.
    expect(noted.firedMs).to.have.length(1);
    expect(noted.firedMs[0]).to.be.within(3800, 4011);
  });

  it('counts a tenth of a second for each turn that takes longer, so that no deadline is put off for good', () => {
    const { loop, noted } = armed('peer', 1000);
    for (let turn = 0; turn < 9; turn++) loop.away(2000);
    expect(noted.firedMs).to.deep.equal([]);
    for (let turn = 0; turn < 3; turn++) loop.away(2000);
    expect(noted.firedMs).to.have.length(1);
  });

  it('does not hold up a peer for turns that are shorter', () => {
    const { loop, noted } = armed('peer', 1000);
    for (let turn = 0; turn < 40; turn++) loop.away(60);
    expect(noted.firedMs).to.have.length(1);
    expect(noted.firedMs[0]).to.be.within(1000, 1200);
  });

  it('runs its awake clock without what was lost, and says how much that was', () => {
    const { loop, wheel } = armed('peer', 60_000);
    loop.attentive(1000);
    const beforeMs = wheel.awakeMs();
    loop.away(10_000);
    loop.attentive(1000);
    expect(wheel.awakeMs() - beforeMs).to.be.within(1000, 1210);
    expect(wheel.lag.sumSeconds).to.be.within(9.8, 10.2);
    expect([...wheel.lag.counts].slice(-3)).to.deep.equal([0, 1, 0]);
  });

  it('looks at the loop ten times a second while a deadline on a peer runs, and not otherwise', () => {
    const looks = ({ loop, wheel }: ReturnType<typeof armed>) => {
      loop.attentive(4000);
      return [...wheel.lag.counts].reduce((sum, count) => sum + count, 0);
    };
    expect(looks(armed('peer', 60_000))).to.be.within(30, 41);
    expect(looks(armed('own', 60_000))).to.be.lessThan(2);
    const cleared = armed('peer', 60_000);
    cleared.loop.attentive(500);
    cleared.wheel.set(cleared.wheel.create(new Noted(cleared.loop)), 60_000);
    cleared.wheel.clear(cleared.timer);
    expect(looks(cleared)).to.be.lessThan(9);
  });

  it('begins to look when a deadline on a peer begins after one of ours', () => {
    const { loop, wheel, noted } = armed('own', 4000);
    const peer = new Noted(loop);
    wheel.set(wheel.create(peer, 'peer'), 1000);
    loop.attentive(150);
    loop.away(4000);
    expect([noted.firedMs.length, peer.firedMs.length]).to.deep.equal([1, 0]);
  });
});

describe('deadlines of a late loop', () => {
  it('keep those of our own on the wall clock and those of peers on the awake clock', () => {
    const loop = new SlowLoop();
    const wheel = new TimerWheel(loop);
    const due: string[] = [];
    const owner: TimerOwner = {
      onTimer: () => {
        for (let kind = deadlines.takeDue(); kind !== -1; kind = deadlines.takeDue()) due.push(`${kind} ${loop.ms}`);
      },
    };
    const deadlines = new Deadlines(wheel, owner, 4, 2);
    deadlines.set(0, 500);
    deadlines.set(1, 5000);
    deadlines.set(2, 500);
    deadlines.set(3, 400);
    loop.attentive(200);
    loop.away(2000);
    expect(due).to.deep.equal(['0 52200']);
    expect([1, 2, 3].map((kind) => deadlines.isSet(kind))).to.deep.equal([true, true, true]);
    loop.attentive(400);
    expect(due.map((each) => each.slice(0, 1))).to.deep.equal(['0', '3', '2']);
    loop.attentive(3000);
    expect(due.map((each) => each.slice(0, 1))).to.deep.equal(['0', '3', '2', '1']);
  });
});
