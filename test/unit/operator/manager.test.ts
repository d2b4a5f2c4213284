import { expect } from 'chai';
import { controllerComponent, informerComponent } from '../../../operator/runtime/components.ts';
import { Controller } from '../../../operator/runtime/controller.ts';
import { RuntimeError } from '../../../operator/runtime/errors.ts';
import { silentLog } from '../../../operator/runtime/log.ts';
import { type Component, Manager, PHASES } from '../../../operator/runtime/manager.ts';
import { FakeClock, settle } from '../../fakes/clock.ts';
import { MemoryLogger } from '../../fakes/logger.ts';

function setup(options: { graceMs?: number; startMs?: number } = {}) {
  const clock = new FakeClock();
  const log = new MemoryLogger();
  const events: string[] = [];
  const manager = new Manager({ clock, log, ...options });
  const component = (name: string, overrides: Partial<Component> = {}): Component => ({
    name,
    start: async () => void events.push(`start ${name}`),
    stop: async () => void events.push(`stop ${name}`),
    ...overrides,
  });
  return { clock, log, events, manager, component };
}

describe('manager', () => {
  it('starts phase by phase, the leader phase only when it leads', async () => {
    const { manager, events, component } = setup();
    for (const phase of PHASES.toReversed()) manager.add(phase, component(phase));
    await manager.start();
    expect(events).to.deep.equal(
      ['servers', 'webhooks', 'caches', 'runnables', 'serving', 'election'].map((p) => `start ${p}`),
    );
    await manager.lead();
    expect(events.at(-1)).to.equal('start leader');
  });

  it('ends the lead first and gives the lease back at once, serves after that, with caches that work, and answers the kubelet to the last', async () => {
    const { manager, events, component } = setup();
    for (const phase of PHASES) manager.add(phase, component(phase));
    await manager.start();
    await manager.lead();
    events.length = 0;
    await manager.stop();
    const order = ['leader', 'election', 'serving', 'runnables', 'caches', 'webhooks', 'servers'];
    expect(events).to.deep.equal(order.map((phase) => `stop ${phase}`));
    expect(manager.isStopping).to.equal(true);
  });

  it('does not stop what never started', async () => {
    const { manager, events, component } = setup();
    manager.add('servers', component('a'));
    manager.add('leader', component('b'));
    await manager.start();
    await Promise.all([manager.stop(), manager.stop()]);
    expect(events).to.deep.equal(['start a', 'stop a']);
  });

  it('waits for a phase before it starts the next', async () => {
    const { manager, events, component } = setup();
    let ready = () => {};
    const start = () =>
      new Promise<void>((resolve) => {
        ready = resolve;
      });
    manager.add('caches', component('slow', { start }));
    manager.add('runnables', component('next'));
    const started = manager.start();
    await settle();
    expect(events).to.deep.equal([]);
    ready();
    await started;
    expect(events).to.deep.equal(['start next']);
  });

  it('says which part did not start', async () => {
    const { manager, component } = setup();
    const start = async () => {
      throw new Error('address in use');
    };
    manager.add('servers', component('admin server', { start }));
    const error = await manager.start().catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(RuntimeError);
    expect(error).to.include({ code: 'WEFT_START_FAILED', message: 'admin server did not start' });
  });

  it('gives up on a start after two minutes', async () => {
    const { manager, clock, component } = setup();
    manager.add('caches', component('stuck', { start: () => new Promise(() => {}) }));
    const failed = manager.start().catch((reason: RuntimeError) => reason);
    await clock.advance(120_000);
    expect(await failed).to.include({ code: 'WEFT_START_FAILED' });
  });

  it('says which cache was not filled', async () => {
    const { manager, clock } = setup({ startMs: 1_000 });
    const cache = {
      name: 'servers',
      start() {},
      stop: async () => {},
      waitForSync: (signal: AbortSignal) =>
        new Promise<boolean>((resolve) => signal.addEventListener('abort', () => resolve(false))),
    };
    const component = informerComponent(cache);
    const abort = new AbortController();
    const failed = component.start(abort.signal).catch((reason: RuntimeError) => reason);
    abort.abort();
    expect(await failed).to.include({ code: 'WEFT_CACHE_SYNC_TIMEOUT' });
    manager.add('caches', component);
    const started = manager.start().catch((reason: RuntimeError) => reason);
    await clock.advance(1_000);
    expect(await started).to.be.instanceOf(RuntimeError);
  });

  it('stops while it is still starting', async () => {
    const { manager, component, events } = setup();
    manager.add('caches', component('stuck', { start: () => new Promise(() => {}) }));
    manager.add('runnables', component('later'));
    const started = manager.start();
    await settle();
    await manager.stop();
    await started;
    expect(events).to.deep.equal(['stop stuck']);
  });

  it('leaves behind what does not stop, within the grace period', async () => {
    const { manager, clock, component, events, log } = setup({ graceMs: 30_000 });
    manager.add('runnables', component('stuck', { stop: () => new Promise(() => {}) }));
    manager.add('caches', component('caches'));
    manager.add('servers', component('failing', { stop: () => Promise.reject(new Error('already closed')) }));
    await manager.start();
    const stopped = manager.stop();
    await clock.advance(29_999);
    expect(events).not.to.include('stop caches');
    await clock.advance(1_001);
    await stopped;
    expect(events).to.include('stop caches');
    expect(log.messages('error')).to.deep.equal(['component did not stop', 'component did not stop']);
  });

  it('leaves what serves two thirds of the grace period, whatever the leader is stuck in', async () => {
    const { manager, clock, component, events } = setup({ graceMs: 30_000 });
    manager.add('leader', component('stuck', { stop: () => new Promise(() => {}) }));
    manager.add('election', component('election'));
    await manager.start();
    await manager.lead();
    const stopped = manager.stop();
    await clock.advance(9_999);
    expect(events).not.to.include('stop election');
    await clock.advance(1);
    await stopped;
    expect(events).to.include('stop election');
  });

  it('drains a controller as a component', async () => {
    const clock = new FakeClock();
    const ran: string[] = [];
    const controller = new Controller({
      name: 'c',
      clock,
      log: silentLog,
      reconcile: async (key) => void ran.push(key),
    });
    const component = controllerComponent(controller);
    controller.queue.add('a');
    await component.start(new AbortController().signal);
    await settle();
    await component.stop();
    expect(ran).to.deep.equal(['a']);
    expect(await controller.queue.take()).to.equal(null);
  });
});
