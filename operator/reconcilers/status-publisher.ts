import type { KindRow } from '../../crds/kinds/row.ts';
import type { Clock } from '../runtime/clock.ts';
import { failureOf } from '../runtime/errors.ts';
import { onlyCountersDiffer, statusDiffers } from '../status/change.ts';
import {
  type Condition,
  type ObjectStatus,
  readConditions,
  stampConditions,
  type WantedCondition,
} from '../status/condition.ts';
import { CounterPace } from '../status/pace.ts';
import { UNKNOWN_SHARE } from '../status/programmed.ts';
import { observedGeneration, readiness, type Verdict } from '../status/verdict.ts';
import type { Seen } from './seen.ts';

/** What of a row says where its objects are. */
export type TargetKind = Pick<KindRow, 'group' | 'kind' | 'watched' | 'plural'>;

/** One object, to be told of by an Event. */
export interface EventTarget {
  kind: TargetKind;
  namespace: string;
  name: string;
  uid: string;
}

/** The same, to have its status written. */
export interface StatusTarget extends EventTarget {
  /** Of the object that was looked at: on another version the status would be a lie. */
  resourceVersion: string;
}

export interface StatusWriter {
  /**
   * Replaces the fields and conditions that this operator wrote before; resolves with the resourceVersion that the object has then. Rejects with a `RequestError`,
   * `Conflict` where the object is another one, or another version, by now.
   */
  write(target: StatusTarget, status: ObjectStatus, signal: AbortSignal): Promise<string>;
}

export interface EventText {
  type: 'Normal' | 'Warning';
  reason: string;
  action: string;
  note: string;
}

export interface EventSink {
  /** Never rejects. */
  record(target: EventTarget, event: EventText, signal: AbortSignal): Promise<void>;
  /** One for each version of the object, whoever tells of it. Rejects with a `RequestError` where it may be taken later. */
  announce(target: StatusTarget, event: EventText, signal: AbortSignal): Promise<void>;
}

/** A look at an object, before it becomes a status. */
export interface Report {
  verdict: Verdict;
  /** Beside `Ready`, `Reconciling` and `Stalled`, which follow from the verdict. */
  conditions: readonly WantedCondition[];
  /** Fields of the kind's own. */
  fields: Readonly<Record<string, unknown>>;
}

/**
 * Writes reports into the status of objects: only what differs, and with an Event when an object stalls. The Event comes first: whoever has written the status and
 * ended would have told nobody, and for the next one there would be nothing new to tell.
 */
export class StatusPublisher {
  readonly #kind: TargetKind;
  readonly #writer: StatusWriter;
  readonly #events: EventSink;
  readonly #clock: Clock;
  /** What was written last, and to which version of the object: the cache shows it only after a round trip. */
  readonly #written = new Map<string, { basis: string; status: ObjectStatus; version: string }>();
  readonly #pace = new CounterPace();
  /** What an Event has told of an object whose status does not say so yet. */
  readonly #told = new Map<string, string>();
  /** What no Event has told, for the API server did not take it, of an object whose status says so. */
  readonly #untold = new Map<string, string>();

  constructor(kind: TargetKind, writer: StatusWriter, events: EventSink, clock: Clock) {
    this.#kind = kind;
    this.#writer = writer;
    this.#events = events;
    this.#clock = clock;
  }

  /** Says "looking" on an object that nobody has looked at: a GitOps tool must not take silence for health. */
  async greet(key: string, resource: Seen<unknown>, signal: AbortSignal): Promise<void> {
    if (this.present(key, resource, 'Ready') !== null) return;
    await this.publish(key, resource, { verdict: { outcome: 'progressing' }, conditions: [], fields: {} }, signal);
  }

