import { readMeta } from '../crds/parse/metadata.ts';
import { controllerOf, type OwnerReference } from '../webhooks/inject/owner.ts';
import type { InjectionOutcome } from '../webhooks/inject/webhook.ts';
import type { EventContent, EventRecorder, EventSubject } from './kube/events.ts';
import { type ResourceType, resourcePath } from './kube/resources.ts';
import type { RestClient } from './kube/rest.ts';
import { type Clock, sleep, withDeadline } from './runtime/clock.ts';
import type { Log } from './runtime/log.ts';
import type { Component } from './runtime/manager.ts';

/** Owners that wait for their event; a cluster that starts anew brings thousands of pods of some hundred owners within seconds. */
const WAITING_MAX = 1_000;
/** Owners remembered, so that a thousand pods of one of them are one event. */
const TOLD_MAX = 5_000;
/** The same is said again after so long: while it counts as the same event still (`kube/events.ts`: ten minutes). */
const REPEAT_MS = 9 * 60_000;
/** Something else about the same owner is said after so long. */
const CHANGE_MS = 10_000;
/** Between two events: the API server has more important writers. Also the time in which pods of one owner arrive together. */
const PAUSE_MS = 100;
const REQUEST_TIMEOUT_MS = 5_000;

/** Owners that people do not look at: theirs is what they wrote. */
const CLIMBED: Readonly<Record<string, ResourceType>> = {
  'apps/v1 ReplicaSet': { group: 'apps', version: 'v1', plural: 'replicasets' },
  'batch/v1 Job': { group: 'batch', version: 'v1', plural: 'jobs' },
};

export interface InjectionEventsParts {
  rest: RestClient;
  events: Pick<EventRecorder, 'record'>;
  /** Empty while the cache has not seen the pod, which is created after its admission. */
  podUid: (namespace: string, name: string) => string;
  clock: Clock;
  log: Log;
}

interface News {
  namespace: string;
  owner: OwnerReference;
  content: EventContent;
}

/**
 * Tells the owner of pods by Events that they were injected, with which warnings, or why not: the warnings of an admission reach only who sent the pod, which is
 * a controller. Written behind the admission, which never waits for it: of one owner the newest is kept, beyond `WAITING_MAX` owners nothing is.
 */
export class InjectionEvents implements Component {
  readonly name = 'events of injection';
  readonly #parts: InjectionEventsParts;
  readonly #waiting = new Map<string, News>();
  readonly #told = new Map<string, { note: string; atMs: number }>();
  readonly #abort = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #isRunning = false;
  #isFull = false;

  constructor(parts: InjectionEventsParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  /** Never throws and never waits. */
  offer(outcome: InjectionOutcome): void {
    const content = contentOf(outcome);
    const owner = outcome.owner ?? ofPod(outcome.podName);
    if (content === null || owner.kind === '' || owner.name === '' || this.#abort.signal.aborted) return;
    const key = JSON.stringify([outcome.namespace, owner.kind, owner.name, owner.uid, content.reason]);
    if (!this.#isNews(key, content.note) || !this.#hasRoom(key)) return;
    this.#waiting.set(key, { namespace: outcome.namespace, owner, content });
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#running = this.#drain();
  }

  #isNews(key: string, note: string): boolean {
    const told = this.#told.get(key);
    if (told === undefined) return true;
    return this.#parts.clock.nowMs() - told.atMs >= (told.note === note ? REPEAT_MS : CHANGE_MS);
  }

  #hasRoom(key: string): boolean {
    const wasFull = this.#isFull;
    this.#isFull = this.#waiting.size >= WAITING_MAX && !this.#waiting.has(key);
    if (this.#isFull && !wasFull) this.#parts.log.warn('events of injection are left out: too many owners wait', {});
    return !this.#isFull;
  }

  async #drain(): Promise<void> {
    const { clock } = this.#parts;
    const { signal } = this.#abort;
    while (this.#waiting.size > 0 && !signal.aborted) {
      await sleep(clock, PAUSE_MS, signal);
      if (signal.aborted) break;
      const [key, news] = this.#waiting.entries().next().value!;
      this.#waiting.delete(key);
      this.#remember(key, news.content.note);
      await this.#write(news);
    }
    this.#isRunning = false;
  }

  #remember(key: string, note: string): void {
    this.#told.delete(key);
    this.#told.set(key, { note, atMs: this.#parts.clock.nowMs() });
    const oldest = this.#told.keys().next();
    if (this.#told.size > TOLD_MAX && oldest.done !== true) this.#told.delete(oldest.value);
  }

  async #write({ namespace, owner, content }: News): Promise<void> {
    const { clock, events, log } = this.#parts;
    try {
      await withDeadline(clock, REQUEST_TIMEOUT_MS, this.#abort.signal, async (signal) => {
        await events.record(await this.#subject(namespace, owner, signal), content, signal);
      });
    } catch {
      log.debug('an event of injection took too long', { namespace, owner: owner.name, reason: content.reason });
    }
  }

  async #subject(namespace: string, owner: OwnerReference, signal: AbortSignal): Promise<EventSubject> {
    const { apiVersion, kind, name, uid } = await this.#climb(namespace, owner, signal);
    const slash = apiVersion.indexOf('/');
    const type = { group: apiVersion.slice(0, Math.max(0, slash)), version: apiVersion.slice(slash + 1), plural: '' };
    return { type, kind, namespace, name, uid: isPod(owner) ? this.#parts.podUid(namespace, name) : uid };
  }

  /** From a ReplicaSet to its Deployment or Rollout, from a Job to its CronJob. An owner that cannot be read is told itself. */
  async #climb(namespace: string, owner: OwnerReference, signal: AbortSignal): Promise<OwnerReference> {
    const key = `${owner.apiVersion} ${owner.kind}`;
    const type = Object.hasOwn(CLIMBED, key) ? CLIMBED[key] : undefined;
    if (type === undefined) return owner;
    try {
      const path = resourcePath(type, namespace, owner.name);
      const object = await this.#parts.rest.json({ method: 'GET', path, signal });
      return readMeta(object).uid === owner.uid ? (controllerOf(object) ?? owner) : owner;
    } catch {
      return owner;
    }
  }
}

/** What is worth an event: `null` for pods that nobody wanted injected, and for a second look at one that has our proxy. */
function contentOf({ isDryRun, injected, warnings }: InjectionOutcome): EventContent | null {
  if (isDryRun || (!injected && warnings.length === 0)) return null;
  const said = warnings.join('; ');
  const note = injected ? ['pods get a proxy', said].filter((text) => text !== '').join('; ') : said;
  const reason = injected ? 'Injected' : 'InjectionSkipped';
  return { type: warnings.length === 0 ? 'Normal' : 'Warning', reason, action: 'Inject', note };
}

/** A pod without an owner is its own. */
function ofPod(name: string): OwnerReference {
  return { apiVersion: 'v1', kind: 'Pod', name, uid: '' };
}

function isPod({ apiVersion, kind }: OwnerReference): boolean {
  return apiVersion === 'v1' && kind === 'Pod';
}
