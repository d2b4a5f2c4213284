import type { ParentAssessment, ParentsStatus } from '../../crds/kinds/row.ts';
import type { ClusterState } from '../../crds/state/cluster-state.ts';
import type { ObjectRef } from '../../crds/state/object-ref.ts';
import { recording } from '../../crds/state/recording.ts';
import type { Model } from '../../crds/types/kind-name.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Outcome } from '../runtime/controller.ts';
import { failureOf } from '../runtime/errors.ts';
import { splitKey } from '../runtime/list-watch.ts';
import { findingCondition, type WantedCondition } from '../status/condition.ts';
import { conditionOfOurs, parentsToWrite, type WantedParent } from '../status/parents.ts';
import { type Progress, programmed } from '../status/programmed.ts';
import type { Assessments, ObjectQueue } from './assessments.ts';
import type { Seen } from './seen.ts';

/** One kind whose status speaks of each parent by itself. */
export interface ParentsKind<M extends Model> extends ParentsStatus<M> {
  /** `KindName.id` */
  id: string;
  find(key: string): Seen<M> | undefined;
}

export interface ParentsDependencies {
  state: ClusterState;
  assessments: Assessments;
  /**
   * Replaces `status.parents` of that very version of the object. Rejects with a `RequestError`; `Conflict`: it has another version by now, with what somebody
   * else may have written there.
   */
  write: (seen: Seen<Model>, parents: readonly unknown[], signal: AbortSignal) => Promise<void>;
  progress: (object: ObjectRef) => Progress;
  clock: Clock;
}

/** Keeps the entries of ours in `status.parents` true. Nothing is compiled here: proxies have been told already. */
export class ParentsReconciler<M extends Model> {
  readonly #kind: ParentsKind<M>;
  readonly #given: ParentsDependencies;

  constructor(kind: ParentsKind<M>, given: ParentsDependencies) {
    this.#kind = kind;
    this.#given = given;
  }

  /** @param queue where the object is put again when something that its assessment read has changed */
  async reconcile(queue: ObjectQueue, key: string, signal: AbortSignal): Promise<Outcome> {
    const { assessments, clock } = this.#given;
    const seen = this.#kind.find(key);
    if (seen === undefined || seen.deleting) {
      assessments.forget(queue, key);
      return;
    }
    const { wanted, againInMs } = this.#look(queue, key, seen);
    const parents = parentsToWrite(wanted, seen.status, seen.meta.generation, clock.wallMs());
    if (parents !== null) await this.#write(seen, parents, signal);
    return againInMs > 0 ? { requeueAfterMs: againInMs } : undefined;
  }

  #look(queue: ObjectQueue, key: string, seen: Seen<M>): { wanted: WantedParent[]; againInMs: number } {
    const { state, assessments, progress, clock } = this.#given;
    const { model } = seen.parsed;
    const record = recording(state);
    const assessed = model === null ? [] : this.#kind.assess(record.view, model);
    assessments.note(queue, key, record.reads);
    if (!assessed.some(({ accepted }) => accepted.ok)) {
      return { wanted: assessed.map((parent) => wantedOf(parent, null)), againInMs: 0 };
    }
    const present = conditionOfOurs(seen.status, 'Programmed');
    const result = programmed(progress({ kind: this.#kind.id, ...splitKey(key) }), clock.nowMs(), present);
    const given = result.condition ?? present;
    return { wanted: assessed.map((parent) => wantedOf(parent, given)), againInMs: result.againInMs };
  }

  async #write(seen: Seen<M>, parents: readonly unknown[], signal: AbortSignal): Promise<void> {
    try {
      await this.#given.write(seen, parents, signal);
    } catch (error) {
      // Deleted, or another version: an event of its own comes, or is on the way.
      if (failureOf(error) !== 'NotFound' && failureOf(error) !== 'Conflict') throw error;
    }
  }
}

/** What is not accepted has no effect, so that no proxy can be behind with it. */
function wantedOf(parent: ParentAssessment, programmedCondition: WantedCondition | null): WantedParent {
  const { parentRef, accepted, resolvedRefs, partiallyInvalid } = parent;
  const conditions = [findingCondition('Accepted', accepted), findingCondition('ResolvedRefs', resolvedRefs)];
  if (partiallyInvalid !== null) conditions.push(findingCondition('PartiallyInvalid', partiallyInvalid));
  if (accepted.ok && programmedCondition !== null) conditions.push(programmedCondition);
  return { parentRef, conditions };
}
