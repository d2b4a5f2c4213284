import { readMeta } from '../crds/parse/metadata.ts';
import { controllerOf, type OwnerReference } from '../webhooks/inject/owner.ts';
import type { InjectionOutcome } from '../webhooks/inject/webhook.ts';
import type { EventContent, EventRecorder, EventSubject } from './kube/events.ts';
import { type ResourceType, resourcePath } from './kube/resources.ts';
import type { RestClient } from './kube/rest.ts';
import { PacedEvents } from './paced-events.ts';
import type { Clock } from './runtime/clock.ts';
import type { Log } from './runtime/log.ts';
import type { Component } from './runtime/manager.ts';

/** Owners remembered, so that a thousand pods of one of them are one event. */
const TOLD_MAX = 5_000;
/** The same is said again after so long: while it counts as the same event still (`kube/events.ts`: ten minutes). */
const REPEAT_MS = 9 * 60_000;
/** Something else about the same owner is said after so long. */
const CHANGE_MS = 10_000;

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
 * a controller. Written behind the admission, which never waits for it.
 */
export class InjectionEvents implements Component {
  readonly name = 'events of injection';
  readonly #parts: InjectionEventsParts;
  readonly #paced: PacedEvents;
  readonly #told = new Map<string, { note: string; atMs: number }>();

  constructor(parts: InjectionEventsParts) {
    this.#parts = parts;
    this.#paced = new PacedEvents('injection', parts.clock, parts.log);
  }

  async start(): Promise<void> {}

  stop(): Promise<void> {
    return this.#paced.stop();
  }

  /** Never throws and never waits. */
  offer(outcome: InjectionOutcome): void {
    const content = contentOf(outcome);
    const owner = outcome.owner ?? ofPod(outcome.podName);
    if (content === null || owner.kind === '' || owner.name === '') return;
    const key = JSON.stringify([outcome.namespace, owner.kind, owner.name, owner.uid, content.reason]);
    if (!this.#isNews(key, content.note)) return;
    this.#paced.offer(key, (signal) => {
      this.#remember(key, content.note);
      return this.#write({ namespace: outcome.namespace, owner, content }, signal);
    });
  }

  #isNews(key: string, note: string): boolean {
    const told = this.#told.get(key);
    if (told === undefined) return true;
    return this.#parts.clock.nowMs() - told.atMs >= (told.note === note ? REPEAT_MS : CHANGE_MS);
  }

  #remember(key: string, note: string): void {
    this.#told.delete(key);
    this.#told.set(key, { note, atMs: this.#parts.clock.nowMs() });
    const oldest = this.#told.keys().next();
    if (this.#told.size > TOLD_MAX && oldest.done !== true) this.#told.delete(oldest.value);
  }

  async #write({ namespace, owner, content }: News, signal: AbortSignal): Promise<void> {
    await this.#parts.events.record(await this.#subject(namespace, owner, signal), content, signal);
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
