import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { TimerWheel } from '../../../proxy-image/io/transport/timers.ts';
import type { Timer } from '../../../proxy-image/io/transport/types.ts';
import { eventually } from '../../support/eventually.ts';

/** Generous: what is looked for is a timer that is late by a turn of the wheel (5 s), not by a busy machine. */
const LATE_MS = 1500;

class Recorder {
  firedMs: number[] = [];
  readonly #startedMs = performance.now();
  readonly #then: (timer: Timer) => void;

  constructor(then: (timer: Timer) => void = () => {}) {
    this.#then = then;
  }

  onTimer(timer: Timer): void {
    this.firedMs.push(performance.now() - this.#startedMs);
    this.#then(timer);
  }
}

/** Fails when the timer is late. */
function fired(recorder: Recorder): Promise<unknown> {
  return eventually('the timer fires', () => recorder.firedMs.length > 0, 200 + LATE_MS);
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

function spinUntil(ms: number): void {
  while (performance.now() < ms);
}

describe('timer wheel', () => {
  it('is on time for the others when a timer that fires arms itself for much later', async () => {
    const wheel = new TimerWheel();
    const again = new Recorder((timer) => wheel.set(timer, 60_000));
    const rearmed = wheel.create(again);
    const soon = new Recorder();
    wheel.set(wheel.create(soon), 200);
    wheel.set(rearmed, 30);
    await fired(soon);
    wheel.clear(rearmed);
    expect(again.firedMs).to.have.length(1);
    expect(soon.firedMs).to.have.length(1);
    expect(soon.firedMs[0]).to.be.within(200, 200 + LATE_MS);
  });

  it('is on time for the others when an entry looked at early goes back for later', async () => {
    const wheel = new TimerWheel();
    const late = new Recorder();
    const timer = wheel.create(late);
    wheel.set(timer, 30);
    wheel.set(timer, 60_000);
    const soon = new Recorder();
    wheel.set(wheel.create(soon), 200);
    await fired(soon);
    expect(late.firedMs).to.deep.equal([]);
    expect(soon.firedMs).to.have.length(1);
    wheel.clear(timer);
  });

  it('lets an owner move and clear other timers of the same moment', async () => {
    const wheel = new TimerWheel();
    const moved = new Recorder();
    const cleared = new Recorder();
    const last = new Recorder();
    const timers = [wheel.create(moved), wheel.create(cleared), wheel.create(last)] as const;
    const first = new Recorder(() => {
      wheel.set(timers[0], 1);
      wheel.clear(timers[1]);
    });
    wheel.set(wheel.create(first), 30);
    for (const timer of timers) wheel.set(timer, 30);
    await fired(moved);
    await fired(last);
    await pause(50);
    expect([first, moved, cleared, last].map((recorder) => recorder.firedMs.length)).to.deep.equal([1, 1, 0, 1]);
  });

  it('stands still while its clock is held, and only then', () => {
    const wheel = new TimerWheel();
    wheel.holdClock();
    const heldMs = wheel.nowMs();
    spinUntil(heldMs + 2);
    expect(wheel.nowMs()).to.equal(heldMs);
    wheel.releaseClock();
    expect(wheel.nowMs()).to.be.at.least(heldMs + 2);
    wheel.holdClock();
    expect(wheel.nowMs()).to.be.at.least(heldMs + 2);
  });

  it('is not early for what was armed while its clock was held', async () => {
    const wheel = new TimerWheel();
    wheel.holdClock();
    spinUntil(wheel.nowMs() + 40);
    const recorder = new Recorder();
    wheel.set(wheel.create(recorder), 50);
    wheel.releaseClock();
    await fired(recorder);
    expect(recorder.firedMs[0]).to.be.at.least(50);
  });

  it('keeps nothing alive once it is cleared', async () => {
    const wheel = new TimerWheel();
    const owners: WeakRef<Recorder>[] = [];
    for (let i = 0; i < 50; i++) {
      const owner = new Recorder();
      owners.push(new WeakRef(owner));
      const timer = wheel.create(owner);
      wheel.set(timer, 60_000);
      wheel.clear(timer);
    }
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    // References are held until the end of the job that made them.
    await pause(0);
    collect();
    // The last ones may still be in a register.
    expect(owners.filter((owner) => owner.deref() !== undefined).length).to.be.lessThan(5);
    expect(wheel.nowMs()).to.be.greaterThan(0);
  });
});
