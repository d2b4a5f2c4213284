import { type ParentAssessment, type ParentsStatus, ROUTE_PROGRAMMED } from '../../crds/kinds/row.ts';
import type { ClusterView } from '../../crds/state/view.ts';
import type { Model } from '../../crds/types/kind-name.ts';
import type { Parsed } from '../../crds/types/problem.ts';
import type { Clock } from '../runtime/clock.ts';
import { failureOf } from '../runtime/errors.ts';
import { type Condition, findingCondition, type WantedCondition } from '../status/condition.ts';
import { CounterPace } from '../status/pace.ts';
import { conditionOfOurs, parentsToWrite, type WantedParent } from '../status/parents.ts';
import type { Found, StatusForm } from './assessed-kind.ts';
import type { Seen } from './seen.ts';

/**
 * Replaces `status.parents` of that very version of the object. Rejects with a `RequestError`; `Conflict`: it has another version by now, with what somebody
 * else may have written there.
 */
export type WriteParents = (seen: Seen<Model>, parents: readonly unknown[], signal: AbortSignal) => Promise<void>;

/** The status of the Gateway API's routes: conditions for each parent, in `status.parents`, where only the entries of ours are. */
export class ParentsForm<M extends Model> implements StatusForm<M, ParentAssessment[]> {
  readonly #status: ParentsStatus<M>;
  readonly #write: WriteParents;
  readonly #clock: Clock;
  readonly #pace = new CounterPace();

  constructor(status: ParentsStatus<M>, write: WriteParents, clock: Clock) {
    this.#status = status;
    this.#write = write;
    this.#clock = clock;
  }

  assess(view: ClusterView, { model }: Parsed<M>): ParentAssessment[] {
    return model === null ? [] : this.#status.assess(view, model);
  }

  programmed(_: string, { status }: Seen<M>): Condition | null {
    return conditionOfOurs(status, ROUTE_PROGRAMMED);
  }

  async publish(key: string, seen: Seen<M>, found: Found<ParentAssessment[]>, signal: AbortSignal): Promise<number> {
    const wanted = found.assessment.map((parent) => wantedOf(parent, found.programmed));
    const write = parentsToWrite(wanted, seen.status, seen.meta.generation, this.#clock.wallMs());
    if (write === null) return 0;
    const waitMs = write.onlyCounters ? this.#pace.waitMs(key, this.#clock.nowMs()) : 0;
    if (waitMs > 0) return waitMs;
    try {
      await this.#write(seen, write.parents, signal);
      if (write.onlyCounters) this.#pace.wrote(key, this.#clock.nowMs());
    } catch (error) {
      // Deleted, or another version: an event of its own comes, or is on the way.
      if (failureOf(error) !== 'NotFound' && failureOf(error) !== 'Conflict') throw error;
    }
    return 0;
  }

  forget(key: string): void {
    this.#pace.forget(key);
  }
}

/** What is not accepted has no effect, so that no proxy can be behind with it. */
function wantedOf(parent: ParentAssessment, programmed: WantedCondition): WantedParent {
  const { parentRef, accepted, resolvedRefs, partiallyInvalid } = parent;
  const conditions = [findingCondition('Accepted', accepted), findingCondition('ResolvedRefs', resolvedRefs)];
  if (partiallyInvalid !== null) conditions.push(findingCondition('PartiallyInvalid', partiallyInvalid));
  // Of the present generation always: Argo CD takes a parent with a condition of another one for a sync that goes on.
  const { observedGeneration: _, ...stated } = programmed;
  if (accepted.ok) conditions.push({ ...stated, type: ROUTE_PROGRAMMED });
  return { parentRef, conditions };
}
