import { RequestError } from '../../../operator/runtime/errors.ts';
import {
  type ListOptions,
  type ListPage,
  type ListWatch,
  objectKey,
  type RawObject,
  type WatchObserver,
  type WatchOptions,
} from '../../../operator/runtime/list-watch.ts';
import type { FakeClock } from '../../fakes/clock.ts';

export interface SimulatedObject extends RawObject {
  metadata: { namespace: string; name: string; uid: string; resourceVersion: string };
  value: number;
}

type EventType = 'ADDED' | 'MODIFIED' | 'DELETED';

interface Logged {
  type: EventType;
  version: number;
  object: SimulatedObject;
}

/** What goes wrong at the next occasion, or for as long as it stands. Shares are 0 to 1. */
export interface Trouble {
  /** Of lists and watches that fail before anything is answered. */
  failing: number;
  /** Of events behind which the watch is reset. */
  reset: number;
  /** Of events that come twice. */
  twice: number;
  /** Nothing is answered and nothing ends. */
  silent: boolean;
  /** Between a request and its answer, and between an event and its arrival. */
  delayMs: number;
}

const FIRST_VERSION = 10;

export const NO_TROUBLE: Trouble = { failing: 0, reset: 0, twice: 0, silent: false, delayMs: 1 };

/** One kind at an API server, in memory: its objects, the log of its events, and what of that log is forgotten. Follows the real one as far as list and watch go. */
export class SimulatedKind implements ListWatch<SimulatedObject> {
  trouble: Trouble = NO_TROUBLE;
  readonly #clock: FakeClock;
  readonly #random: () => number;
  readonly #objects = new Map<string, SimulatedObject>();
  readonly #log: Logged[] = [];
  readonly #watchers = new Set<() => void>();
  readonly #pages = new Map<string, { items: SimulatedObject[]; version: number }>();
  #version = FIRST_VERSION;
  #compacted = FIRST_VERSION;
  #uids = 0;

  constructor(clock: FakeClock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  get objects(): ReadonlyMap<string, SimulatedObject> {
    return this.#objects;
  }

  put(name: string, value: number): void {
    const before = this.#objects.get(`n/${name}`);
    this.#version += 1;
    const uid = before?.metadata.uid ?? `uid-${++this.#uids}`;
    const metadata = { namespace: 'n', name, uid, resourceVersion: String(this.#version) };
    this.#objects.set(`n/${name}`, { metadata, value });
    this.#emit(before === undefined ? 'ADDED' : 'MODIFIED', { metadata, value });
  }

  remove(name: string): void {
    const before = this.#objects.get(`n/${name}`);
    if (before === undefined) return;
    this.#objects.delete(`n/${name}`);
    this.#version += 1;
    this.#emit('DELETED', { ...before, metadata: { ...before.metadata, resourceVersion: String(this.#version) } });
  }

  /** Watches and pages from before are answered by 410. */
  compact(): void {
    this.#compacted = this.#version;
    this.#pages.clear();
  }

  async list(
    { resourceVersion, continueToken, limit, signal }: ListOptions,
    item: (object: SimulatedObject) => void,
  ): Promise<ListPage> {
    await this.#answer(signal);
    const held = continueToken === '' ? this.#snapshot(resourceVersion) : this.#pages.get(continueToken);
    if (held === undefined) throw new RequestError('Expired', 'the continue token has expired', { status: 410 });
    const rest = held.items.slice(limit);
    const next = rest.length === 0 ? '' : `${held.version}-${rest.length}-${this.#pages.size}`;
    if (next !== '') this.#pages.set(next, { items: rest, version: held.version });
    for (const object of held.items.slice(0, limit)) item(object);
    return { resourceVersion: String(held.version), continueToken: next };
  }

  async watch({ resourceVersion, signal }: WatchOptions, observer: WatchObserver<SimulatedObject>): Promise<void> {
    await this.#answer(signal);
    let at = Number(resourceVersion);
    if (at < this.#compacted) throw new RequestError('Expired', 'too old resource version', { status: 410 });
    observer.opened();
    while (!signal.aborted) {
      const next = this.#log.find(({ version }) => version > at);
      if (next === undefined) await this.#news(signal);
      else {
        await this.#arrival(signal);
        at = next.version;
        observer.event(next.type, next.object);
        if (this.#happens(this.trouble.twice)) observer.event(next.type, next.object);
        if (this.#happens(this.trouble.reset)) throw new RequestError('Transient', 'reset');
      }
    }
  }

  /** What is at hand may be older than the newest; what is asked for consistently is not. */
  #snapshot(resourceVersion: string): { items: SimulatedObject[]; version: number } {
    const newest = { items: [...this.#objects.values()], version: this.#version };
    if (resourceVersion !== '0' || this.#random() < 0.5) return newest;
    // Of one of several API servers, which lags behind, older than what etcd still has.
    const version = FIRST_VERSION + Math.floor(this.#random() * (this.#version - FIRST_VERSION + 1));
    const items = new Map(newest.items.map((object) => [objectKey(object), object]));
    // Backwards: what the log says was done since is undone.
    for (const { version: of, object } of this.#log) if (of > version) items.delete(objectKey(object));
    for (const { version: of, type, object } of this.#log)
      if (of <= version) {
        if (type === 'DELETED') items.delete(objectKey(object));
        else items.set(objectKey(object), object);
      }
    return { items: [...items.values()], version };
  }

  async #answer(signal: AbortSignal): Promise<void> {
    await this.#arrival(signal);
    if (this.#happens(this.trouble.failing)) throw new RequestError('Transient', 'no answer');
  }

  async #arrival(signal: AbortSignal): Promise<void> {
    await this.#pause(this.trouble.delayMs * this.#random(), signal);
    while (this.trouble.silent && !signal.aborted) await this.#pause(1_000_000, signal);
    signal.throwIfAborted();
  }

  #news(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#watchers.delete(wake);
        resolve();
      };
      this.#watchers.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  #pause(delayMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.schedule(delayMs, resolve);
      signal.addEventListener('abort', () => {
        timer.cancel();
        resolve();
      });
    });
  }

  #happens(share: number): boolean {
    return share > 0 && this.#random() < share;
  }

  #emit(type: EventType, object: SimulatedObject): void {
    this.#log.push({ type, version: this.#version, object });
    for (const wake of [...this.#watchers]) wake();
  }
}
