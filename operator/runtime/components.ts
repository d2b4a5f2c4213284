import type { Controller } from './controller.ts';
import { RuntimeError } from './errors.ts';
import type { LeaderElector } from './leader-elector.ts';
import type { Component } from './manager.ts';

/** What is needed of an informer, whatever it holds. */
export interface Cache {
  readonly name: string;
  start(): void;
  stop(): Promise<void>;
  waitForSync(signal: AbortSignal): Promise<boolean>;
}

/** Phase `caches`: has started when the first full list was delivered. */
export function informerComponent(informer: Cache): Component {
  return {
    name: `informer ${informer.name}`,
    async start(signal) {
      informer.start();
      if (await informer.waitForSync(signal)) return;
      throw new RuntimeError('WEFT_CACHE_SYNC_TIMEOUT', `no complete list of ${informer.name} came in time`);
    },
    stop: () => informer.stop(),
  };
}

/** Phase `leader`, or `runnables` for what every replica does. */
export function controllerComponent(controller: Controller): Component {
  return {
    name: `controller ${controller.name}`,
    start: async () => controller.start(),
    stop: () => controller.drain(),
  };
}

export function electorComponent(elector: LeaderElector): Component {
  return { name: 'leader election', start: async () => elector.start(), stop: () => elector.release() };
}
