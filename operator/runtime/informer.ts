import type { Random } from '../../lib/clock.ts';
import { type Clock, sleep } from './clock.ts';
import { lagMs } from './lag.ts';
import { type ListWatch, objectKey, type RawObject } from './list-watch.ts';
import { errorFields, type Log } from './log.ts';
import type { Reach } from './reach.ts';
import { type Listed, Reflector, type ReflectorSink, type ReflectorStats, type ReflectorTiming } from './reflector.ts';
import { type Indexers, Store } from './store.ts';

/** Called within the tick in which the API server's bytes arrived. A throw is logged and counted, never propagated. */
export interface InformerHandler<T> {
  /** `initial`: part of the first list. */
  added?(object: T, initial: boolean): void;
  updated?(before: T, after: T): void;
  /** `last` is the last known state; `version` the resourceVersion of the deletion, or of the list that no longer had the object. */
  deleted?(last: T, version: string): void;
  /** By a list or a bookmark: every change up to `version` has been delivered. */
  advanced?(version: string): void;
  /** The first full list has been delivered. */
  synced?(): void;
  /** The API server serves no such kind (any more); what is known of it stays. Only of an optional kind. */
  absent?(): void;
}

export interface InformerOptions<Raw extends RawObject, T> {
  /** Plural of the kind, for logs and metrics. */
  name: string;
  source: ListWatch<Raw>;
  /** The API server need not serve the kind: while it does not, nothing waits for a list. */
  optional?: boolean;
  /** Reduces a raw object to what is kept. Throwing skips the event: what was known of the object stays. */
  transform(raw: Raw): T;
  indexers?: Indexers<T>;
  clock: Clock;
  random: Random;
  log: Log;
  timing?: Partial<ReflectorTiming>;
  /** As `ReflectorOptions`. */
  reach?: Reach;
  /** Of each change that a watch has brought: how long after it was written. Milliseconds. */
  lagged?(name: string, lagMs: number): void;
}

export interface InformerStats extends Readonly<ReflectorStats> {
  readonly size: number;
  readonly handlerErrors: number;
  readonly transformErrors: number;
}

/** An object as it was seen; `object` is null where that very version is known already, or could not be read. */
interface ListedObject<T> extends Listed {
  readonly uid: string;
  readonly version: string;
  readonly object: { readonly value: T } | null;
}

