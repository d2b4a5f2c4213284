import type { ClusterState } from '../../crds/state/cluster-state.ts';
import type { ObjectRef } from '../../crds/state/object-ref.ts';
import { recording } from '../../crds/state/recording.ts';
import type { ClusterView } from '../../crds/state/view.ts';
import type { Model } from '../../crds/types/kind-name.ts';
import type { Parsed } from '../../crds/types/problem.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Outcome } from '../runtime/controller.ts';
import { splitKey } from '../runtime/list-watch.ts';
import type { Condition, WantedCondition } from '../status/condition.ts';
import { sooner } from '../status/pace.ts';
import { type ProgressSource, programmed, proxyShare } from '../status/programmed.ts';
import type { Assessments, ObjectQueue } from './assessments.ts';
import type { Seen } from './seen.ts';

/** One kind whose objects are assessed each by itself. */
export interface AssessedKind<M extends Model> {
  /** `KindName.id` */
  id: string;
  find(key: string): Seen<M> | undefined;
}

/** What is found of one object. */
export interface Found<A> {
  assessment: A;
  /** The condition `Programmed`. */
  programmed: WantedCondition;
  /** How many proxies run with it, for people (`proxyShare`); `null`: what the object says now stays. */
  proxies: string | null;
}

/** What an assessment is, and how a status says it: that of the custom kinds, or that of the routes of the Gateway API. */
export interface StatusForm<M extends Model, A> {
  /** What is read through `view` is what the object depends on. */
  assess(view: ClusterView, parsed: Parsed<M>): A;
  /** The condition `Programmed` that the object has now. */
  programmed(key: string, seen: Seen<M>): Condition | null;
  /**
   * Writes what differs from what the object says. Resolves also where it is gone, or has another version by now; with the milliseconds after which counters that
   * differ may be written, 0 where nothing is left to write.
   */
  publish(key: string, seen: Seen<M>, found: Found<A>, signal: AbortSignal): Promise<number>;
  /** Says on an object that nobody has looked at that somebody does. */
  greet?(key: string, seen: Seen<M>, signal: AbortSignal): Promise<void>;
  /** Says that looking has failed. */
  publishFailure?(key: string, seen: Seen<M>, message: string, signal: AbortSignal): Promise<void>;
  /** The object is gone. */
  forget?(key: string): void;
}

export interface AssessedDependencies {
  state: ClusterState;
  assessments: Assessments;
  progress: ProgressSource;
  clock: Clock;
}

/** Brings the status of one object in line with what the cluster says of it. Nothing is compiled here: proxies have been told already. */
export class AssessedReconciler<M extends Model, A> {
  readonly #kind: AssessedKind<M>;
  readonly #form: StatusForm<M, A>;
  readonly #given: AssessedDependencies;

  constructor(kind: AssessedKind<M>, form: StatusForm<M, A>, given: AssessedDependencies) {
    this.#kind = kind;
    this.#form = form;
    this.#given = given;
  }

  /** @param queue where the object is put again when something that its assessment read has changed */
  async reconcile(queue: ObjectQueue, key: string, signal: AbortSignal): Promise<Outcome> {
    const form = this.#form;
    const seen = this.#kind.find(key);
    if (seen === undefined || seen.deleting) {
      this.#given.assessments.forget(queue, key);
      this.#given.progress.forget(this.#reference(key));
      form.forget?.(key);
      return;
    }
    await form.greet?.(key, seen, signal);
    const { found, againInMs } = await this.#look(queue, key, seen, signal);
    const requeueAfterMs = sooner(againInMs, await form.publish(key, seen, found, signal));
    return requeueAfterMs > 0 ? { requeueAfterMs } : undefined;
  }

  #reference(key: string): ObjectRef {
    return { kind: this.#kind.id, ...splitKey(key) };
  }

  async #look(queue: ObjectQueue, key: string, seen: Seen<M>, signal: AbortSignal) {
    const { state, assessments } = this.#given;
    const record = recording(state);
    try {
      const assessment = this.#form.assess(record.view, seen.parsed);
      assessments.note(queue, key, record.reads);
      return this.#found(key, seen, assessment);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      await this.#form.publishFailure?.(key, seen, message, signal);
      throw error;
    }
  }

  #found(key: string, seen: Seen<M>, assessment: A): { found: Found<A>; againInMs: number } {
    const progress = this.#given.progress.progress(this.#reference(key), seen.meta);
    const present = this.#form.programmed(key, seen);
    const result = programmed(progress, this.#given.clock.nowMs(), present);
    const found = { assessment, programmed: result.condition ?? present!, proxies: proxyShare(progress) };
    return { found, againInMs: result.againInMs };
  }
}