  /** A condition that the object has now. */
  present(key: string, resource: Seen<unknown>, type: string): Condition | null {
    return readConditions(this.#statusOf(key, resource)).find((each) => each.type === type) ?? null;
  }

  /** `proxies`, as the object has it now. */
  presentShare(key: string, resource: Seen<unknown>): string {
    const status = this.#statusOf(key, resource);
    const isThere = typeof status === 'object' && status !== null && 'proxies' in status;
    return isThere && typeof status.proxies === 'string' ? status.proxies : UNKNOWN_SHARE;
  }

  /** Resolves with the milliseconds after which counters that differ may be written; 0: nothing is left to write. */
  async publish(key: string, resource: Seen<unknown>, report: Report, signal: AbortSignal): Promise<number> {
    const present = this.#statusOf(key, resource);
    const status = this.#statusFor(resource, report, present);
    const news = this.#newsOf(key, readConditions(present), status.conditions);
    if (news === null && !statusDiffers(status, present)) return 0;
    const onlyCounters = news === null && onlyCountersDiffer(status, present);
    const waitMs = onlyCounters ? this.#pace.waitMs(key, this.#clock.nowMs()) : 0;
    if (waitMs > 0) return waitMs;
    const failure = news === null ? null : await this.#announce(key, resource, news, signal);
    if (statusDiffers(status, present)) await this.#write(key, resource, status, signal);
    if (onlyCounters) this.#pace.wrote(key, this.#clock.nowMs());
    // The status is true whether or not anybody has been told: it did not wait.
    if (failure !== null) throw failure.error;
    return 0;
  }

  async #write(key: string, resource: Seen<unknown>, status: ObjectStatus, signal: AbortSignal): Promise<void> {
    try {
      const version = await this.#writer.write(this.#target(key, resource), status, signal);
      this.#written.set(key, { basis: resource.meta.resourceVersion, status, version });
      this.#told.delete(key);
    } catch (error) {
      // Deleted, created anew, or changed meanwhile: what is there now gets an event of its own.
      if (failureOf(error) === 'NotFound' || failureOf(error) === 'Conflict') return;
      throw error;
    }
  }

  #target(key: string, resource: Seen<unknown>): StatusTarget {
    const { namespace, name, uid, resourceVersion } = resource.meta;
    return {
      kind: this.#kind,
      namespace,
      name,
      uid,
      resourceVersion: this.#ownEcho(key, resource)?.version ?? resourceVersion,
    };
  }

  forget(key: string): void {
    this.#written.delete(key);
    this.#told.delete(key);
    this.#untold.delete(key);
    this.#pace.forget(key);
  }

  #statusFor({ meta }: Seen<unknown>, { verdict, conditions, fields }: Report, present: unknown): ObjectStatus {
    const wanted = [...readiness(verdict), ...conditions];
    return {
      ...fields,
      observedGeneration: observedGeneration(verdict, meta.generation, generationOf(present)),
      conditions: stampConditions(wanted, readConditions(present), meta.generation, this.#clock.wallMs()),
    };
  }

  #statusOf(key: string, resource: Seen<unknown>): unknown {
    return this.#ownEcho(key, resource)?.status ?? resource.status;
  }

  /** What was written of this very version, which the cache does not show yet. */
  #ownEcho(key: string, { meta }: Seen<unknown>) {
    const written = this.#written.get(key);
    return written?.basis === meta.resourceVersion ? written : undefined;
  }

  /** `null`: nothing that people have not been told. */
  #newsOf(key: string, before: readonly Condition[], after: readonly Condition[]): Condition | null {
    const stalled = after.find(({ type }) => type === 'Stalled');
    if (stalled === undefined) {
      this.#told.delete(key);
      this.#untold.delete(key);
      return null;
    }
    const was = before.find(({ type }) => type === 'Stalled');
    const isSaid = was?.reason === stalled.reason && was.message === stalled.message;
    const isNews = isSaid ? this.#untold.get(key) === textOf(stalled) : this.#told.get(key) !== textOf(stalled);
    return isNews ? stalled : null;
  }

  /** `null`: people have been told. */
  async #announce(
    key: string,
    resource: Seen<unknown>,
    stalled: Condition,
    signal: AbortSignal,
  ): Promise<{ error: unknown } | null> {
    const { reason, message: note } = stalled;
    try {
      const event = { type: 'Warning', reason, action: 'Reconcile', note } as const;
      await this.#events.announce(this.#target(key, resource), event, signal);
      this.#told.set(key, textOf(stalled));
      this.#untold.delete(key);
      return null;
    } catch (error) {
      this.#untold.set(key, textOf(stalled));
      return { error };
    }
  }
}

function textOf({ reason, message }: Condition): string {
  return `${reason} ${message}`;
}

/** -1 is the schema's default: nobody has looked. */
function generationOf(status: unknown): number {
  if (typeof status !== 'object' || status === null || !('observedGeneration' in status)) return -1;
  return typeof status.observedGeneration === 'number' ? status.observedGeneration : -1;
}
