import { expect } from 'chai';
import fc from 'fast-check';
import { WorkQueue } from '../../../operator/runtime/queue.ts';
import { FakeClock } from '../../fakes/clock.ts';

function taken(queue: WorkQueue): Promise<string | null>[] {
  return Array.from({ length: queue.depth }, () => queue.take());
}

describe('work queue', () => {
  it('collapses a burst for one key to one run', async () => {
    const queue = new WorkQueue({ clock: new FakeClock() });
    for (let i = 0; i < 21; i++) queue.add('a');
    expect(queue.depth).to.equal(1);
    expect(await queue.take()).to.equal('a');
    expect(queue.depth).to.equal(0);
  });

  it('never gives out a key that is being worked on, and runs it exactly once more after any number of changes', async () => {
    const queue = new WorkQueue({ clock: new FakeClock() });
    queue.add('a');
    await queue.take();
    for (let i = 0; i < 5; i++) queue.add('a');
    expect(queue.depth).to.equal(0);
    queue.done('a');
    expect(queue.depth).to.equal(1);
    expect(await queue.take()).to.equal('a');
    queue.done('a');
    expect(queue.depth).to.equal(0);
  });

  it('lets real changes overtake the flood of a first list', async () => {
    const queue = new WorkQueue({ clock: new FakeClock() });
    for (const key of ['a', 'b', 'c']) queue.add(key, 'low');
    queue.add('z');
    expect(await Promise.all(taken(queue))).to.deep.equal(['z', 'a', 'b', 'c']);
  });

  it('promotes a key of the flood that changes', async () => {
    const queue = new WorkQueue({ clock: new FakeClock() });
    for (const key of ['a', 'b', 'c']) queue.add(key, 'low');
    queue.add('c');
    queue.add('c', 'low');
    expect(await Promise.all(taken(queue))).to.deep.equal(['c', 'a', 'b']);
  });

  it('keeps the priority of a change that came during a run', async () => {
    const queue = new WorkQueue({ clock: new FakeClock() });
    queue.add('a', 'low');
    await queue.take();
    queue.add('b', 'low');
    queue.add('a', 'low');
    queue.add('a');
    queue.done('a');
    expect(await queue.take()).to.equal('a');
  });

  it('gives a key at once to whoever is waiting', async () => {
    const queue = new WorkQueue({ clock: new FakeClock() });
    const [first, second] = [queue.take(), queue.take()];
    queue.add('a');
    queue.add('b');
    expect(await Promise.all([first, second])).to.deep.equal(['a', 'b']);
  });

  it('retries after 5 ms doubling to 5 min, and from 5 ms again once forgotten', () => {
    const queue = new WorkQueue({ clock: new FakeClock() });
    const delays = Array.from({ length: 18 }, () => queue.retry('a'));
    expect(delays.slice(0, 4)).to.deep.equal([5, 10, 20, 40]);
    expect(delays[16]).to.equal(300_000);
    expect(delays[17]).to.equal(300_000);
    expect(queue.retry('b')).to.equal(5);
    queue.forget('a');
    expect(queue.retry('a')).to.equal(5);
  });

  it('adds after a delay, the earlier of two', () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    queue.addAfter('a', 100);
    queue.addAfter('a', 50);
    queue.addAfter('a', 200);
    clock.advanceSync(49);
    expect(queue.depth).to.equal(0);
    clock.advanceSync(1);
    expect(queue.depth).to.equal(1);
    clock.advanceSync(1_000);
    expect(queue.depth).to.equal(1);
    expect(clock.timers).to.equal(0);
  });

  it('adds at once where there is no delay', () => {
    const queue = new WorkQueue({ clock: new FakeClock() });
    queue.addAfter('a', 0);
    expect(queue.depth).to.equal(1);
  });

  it('ends all waiting takers when it is closed, and takes nothing any more', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    const waiting = queue.take();
    queue.addAfter('later', 10);
    queue.close();
    queue.add('a');
    queue.addAfter('b', 0);
    expect(await waiting).to.equal(null);
    expect(await queue.take()).to.equal(null);
    expect(clock.timers).to.equal(0);
  });

  it('takes back a running key after it was closed', async () => {
    const queue = new WorkQueue({ clock: new FakeClock() });
    queue.add('a');
    await queue.take();
    queue.add('a');
    queue.close();
    queue.done('a');
    queue.done('never taken');
    expect(queue.depth).to.equal(0);
    expect(queue.runningSinceMs).to.deep.equal([]);
  });

  it('tells its observer how long keys wait and are worked on', async () => {
    const clock = new FakeClock();
    const seen: string[] = [];
    const observer = {
      added: () => seen.push('added'),
      started: (seconds: number) => seen.push(`started after ${seconds}`),
      finished: (seconds: number) => seen.push(`finished after ${seconds}`),
      retried: () => seen.push('retried'),
    };
    const queue = new WorkQueue({ clock, observer });
    queue.add('a');
    queue.add('a');
    clock.advanceSync(2_000);
    await queue.take();
    clock.advanceSync(3_000);
    expect(queue.runningSinceMs).to.deep.equal([2_000]);
    queue.done('a');
    queue.retry('a');
    expect(seen).to.deep.equal(['added', 'started after 2', 'finished after 3', 'retried']);
  });
});

