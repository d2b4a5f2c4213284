import { expect } from 'chai';
import { Controller, type ControllerObserver, type Reconcile } from '../../../operator/runtime/controller.ts';
import { TerminalError } from '../../../operator/runtime/errors.ts';
import { FakeClock, settle } from '../../fakes/clock.ts';
import { MemoryLogger } from '../../fakes/logger.ts';

function setup(reconcile: Reconcile, options: { workers?: number; timeoutMs?: number } = {}) {
  const clock = new FakeClock();
  const log = new MemoryLogger();
  const seen: string[] = [];
  const observer: ControllerObserver = {
    finished: (result, seconds) => seen.push(`${result} after ${seconds} s`),
    terminal: () => seen.push('terminal'),
    panicked: () => seen.push('panic'),
    timedOut: () => seen.push('timeout'),
  };
  const controller = new Controller({ name: 'test', reconcile, clock, log, observer, ...options });
  return { controller, clock, log, seen };
}

describe('controller', () => {
  it('works on keys that were added before it started', async () => {
    const ran: string[] = [];
    const { controller, seen } = setup(async (key) => void ran.push(key));
    controller.queue.add('a');
    controller.queue.add('b');
    await settle();
    expect(ran).to.deep.equal([]);
    controller.start();
    controller.start();
    await settle();
    expect(ran).to.deep.equal(['a', 'b']);
    expect(seen).to.deep.equal(['success after 0 s', 'success after 0 s']);
    await controller.drain();
  });

  it('retries a failure with a growing delay, and forgets it after a success', async () => {
    let failures = 3;
    const times: number[] = [];
    const { controller, clock, log } = setup(async () => {
      times.push(clock.nowMs());
      if (failures-- > 0) throw new Error('not now');
      return undefined;
    });
    controller.start();
    controller.queue.add('a');
    await clock.advance(1_000);
    expect(times).to.deep.equal([0, 5, 15, 35]);
    expect(log.messages('error')).to.deep.equal(['reconcile failed', 'reconcile failed', 'reconcile failed']);
    failures = 1;
    controller.queue.add('a');
    await clock.advance(1_000);
    expect(times.slice(4)).to.deep.equal([1_000, 1_005]);
    await controller.drain();
  });

  it('does not retry what failed for good', async () => {
    let runs = 0;
    const { controller, clock, seen, log } = setup(async () => {
      runs += 1;
      throw new TerminalError('never');
    });
    controller.start();
    controller.queue.add('a');
    await clock.advance(600_000);
    expect(runs).to.equal(1);
    expect(seen).to.deep.equal(['terminal', 'error after 0 s']);
    expect(log.messages('error')).to.deep.equal(['reconcile failed for good']);
    await controller.drain();
  });

  it('runs again after the delay that a reconcile asks for', async () => {
    const times: number[] = [];
    const { controller, clock, seen } = setup(async () => {
      times.push(clock.nowMs());
      return { requeueAfterMs: 10_000 };
    });
    controller.start();
    controller.queue.add('a');
    await clock.advance(25_000);
    expect(times).to.deep.equal([0, 10_000, 20_000]);
    expect(seen[0]).to.equal('requeue_after after 0 s');
    await controller.drain();
  });

  it('gives up on a reconcile after 30 s and counts the timeout', async () => {
    let aborted = false;
    const { controller, clock, seen } = setup((_, signal) => {
      signal.addEventListener('abort', () => {
        aborted = true;
      });
      return new Promise(() => {});
    });
    controller.start();
    controller.queue.add('a');
    await clock.advance(29_999);
    expect(seen).to.deep.equal([]);
    await clock.advance(1);
    expect(seen).to.deep.equal(['timeout', 'error after 30 s']);
    expect(aborted).to.equal(true);
    controller.abort(new Error('end of test'));
  });

  it('survives a program error and counts it as a panic', async () => {
    let runs = 0;
    const { controller, clock, seen } = setup(async () => {
      runs += 1;
      if (runs === 1) throw new TypeError('undefined is not a function');
      return undefined;
    });
    controller.start();
    controller.queue.add('a');
    await clock.advance(1_000);
    expect(seen).to.deep.equal(['panic', 'error after 0 s', 'success after 0 s']);
    await controller.drain();
  });

  it('works on several keys at once, but never twice on one', async () => {
    const running = new Map<string, () => void>();
    const { controller } = setup((key) => new Promise((resolve) => running.set(key, () => resolve(undefined))), {
      workers: 2,
    });
    controller.start();
    for (const key of ['a', 'b', 'c', 'a']) controller.queue.add(key);
    await settle();
    controller.queue.add('a');
    await settle();
    expect([...running.keys()]).to.deep.equal(['a', 'b']);
    expect(controller.activeWorkers).to.equal(2);
    running.get('b')!();
    await settle();
    expect([...running.keys()]).to.deep.equal(['a', 'b', 'c']);
    running.get('c')!();
    const first = running.get('a');
    first!();
    await settle();
    expect(running.get('a'), 'the change during the run caused one more').not.to.equal(first);
    running.get('a')!();
    await settle();
    expect(controller.activeWorkers).to.equal(0);
    await controller.drain();
  });

  it('waits on drain for what runs, and starts nothing new', async () => {
    let finish = () => {};
    const ran: string[] = [];
    const { controller } = setup((key) => {
      ran.push(key);
      return new Promise((resolve) => {
        finish = () => resolve(undefined);
      });
    });
    controller.start();
    controller.queue.add('a');
    controller.queue.add('b');
    await settle();
    let drained = false;
    const draining = controller.drain().then(() => {
      drained = true;
    });
    await settle();
    expect(drained).to.equal(false);
    finish();
    await draining;
    expect(ran).to.deep.equal(['a']);
  });

  it('aborts what runs when leadership is lost, without a retry', async () => {
    const { controller, clock, log } = setup(
      (_, signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    );
    controller.start();
    controller.queue.add('a');
    await settle();
    controller.abort(new Error('lost the lead'));
    await clock.advance(600_000);
    expect(controller.activeWorkers).to.equal(0);
    expect(log.lines).to.deep.equal([]);
    expect(clock.timers).to.equal(0);
  });
});
