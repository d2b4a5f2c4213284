import { expect } from 'chai';
import fc from 'fast-check';
import { judgeBalance, movesOf } from '../../../operator/replicas/balance.ts';
import { Mover } from '../../../operator/replicas/mover.ts';
import { Rebalancing } from '../../../operator/replicas/rebalancing.ts';
import { silentLog } from '../../../operator/runtime/log.ts';
import { FakeClock } from '../../fakes/clock.ts';

const named = (...counts: number[]) => new Map(counts.map((count, at) => [`op-${at}`, count]));

/** A Service leads each proxy to any of the replicas, the one that it comes from among them. */
class Fleet {
  readonly counts: number[];
  readonly #chance: () => number;
  asked = 0;
  #moving = false;

  constructor(counts: readonly number[], chance: () => number) {
    this.counts = [...counts];
    this.#chance = chance;
  }

  join(proxies: number): void {
    for (let i = 0; i < proxies; i++) this.counts[this.#any()]! += 1;
  }

  /** Returns whether somebody was asked to move. */
  second(): boolean {
    const balance = judgeBalance(named(...this.counts), this.#moving);
    this.#moving = balance.type === 'uneven';
    if (balance.type !== 'uneven') return false;
    for (const name of balance.over) {
      const at = Number(name.slice(3));
      const moves = movesOf(this.counts[at]!, balance.keep);
      expect(moves).to.be.at.most(Math.max(1, Math.min(20, this.counts[at]! / 100)));
      this.counts[at]! -= moves;
      this.asked += moves;
      this.join(moves);
    }
    return true;
  }

  #any(): number {
    return Math.floor(this.#chance() * this.counts.length);
  }
}

/** Deterministic numbers in [0, 1). */
function chanceOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const share = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0) / counts.length;

describe('balance of proxies over replicas', () => {
  it('is nobody’s matter with one replica, or none', () => {
    expect(judgeBalance(named(), false)).to.deep.equal({ type: 'alone' });
    expect(judgeBalance(named(2_000), true)).to.deep.equal({ type: 'alone' });
  });

  it('is even as far as chance goes: a few proxies, or a fifth of a share, move nobody', () => {
    expect(judgeBalance(named(40, 0), false)).to.deep.equal({ type: 'even' });
    expect(judgeBalance(named(50, 0), false).type).to.equal('uneven');
    expect(judgeBalance(named(800, 600, 600), false)).to.deep.equal({ type: 'even' });
  });

  it('is uneven when a replica was added: those that have too many are named, with how many are enough', () => {
    expect(judgeBalance(named(1_000, 1_000, 0), false)).to.deep.equal({
      type: 'uneven',
      keep: 734,
      over: ['op-0', 'op-1'],
    });
  });

  it('goes on until nobody has a tenth too many, once it has begun, and does not begin there', () => {
    const between = named(780, 780, 440);
    expect(judgeBalance(between, false).type).to.equal('even');
    expect(judgeBalance(between, true).type).to.equal('uneven');
  });

  it('moves one in a hundred a second, at least one, at most twenty, and none that is not too many', () => {
    expect(movesOf(1_000, 738)).to.equal(10);
    expect(movesOf(60, 48)).to.equal(1);
    expect(movesOf(20_000, 5_000)).to.equal(20);
    expect(movesOf(740, 738)).to.equal(2);
    expect(movesOf(738, 738)).to.equal(0);
    expect(movesOf(0, 738)).to.equal(0);
  });

  it('property: comes about from any numbers, while proxies come, with bounded moves, and is left alone then', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(1_500), { minLength: 2, maxLength: 8 }),
        fc.array(fc.nat(30), { maxLength: 60 }),
        fc.nat(),
        (counts, joins, seed) => {
          const fleet = new Fleet(counts, chanceOf(seed));
          const before = share(counts);
          const excess = counts.reduce((sum, count) => sum + Math.max(0, count - before), 0);
          for (let second = 0; second < 3_000; second++) {
            fleet.join(joins[second] ?? 0);
            if (!fleet.second() && second > joins.length) break;
          }
          const fair = share(fleet.counts);
          for (const count of fleet.counts)
            expect(count).to.be.at.most(fair + Math.max(fair / 5, 4 * Math.sqrt(fair) + 4));
          // Each move is to one of n replicas, so that some n of them are needed for each proxy that is too many.
          expect(fleet.asked).to.be.at.most(counts.length * 1.5 * excess + 10);
          const asked = fleet.asked;
          for (let second = 0; second < 600; second++) fleet.second();
          expect(fleet.asked, 'no more').to.equal(asked);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('property: numbers that chance alone has made move nobody', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 8 }), fc.nat(5_000), fc.nat(), (replicas, proxies, seed) => {
        const fleet = new Fleet(
          Array.from({ length: replicas }, () => 0),
          chanceOf(seed),
        );
        fleet.join(proxies);
        expect(fleet.second()).to.equal(false);
      }),
      { numRuns: 200 },
    );
  });
});

