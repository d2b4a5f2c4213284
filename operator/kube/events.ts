import { createHash } from 'node:crypto';
import type { Clock } from '../runtime/clock.ts';
import { failureOf } from '../runtime/errors.ts';
import { errorFields, type Log } from '../runtime/log.ts';
import { microTime } from './lease.ts';
import { apiVersionOf, type ResourceType, resourcePath } from './resources.ts';
import type { RestClient } from './rest.ts';

const EVENTS: ResourceType = { group: 'events.k8s.io', version: 'v1', plural: 'events' };

/** Identical events within this time become one with a count (client-go `tools/events`: six minutes; ours is longer than a retry's pause). */
const SERIES_MS = 10 * 60_000;
/** Events remembered for counting. */
const SERIES_MAX = 1_000;
/** Limit of the API (`k8s.io/api/events/v1`). */
const NOTE_MAX = 1_024;

export interface EventSubject {
  type: ResourceType;
  kind: string;
  namespace: string;
  name: string;
  uid: string;
}

/** A subject as it was looked at. */
export interface EventOccasion extends EventSubject {
  resourceVersion: string;
}

export interface EventContent {
  type: 'Normal' | 'Warning';
  /** CamelCase. */
  reason: string;
  /** What was done, CamelCase. */
  action: string;
  note: string;
}

interface Series {
  name: string;
  count: number;
  lastMs: number;
}

/** Tells people, by `kubectl describe` and `kubectl events`, of what they should act on. A failure to do so is logged and forgotten. */
export class EventRecorder {
  readonly #rest: RestClient;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #source: { controller: string; instance: string };
  readonly #series = new Map<string, Series>();

  constructor(rest: RestClient, source: { controller: string; instance: string }, clock: Clock, log: Log) {
    this.#rest = rest;
    this.#clock = clock;
    this.#log = log;
    this.#source = source;
  }

  async record(subject: EventSubject, content: EventContent, signal: AbortSignal): Promise<void> {
    await this.#tell(subject, content, '', signal).catch((error) => this.#failed(content, error));
  }

  /**
   * The same, under a name that follows from the version of the object: whoever tells it again, because nobody knows whether it was told, makes no second one.
   * @throws RequestError where the API server may take it later
   */
  async announce(occasion: EventOccasion, content: EventContent, signal: AbortSignal): Promise<void> {
    try {
      await this.#tell(occasion, content, occasion.resourceVersion, signal);
    } catch (error) {
      if (['Transient', 'Throttled'].includes(failureOf(error))) throw error;
      this.#failed(content, error);
    }
  }

  #failed({ reason }: EventContent, error: unknown): void {
    this.#log.warn('could not record an event', { reason, ...errorFields(error) });
  }

  /** @param version of the object; empty: each occasion is one of its own */
  async #tell(subject: EventSubject, content: EventContent, version: string, signal: AbortSignal): Promise<void> {
    const key = JSON.stringify([subject.uid, subject.kind, subject.name, content]);
    const nowMs = this.#clock.wallMs();
    const series = this.#series.get(key);
    if (series !== undefined && nowMs - series.lastMs < SERIES_MS) await this.#repeat(subject, series, signal);
    else await this.#create(subject, content, { key, version }, signal);
  }

  async #create(
    subject: EventSubject,
    content: EventContent,
    { key, version }: { key: string; version: string },
    signal: AbortSignal,
  ): Promise<void> {
    const nowMs = this.#clock.wallMs();
    const hash = createHash('sha256')
      .update(`${key}${version === '' ? nowMs : version}`)
      .digest('hex')
      .slice(0, 16);
    const name = `${subject.name.slice(0, 200)}.${hash}`;
    const body = {
      apiVersion: apiVersionOf(EVENTS),
      kind: 'Event',
      metadata: { name, namespace: namespaceOf(subject) },
      eventTime: microTime(nowMs),
      reportingController: this.#source.controller,
      reportingInstance: this.#source.instance.slice(0, 128),
      regarding: {
        apiVersion: apiVersionOf(subject.type),
        kind: subject.kind,
        name: subject.name,
        ...(subject.namespace === '' ? {} : { namespace: subject.namespace }),
        ...(subject.uid === '' ? {} : { uid: subject.uid }),
      },
      type: content.type,
      reason: content.reason,
      action: content.action,
      note: content.note.slice(0, NOTE_MAX),
    };
    try {
      await this.#rest.json({ method: 'POST', path: resourcePath(EVENTS, namespaceOf(subject)), body, signal });
    } catch (error) {
      // Told already: by one who has led before, or by this process, which did not hear that it was.
      if (version === '' || failureOf(error) !== 'Conflict') throw error;
    }
    this.#remember(key, { name, count: 1, lastMs: nowMs });
  }

  async #repeat(subject: EventSubject, series: Series, signal: AbortSignal): Promise<void> {
    series.count += 1;
    series.lastMs = this.#clock.wallMs();
    await this.#rest.json({
      method: 'PATCH',
      path: resourcePath(EVENTS, namespaceOf(subject), series.name),
      body: { series: { count: series.count, lastObservedTime: microTime(series.lastMs) } },
      contentType: 'application/merge-patch+json',
      signal,
    });
  }

  #remember(key: string, series: Series): void {
    this.#series.delete(key);
    this.#series.set(key, series);
    const oldest = this.#series.keys().next();
    if (this.#series.size > SERIES_MAX && oldest.done !== true) this.#series.delete(oldest.value);
  }
}

/** Events of cluster-scoped objects live in `default` (the API server demands it). */
function namespaceOf(subject: EventSubject): string {
  return subject.namespace === '' ? 'default' : subject.namespace;
}
