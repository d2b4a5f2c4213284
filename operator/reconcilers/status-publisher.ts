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

export interface EventSink {
  /** Never rejects. */
  record(
    target: EventTarget,
    event: { type: 'Normal' | 'Warning'; reason: string; action: string; note: string },
    signal: AbortSignal,
  ): Promise<void>;
}

/** A look at an object, before it becomes a status. */
export interface Report {
  verdict: Verdict;
  /** Beside `Ready`, `Reconciling` and `Stalled`, which follow from the verdict. */
  conditions: readonly WantedCondition[];
  /** Fields of the kind's own. */
  fields: Readonly<Record<string, unknown>>;
}

/** Writes reports into the status of objects: only what differs, and with an Event when an object stalls. */
export class StatusPublisher {
  readonly #kind: TargetKind;
  readonly #writer: StatusWriter;
  readonly #events: EventSink;
  readonly #clock: Clock;
  /** What was written last, and to which version of the object: the cache shows it only after a round trip. */
  readonly #written = new Map<string, { basis: string; status: ObjectStatus; version: string }>();
  readonly #pace = new CounterPace();

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
    if (!statusDiffers(status, present)) return 0;
    const onlyCounters = onlyCountersDiffer(status, present);
    const waitMs = onlyCounters ? this.#pace.waitMs(key, this.#clock.nowMs()) : 0;
    if (waitMs > 0) return waitMs;
    await this.#write(key, resource, status, signal);
    if (onlyCounters) this.#pace.wrote(key, this.#clock.nowMs());
    return 0;
  }

  async #write(key: string, resource: Seen<unknown>, status: ObjectStatus, signal: AbortSignal): Promise<void> {
    const present = this.#statusOf(key, resource);
    const { meta } = resource;
    const { namespace, name, uid } = meta;
    const resourceVersion = this.#ownEcho(key, resource)?.version ?? meta.resourceVersion;
    const target = { kind: this.#kind, namespace, name, uid, resourceVersion };
    try {
      const version = await this.#writer.write(target, status, signal);
      this.#written.set(key, { basis: meta.resourceVersion, status, version });
    } catch (error) {
      // Deleted, created anew, or changed meanwhile: what is there now gets an event of its own.
      if (failureOf(error) === 'NotFound' || failureOf(error) === 'Conflict') return;
      throw error;
    }
    await this.#tell(target, readConditions(present), status.conditions, signal);
  }

  forget(key: string): void {
    this.#written.delete(key);
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

  async #tell(
    target: EventTarget,
    before: readonly Condition[],
    after: readonly Condition[],
    signal: AbortSignal,
  ): Promise<void> {
    const stalled = after.find(({ type }) => type === 'Stalled');
    const was = before.find(({ type }) => type === 'Stalled');
    if (stalled === undefined || (was?.reason === stalled.reason && was.message === stalled.message)) return;
    const { reason, message: note } = stalled;
    await this.#events.record(target, { type: 'Warning', reason, action: 'Reconcile', note }, signal);
  }
}

/** -1 is the schema's default: nobody has looked. */
function generationOf(status: unknown): number {
  if (typeof status !== 'object' || status === null || !('observedGeneration' in status)) return -1;
  return typeof status.observedGeneration === 'number' ? status.observedGeneration : -1;
}