/** A cache of one kind that is never emptied by a failure, and tells its handlers what changed. */
export class Informer<Raw extends RawObject, T> {
  readonly name: string;
  readonly store: Store<T>;
  readonly #options: InformerOptions<Raw, T>;
  readonly #handlers: InformerHandler<T>[] = [];
  #reflector: Reflector<Raw, ListedObject<T>>;
  #synced = false;
  #absent = false;
  #handlerErrors = 0;
  #transformErrors = 0;
  #generation = 0;
  #stop: AbortController | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(options: InformerOptions<Raw, T>) {
    this.name = options.name;
    this.#options = options;
    this.store = new Store(options.indexers);
    this.#reflector = this.#newReflector();
  }

  get hasSynced(): boolean {
    return this.#synced;
  }

  /** An optional kind that the API server does not serve. */
  get isAbsent(): boolean {
    return this.#absent;
  }

  get stats(): InformerStats {
    return {
      ...this.#reflector.stats,
      size: this.store.size,
      handlerErrors: this.#handlerErrors,
      transformErrors: this.#transformErrors,
    };
  }

  /** Milliseconds since the API server last said anything about this kind; Infinity before it did. */
  get silentMs(): number {
    return this.#options.clock.nowMs() - this.#reflector.stats.lastContactMs;
  }

  /** Handlers are called in the order in which they were added; one added after the first list is told of everything known so far. */
  addHandler(handler: InformerHandler<T>, options: { first?: boolean } = {}): void {
    if (options.first === true) this.#handlers.unshift(handler);
    else this.#handlers.push(handler);
    for (const object of this.store.list()) this.#call(() => handler.added?.(object, true));
    if (this.#synced) this.#call(() => handler.synced?.());
    if (this.#absent) this.#call(() => handler.absent?.());
  }

  start(): void {
    if (this.#stop !== null) return;
    this.#generation += 1;
    this.#stop = new AbortController();
    this.#reflector = this.#newReflector();
    this.#running = this.#reflector.run(this.#stop.signal);
  }

  /** Ends list and watch; what is known stays. Resolves when no request is left. */
  async stop(): Promise<void> {
    this.#generation += 1;
    this.#stop?.abort(new Error('informer stopped'));
    this.#stop = null;
    await this.#running;
  }

  /** Resolves with true once synced, or known to be absent; with false when `signal` aborts first. */
  async waitForSync(signal: AbortSignal): Promise<boolean> {
    const settled = () => this.#synced || this.#absent;
    while (!settled() && !signal.aborted) await sleep(this.#options.clock, 10, signal);
    return settled();
  }

  #newReflector(): Reflector<Raw, ListedObject<T>> {
    const { name, source, optional, clock, random, log, timing, reach } = this.#options;
    const sink = this.#sink(this.#generation);
    return new Reflector({ name, source, optional, clock, random, log, timing, reach, sink });
  }

  /** A sink for one start: what an older one still delivers is ignored. */
  #sink(generation: number): ReflectorSink<Raw, ListedObject<T>> {
    const current = () => generation === this.#generation;
    return {
      listed: (item) => this.#reduced(item),
      replace: (items, version) => current() && this.#replace(items, version),
      upsert: (item) => current() && this.#watched(item),
      remove: (item) => current() && this.#remove(objectKey(item), item.metadata?.resourceVersion ?? ''),
      advanced: (version) => current() && this.#notify((handler) => handler.advanced?.(version)),
      absent: () => current() && this.#setAbsent(),
      audit: (items, version, changed) => (current() ? this.#audit(items, version, changed) : 0),
    };
  }

  /** Deletions first: an address that moved from a deleted object to a new one must not be removed after it was added. */
  #replace(items: readonly ListedObject<T>[], version: string): void {
    const listed = new Set(items.map(({ key }) => key));
    for (const key of [...this.store.keys()]) if (!listed.has(key)) this.#remove(key, version);
    const initial = !this.#synced;
    this.#absent = false;
    for (const item of items) this.#put(item, initial);
    this.#notify((handler) => handler.advanced?.(version));
    if (!initial) return;
    this.#synced = true;
    this.#notify((handler) => handler.synced?.());
  }

  #setAbsent(): void {
    if (this.#absent) return;
    this.#absent = true;
    this.#notify((handler) => handler.absent?.());
  }

  #watched(raw: Raw): void {
    const { lagged, clock, name } = this.#options;
    if (!this.#put(this.#reduced(raw), false) || lagged === undefined) return;
    const late = lagMs(raw, clock.wallMs());
    if (late !== null) lagged(name, late);
  }

  #reduced(raw: Raw): ListedObject<T> {
    const key = objectKey(raw);
    const { uid = '', resourceVersion: version = '' } = raw.metadata ?? {};
    const before = this.store.entry(key);
    const isKnown = before !== undefined && before.version === version && before.uid === uid;
    return { key, uid, version, object: isKnown ? null : this.#transform(raw, key) };
  }

  #put({ key, uid, version, object }: ListedObject<T>, initial: boolean): boolean {
    const before = this.store.entry(key);
    if (object === null || (before?.version === version && before.uid === uid)) return false;
    // The same name with another uid is another object.
    if (before !== undefined && before.uid !== uid) this.#remove(key, version);
    this.store.put({ key, uid, version, object: object.value });
    if (before === undefined || before.uid !== uid) this.#notify((handler) => handler.added?.(object.value, initial));
    else this.#notify((handler) => handler.updated?.(before.object, object.value));
    return true;
  }

  #remove(key: string, version: string): boolean {
    const entry = this.store.entry(key);
    if (entry === undefined) return false;
    this.store.remove(key);
    this.#notify((handler) => handler.deleted?.(entry.object, version));
    return true;
  }

  #audit(items: readonly ListedObject<T>[], version: string, changed: ReadonlySet<string>): number {
    const listed = new Set(items.map(({ key }) => key));
    let missed = 0;
    for (const key of [...this.store.keys()]) {
      if (!listed.has(key) && !changed.has(key) && this.#remove(key, version)) missed += 1;
    }
    for (const item of items) {
      if (!changed.has(item.key) && this.#put(item, false)) missed += 1;
    }
    return missed;
  }

  #transform(raw: Raw, key: string): { value: T } | null {
    try {
      return { value: this.#options.transform(raw) };
    } catch (error) {
      this.#transformErrors += 1;
      this.#options.log.error('an object could not be read', { kind: this.name, key, ...errorFields(error) });
      return null;
    }
  }

  #notify(call: (handler: InformerHandler<T>) => void): void {
    for (const handler of this.#handlers) this.#call(() => call(handler));
  }

  #call(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#handlerErrors += 1;
      this.#options.log.error('a handler failed', { kind: this.name, ...errorFields(error) });
    }
  }
}
