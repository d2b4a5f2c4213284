import type { Served } from './kube/discovery.ts';
import { apiVersionOf, type ResourceType } from './kube/resources.ts';
import { type Clock, sleep, withDeadline } from './runtime/clock.ts';
import { errorFields, type Log } from './runtime/log.ts';
import type { Component } from './runtime/manager.ts';

/** A definition that somebody installs or upgrades shows within this time; a status write that fails for it, at once. */
const CHECK_MS = 60_000;
/** Status writes of many objects fail together. */
const QUIET_MS = 1_000;
const REQUEST_TIMEOUT_MS = 10_000;

export interface DefinitionsOptions {
  /** Kinds whose status this operator writes; what is optional need not be there. */
  types: readonly (ResourceType & { optional: boolean })[];
  discover(type: ResourceType, signal: AbortSignal): Promise<Served>;
  clock: Clock;
  log: Log;
  /** `problems` is another list now. */
  changed: () => void;
}

/**
 * Looks whether the CustomResourceDefinitions in the cluster are such that a status can be written. Those that Linkerd 2 and linkerd-smi install have no
 * status subresource: everything works, but nobody could tell from an object whether it is in force.
 */
export class Definitions implements Component {
  readonly name = 'custom resource definitions';
  readonly #options: DefinitionsOptions;
  readonly #abort = new AbortController();
  #wake: (() => void) | null = null;
  #running: Promise<void> = Promise.resolve();
  #problems: readonly string[] = [];

  constructor(options: DefinitionsOptions) {
    this.#options = options;
  }

  /** One sentence for each definition that should be another. */
  get problems(): readonly string[] {
    return this.#problems;
  }

  async start(): Promise<void> {
    this.#running = this.#checkForEver();
  }

  async stop(): Promise<void> {
    this.#abort.abort(new Error('stopping'));
    await this.#running;
  }

  /** A status write met an object, or a subresource, that is not there. */
  doubted(): void {
    this.#wake?.();
  }

  async #checkForEver(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#abort;
    while (!signal.aborted) {
      await this.#check();
      const awake = new AbortController();
      this.#wake = () => awake.abort();
      await sleep(clock, CHECK_MS, AbortSignal.any([signal, awake.signal]));
      this.#wake = null;
      if (awake.signal.aborted) await sleep(clock, QUIET_MS, signal);
    }
  }

  async #check(): Promise<void> {
    const { types, discover, clock, log, changed } = this.#options;
    try {
      const found = await withDeadline(clock, REQUEST_TIMEOUT_MS, this.#abort.signal, (signal) =>
        Promise.all(types.map(async (type) => problemOf(type, await discover(type, signal)))),
      );
      const problems = found.filter((problem) => problem !== '');
      if (problems.join('\n') === this.#problems.join('\n')) return;
      this.#problems = problems;
      if (problems.length > 0) log.warn('custom resource definitions are not as they should be', { problems });
      changed();
    } catch (error) {
      // What was found before stands: an API server that is away says nothing about its definitions.
      if (!this.#abort.signal.aborted)
        log.warn('could not look at the custom resource definitions', errorFields(error));
    }
  }
}

function problemOf(type: ResourceType & { optional: boolean }, served: Served): string {
  const name = `${type.plural}.${type.group}`;
  switch (served) {
    case 'status':
      return '';
    case 'without-status':
      return `${name} has no status subresource in ${apiVersionOf(type)}: the objects are in force, but nothing can be said of them`;
    case 'absent':
      return type.optional ? '' : `${name} is not served as ${apiVersionOf(type)}: its objects are not seen`;
  }
}