describe('moving proxies away', () => {
  function rig(connected: number) {
    const clock = new FakeClock();
    const moves: [count: number, minAgeMs: number][] = [];
    let moved = 0;
    const facts = {
      connections: () => ({ connected, current: connected }),
      move(count: number, minAgeMs: number) {
        moves.push([count, minAgeMs]);
        return count;
      },
    };
    const mover = new Mover({
      minAgeMs: 300_000,
      everyMs: 1_000,
      clock,
      moved: (count) => {
        moved += count;
      },
    });
    return { clock, moves, keep: (proxies: number) => mover.keep(facts, proxies), moved: () => moved };
  }

  it('is bounded by the replica that has them, however often and by however many leaders it is told', async () => {
    const { clock, moves, keep, moved } = rig(1_000);
    for (let tenth = 0; tenth < 50; tenth++) {
      keep(700);
      keep(650);
      await clock.advance(100);
    }
    expect(moves.length).to.be.within(5, 6);
    expect(new Set(moves.map(([count]) => count))).to.deep.equal(new Set([10]));
    expect(moves[0]![1]).to.equal(300_000);
    expect(moved()).to.equal(moves.length * 10);
  });

  it('is not done where there are not too many', () => {
    const { moves, keep } = rig(700);
    keep(700);
    expect(moves).to.deep.equal([]);
  });
});

describe('the leader', () => {
  const UNEVEN = named(1_000, 1_000, 0);

  function rig(counts: ReadonlyMap<string, number> | null) {
    const clock = new FakeClock();
    const told: string[] = [];
    const state = { counts };
    const rebalancing = new Rebalancing({
      settledMs: 30_000,
      everyMs: 1_000,
      counts: () => state.counts,
      keep: (replica, proxies) => told.push(`${replica} ${proxies}`),
      clock,
      log: silentLog,
    });
    void rebalancing.start();
    return { clock, told, state, rebalancing };
  }

  it('tells those that have too many every second, when all has been calm for half a minute, until numbers are even', async () => {
    const { clock, told, state, rebalancing } = rig(UNEVEN);
    await clock.advance(30_999);
    expect(told).to.deep.equal([]);
    await clock.advance(2_000);
    expect(told).to.deep.equal(['op-0 734', 'op-1 734', 'op-0 734', 'op-1 734']);
    state.counts = named(730, 733, 537);
    await clock.advance(60_000);
    expect(told).to.have.length(4);
    state.counts = UNEVEN;
    await rebalancing.stop();
    await clock.advance(60_000);
    expect(told).to.have.length(4);
  });

  it('waits anew when a replica comes or goes, or is not heard, and when many proxies come or go at once', async () => {
    for (const disturbance of [null, named(1_000, 1_000, 0, 0), named(1_000, 1_150, 0)]) {
      const { clock, told, state } = rig(UNEVEN);
      await clock.advance(25_000);
      state.counts = disturbance;
      await clock.advance(2_000);
      state.counts = UNEVEN;
      await clock.advance(29_000);
      expect(told).to.deep.equal([]);
      await clock.advance(3_000);
      expect(told).not.to.deep.equal([]);
    }
  });

  it('is not disturbed by the moves themselves, and by proxies that come in ones and twos', async () => {
    const { clock, told, state } = rig(UNEVEN);
    await clock.advance(31_000);
    for (let second = 1; second <= 10; second++) {
      state.counts = named(1_000 - 10 * second, 1_000 - 10 * second, 15 * second + (second % 3));
      await clock.advance(1_000);
    }
    expect(told.length).to.be.above(20);
  });
});
