import { expect } from 'chai';
import type { EndpointState } from '../../../proxy-image/core/balance/endpoint.ts';
import type { EndpointPool } from '../../../proxy-image/core/balance/pool.ts';
import { connected, connectFailed } from '../../../proxy-image/core/balance/reach.ts';
import { Xoshiro } from '../../../proxy-image/core/rng.ts';
import type { BalanceEntry } from '../../../proxy-image/core/state/entries.ts';
import type { Timer, TimerOwner } from '../../../proxy-image/io/transport/types.ts';
import { Placement, type PlacementOwner } from '../../../proxy-image/stack/endpoints/placement.ts';
import type { StackOptions } from '../../../proxy-image/stack/shared/options.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { FakeTimers } from '../../fakes/timers.ts';
import { endpoint, poolOf } from '../core/fixtures.ts';

const HERE = { node: 'node-1', zone: '' };
const QUEUE = { capacity: 10_000, failfastMs: 3000 };

/** Counts how often somebody is woken. */
class CountedTimers extends FakeTimers {
  fired = 0;
  /** Where the awake clock stands; `null` = it goes with the other. */
  #standsAtMs: number | null = null;
  #lostMs = 0;
  override awakeMs(): number {
    return this.#standsAtMs ?? this.nowMs() - this.#lostMs;
  }
  /** While the process is not there. */
  lose(pass: () => void): void {
    const beganMs = this.nowMs();
    this.#standsAtMs = this.awakeMs();
    pass();
    this.#standsAtMs = null;
    this.#lostMs += this.nowMs() - beganMs;
  }
  override create(owner: TimerOwner): Timer {
    return super.create({
      onTimer: (timer) => {
        this.fired++;
        owner.onTimer(timer);
      },
    });
  }
}