type Step =
  | { type: 'add'; key: string; priority: 'high' | 'low' }
  | { type: 'take' }
  | { type: 'done' }
  | { type: 'fail' }
  | { type: 'wait'; ms: number };

const steps = fc.array(
  fc.oneof(
    fc.record({
      type: fc.constant('add' as const),
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      priority: fc.constantFrom('high' as const, 'low' as const),
    }),
    fc.record({ type: fc.constantFrom('take' as const, 'done' as const, 'fail' as const) }),
    fc.record({ type: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 1_000 }) }),
  ),
  { maxLength: 60 },
);

/** Drives a queue by random steps and keeps the books of what must be true: which keys owe a run. */
class Model {
  readonly clock = new FakeClock();
  readonly queue = new WorkQueue({ clock: this.clock });
  readonly running: string[] = [];
  readonly owed = new Set<string>();
  /** Retries that were asked for and may still come, by key; a change may be served in the meantime. */
  readonly retries = new Map<string, number>();
  readonly overlaps: string[] = [];
  readonly runsWithoutCause: string[] = [];

  async step(step: Step): Promise<void> {
    switch (step.type) {
      case 'add':
        this.owed.add(step.key);
        return this.queue.add(step.key, step.priority);
      case 'take':
        return this.#take();
      case 'done':
        return this.#finish(false);
      case 'fail':
        return this.#finish(true);
      case 'wait':
        this.clock.advanceSync(step.ms);
    }
  }

  async drain(): Promise<void> {
    while (this.running.length > 0 || this.queue.depth > 0 || this.clock.timers > 0) {
      if (this.queue.depth > 0) await this.#take();
      else if (this.running.length > 0) this.#finish(false);
      else this.clock.advanceSync(300_000);
    }
  }

  async #take(): Promise<void> {
    if (this.queue.depth === 0) return;
    const key = await this.queue.take();
    if (key === null) return;
    if (this.running.includes(key)) this.overlaps.push(key);
    if (!this.owed.delete(key) && !this.#useRetry(key)) this.runsWithoutCause.push(key);
    this.running.push(key);
  }

  #useRetry(key: string): boolean {
    const left = this.retries.get(key) ?? 0;
    this.retries.set(key, left - 1);
    return left > 0;
  }

  #finish(failed: boolean): void {
    const key = this.running.shift();
    if (key === undefined) return;
    if (failed) {
      this.retries.set(key, (this.retries.get(key) ?? 0) + 1);
      this.queue.retry(key);
    } else this.queue.forget(key);
    this.queue.done(key);
  }
}

describe('work queue, properties', () => {
  it('runs every change, never a key twice at once, and never without a cause', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (program) => {
        const model = new Model();
        for (const step of program) await model.step(step);
        await model.drain();
        expect(model.overlaps, 'keys that ran twice at once').to.deep.equal([]);
        expect([...model.owed], 'changes that no run followed').to.deep.equal([]);
        expect(model.runsWithoutCause.length, 'runs without a change').to.equal(0);
      }),
      { numRuns: 300 },
    );
  }).timeout(60_000);
});
