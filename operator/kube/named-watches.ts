import type { Random } from '../../lib/clock.ts';
import type { Clock } from '../runtime/clock.ts';
import { Informer } from '../runtime/informer.ts';
import type { RawObject } from '../runtime/list-watch.ts';
import type { Log } from '../runtime/log.ts';
import type { Reach } from '../runtime/reach.ts';
import type { ReflectorTiming } from '../runtime/reflector.ts';
import { listWatch } from './list-watch.ts';
import type { ResourceType } from './resources.ts';
import type { RestClient } from './rest.ts';

/** One object of a namespace: rights to others are not needed to watch it. */
export interface NamedObject {
  plural: 'secrets' | 'configmaps';
  name: string;
}

export interface NamedWatchesOptions {
  rest: RestClient;
  namespace: string;
  clock: Clock;
  random: Random;
  log: Log;
  timing?: Partial<ReflectorTiming>;
  reach?: Reach;
}

/** Watches that end after this quiet time are opened anew (`REFLECTION.idleTimeoutMs` and the pause after it): one that has been silent for longer does not work. */
const WORKING_MS = 300_000;

/** Says when one of a few objects that are named has changed. What is in them is not kept. */
export class NamedWatches {
  readonly #options: NamedWatchesOptions;
  readonly #informers = new Map<string, Informer<RawObject, string>>();
  readonly #ending = new Set<Promise<void>>();
  #stopped = false;

  constructor(options: NamedWatchesOptions) {
    this.#options = options;
  }

  /** These, and no others, from now on. `changed` is called for what is there at first, too. */
  follow(objects: readonly NamedObject[], changed: () => void): void {
    if (this.#stopped) return;
    const wanted = new Map(objects.map((object) => [`${object.plural} ${object.name}`, object]));
    for (const [id, informer] of this.#informers) {
      if (wanted.has(id)) continue;
      this.#informers.delete(id);
      this.#end(informer);
    }
    for (const [id, object] of wanted) {
      if (this.#informers.has(id)) continue;
      const informer = this.#informerOf(object);
      informer.addHandler({ added: changed, updated: changed, deleted: changed });
      this.#informers.set(id, informer);
      informer.start();
    }
  }

  /** Whether a change of any of them would be heard of. */
  get isWorking(): boolean {
    return [...this.#informers.values()].every(({ hasSynced, silentMs }) => hasSynced && silentMs < WORKING_MS);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const informer of this.#informers.values()) this.#end(informer);
    await Promise.all(this.#ending);
  }

  #end(informer: Informer<RawObject, string>): void {
    const ended = informer.stop().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }

  #informerOf({ plural, name }: NamedObject): Informer<RawObject, string> {
    const { rest, namespace, ...parts } = this.#options;
    const type: ResourceType = { group: '', version: 'v1', plural };
    return new Informer({
      ...parts,
      name: `${plural}/${name}`,
      source: listWatch(rest, type, { namespace, fieldSelector: `metadata.name=${name}` }),
      transform: ({ metadata }) => metadata?.resourceVersion ?? '',
    });
  }
}