describe('placement of requests', () => {
  let clock: FakeClock;
  let timers: CountedTimers;
  let turns: (() => void)[];
  let options: StackOptions;
  let pool: EndpointPool;
  let entry: BalanceEntry;
  let reconnecting: EndpointState[];
  /** In the order in which it became known. */
  let known: { who: number; to: string }[];

  beforeEach(() => {
    clock = new FakeClock();
    timers = new CountedTimers(clock);
    turns = [];
    const transport = { timers, atEndOfTurn: (run: () => void) => turns.push(run) };
    options = { transport, rng: new Xoshiro(1) } as unknown as StackOptions;
    pool = poolOf(0);
    entry = entryOf({});
    reconnecting = [];
    known = [];
  });

  function entryOf(more: Partial<BalanceEntry>): BalanceEntry {
    const balancer = { type: 'roundRobin' };
    return {
      balancer,
      pool,
      localTrafficOnly: false,
      slowStartMs: 0,
      breaker: null,
      queue: QUEUE,
      ...more,
    } as BalanceEntry;
  }

  function find(who: number, rules = entry): Placement {
    const owner: PlacementOwner = {
      placed: ({ id }) => known.push({ who, to: id }),
      notPlaced: (decision, reason) => known.push({ who, to: `${decision} ${reason}` }),
      reconnects: (each) => {
        reconnecting.push(each);
        return true;
      },
    };
    const placement = new Placement(options, owner);
    placement.find({ ...rules, pool }, 0);
    return placement;
  }

  function turn(): void {
    for (const run of turns.splice(0)) run();
  }

  const come = (...hosts: string[]): void =>
    pool.replace(
      'v',
      hosts.map((host) => endpoint(host)),
      HERE,
      timers.nowMs(),
    );

  it('goes to an endpoint at once where there is one', () => {
    come('10.0.0.1');
    find(1);
    expect(known).to.deep.equal([{ who: 1, to: '10.0.0.1:8080' }]);
    expect(timers.fired).to.equal(0);
  });

  it('ten thousand that wait cost no wake-up each, are served in order, and never hold the loop for long', () => {
    for (let who = 0; who < 10_000; who++) find(who);
    find(10_000);
    expect(known.splice(0)).to.deep.equal([{ who: 10_000, to: 'shed no_endpoints' }]);
    clock.advanceSync(2900);
    expect(timers.fired).to.be.at.most(4);
    come('10.0.0.1');
    expect(known).to.deep.equal([]);
    const perTurn: number[] = [];
    while (turns.length > 0) {
      const before = known.length;
      turn();
      perTurn.push(known.length - before);
    }
    expect(known.map(({ who }) => who)).to.deep.equal(Array.from({ length: 10_000 }, (_, who) => who));
    expect(new Set(known.map(({ to }) => to)).size).to.equal(1);
    expect(Math.max(...perTurn)).to.equal(64);
    expect(pool.queue.size).to.equal(0);
  });

  it('all fail when there has been none for the fail-fast time, the next at once, until one is there', () => {
    for (let who = 0; who < 200; who++) find(who);
    clock.advanceSync(2999);
    while (turns.length > 0) turn();
    expect(known).to.deep.equal([]);
    for (let i = 0; i < 10 && known.length < 200; i++) {
      clock.advanceSync(1);
      while (turns.length > 0) turn();
    }
    expect(known).to.have.length(200);
    find(200);
    expect(known.at(-1)).to.deep.equal({ who: 200, to: 'failfast no_endpoints' });
    come('10.0.0.1');
    find(201);
    expect(known.at(-1)).to.deep.equal({ who: 201, to: '10.0.0.1:8080' });
  });

  it('time in which this process was not there is not held against the endpoints', () => {
    find(1);
    clock.advanceSync(1000);
    timers.lose(() => clock.advanceSync(5000));
    clock.advanceSync(1900);
    expect(known).to.deep.equal([]);
    clock.advanceSync(200);
    expect(known).to.deep.equal([{ who: 1, to: 'failfast no_endpoints' }]);
  });

  it('an endpoint whose rest is over is connected to in the background, once, and then serves all', () => {
    come('10.0.0.1');
    const [a] = pool.endpoints;
    connectFailed(a!, options.rng, timers.nowMs());
    pool.failed('refused');
    for (let who = 0; who < 3; who++) find(who);
    clock.advanceSync(150);
    turn();
    expect([reconnecting, known]).to.deep.equal([[a], []]);
    connected(a!);
    pool.changed();
    turn();
    expect(known.map(({ who }) => who)).to.deep.equal([0, 1, 2]);
  });

  it('where only a response can tell, the oldest goes, and the others wait for what comes of it', () => {
    come('10.0.0.1');
    const [a] = pool.endpoints;
    connectFailed(a!, options.rng, timers.nowMs(), true);
    pool.failed('refused');
    for (let who = 0; who < 3; who++) find(who);
    clock.advanceSync(150);
    turn();
    expect([reconnecting, known.map(({ who }) => who)]).to.deep.equal([[], [0]]);
    clock.advanceSync(500);
    expect(known).to.have.length(1);
  });

  it('where the answer takes long, but nobody says that the application was not reached, the others go too', () => {
    come('10.0.0.1');
    const [a] = pool.endpoints;
    connectFailed(a!, options.rng, timers.nowMs(), true);
    pool.failed('refused');
    for (let who = 0; who < 3; who++) find(who);
    clock.advanceSync(150);
    expect(known).to.have.length(1);
    clock.advanceSync(1000);
    while (turns.length > 0) turn();
    expect(known.map(({ who }) => who)).to.deep.equal([0, 1, 2]);
    expect([a!.connectFailures, a!.needsResponse]).to.deep.equal([0, false]);
  });

  it('who goes away is not asked again', () => {
    const gone = find(1);
    find(2);
    gone.cancel();
    come('10.0.0.1');
    turn();
    expect(known.map(({ who }) => who)).to.deep.equal([2]);
  });

  it('one who may not use what has come does not keep the others from it', () => {
    const local = entryOf({ localTrafficOnly: true });
    for (const who of [1, 2]) find(who, local);
    for (const who of [3, 4]) find(who);
    pool.replace('v', [endpoint('10.0.0.1', { node: 'node-2' })], HERE, timers.nowMs());
    while (turns.length > 0) turn();
    expect(known.map(({ who }) => who)).to.deep.equal([3, 4]);
  });

  it('those that wait for a resource go on when it comes', () => {
    const fresh = poolOf(0);
    pool = fresh;
    find(1);
    come('10.0.0.1');
    turn();
    expect(known).to.deep.equal([{ who: 1, to: '10.0.0.1:8080' }]);
  });
});
