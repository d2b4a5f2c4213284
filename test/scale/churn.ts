import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from '../bench/propagation/api-client.ts';
import type { Change, Changes } from './changes.ts';
import { machineMs } from './clock.ts';
import type { Load } from './size.ts';
import { beginTrace, type Trace, type Traces } from './trace.ts';
import type { BareWatch } from './watch.ts';

const SECOND_MS = 1_000;
/** An event that the bare watch has not delivered by then is missing. */
const EVENT_MS = 2_000;

/** Changes the cluster at an even pace, whatever else happens, until it is stopped. */
export class Churn {
  readonly traces: Traces;
  readonly #client: ApiClient;
  readonly #changes: Changes;
  readonly #watch: BareWatch;
  readonly #load: Load;
  readonly #open = new Set<Promise<void>>();
  #stopped = false;
  #running: Promise<void> = Promise.resolve();
  failed = 0;
  /** How late the latest was sent, ms. */
  latestMs = 0;

  constructor(parts: { client: ApiClient; changes: Changes; watch: BareWatch; load: Load; traces: Traces }) {
    this.#client = parts.client;
    this.#changes = parts.changes;
    this.#watch = parts.watch;
    this.#load = parts.load;
    this.traces = parts.traces;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    await Promise.all(this.#open);
  }

  async #run(): Promise<void> {
    const { endpointChangesPerSecond, resourceChangesPerSecond } = this.#load;
    const perSecond = endpointChangesPerSecond + resourceChangesPerSecond;
    const every = Math.round(perSecond / Math.max(1, resourceChangesPerSecond));
    const startMs = machineMs();
    for (let number = 0; !this.#stopped; number++) {
      const dueMs = startMs + (number * SECOND_MS) / perSecond;
      const aheadMs = dueMs - machineMs();
      if (aheadMs > 1) await sleep(aheadMs);
      else this.latestMs = Math.max(this.latestMs, -aheadMs);
      const isResource = resourceChangesPerSecond > 0 && number % every === every - 1;
      this.#make(isResource ? this.#changes.nextResource() : this.#changes.nextEndpoint());
    }
  }

  #make(change: Change): void {
    const trace = beginTrace(change.kind, change.keys, machineMs());
    this.traces.add(trace);
    const made = this.#write(change, trace).catch(() => {
      this.failed += 1;
    });
    this.#open.add(made);
    void made.then(() => this.#open.delete(made));
  }

  async #write({ path, patch }: Change, trace: Trace): Promise<void> {
    const { text } = await this.#client.send('PATCH', path, patch, 'application/json-patch+json');
    const { metadata } = JSON.parse(text) as { metadata: { resourceVersion: string } };
    const endMs = machineMs() + EVENT_MS;
    for (;;) {
      trace.eventMs = this.#watch.take(metadata.resourceVersion);
      if (trace.eventMs !== null || machineMs() > endMs) return;
      await sleep(50);
    }
  }
}
