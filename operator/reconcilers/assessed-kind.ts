import type { Assessment, Finding } from '../../crds/kinds/assessment.ts';
import { listed } from '../../crds/kinds/assessment.ts';
import type { AssessedStatus } from '../../crds/kinds/row.ts';
import type { ClusterState } from '../../crds/state/cluster-state.ts';
import type { ObjectRef } from '../../crds/state/object-ref.ts';
import { recording } from '../../crds/state/recording.ts';
import type { Model } from '../../crds/types/kind-name.ts';
import type { Problem } from '../../crds/types/problem.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Outcome } from '../runtime/controller.ts';
import { splitKey } from '../runtime/list-watch.ts';
import { condition, findingCondition, type WantedCondition } from '../status/condition.ts';
import { type Progress, programmed, proxyShare } from '../status/programmed.ts';
import type { Assessments, ObjectQueue } from './assessments.ts';
import type { Seen } from './seen.ts';
import type { Report, StatusPublisher } from './status-publisher.ts';

/** One kind whose objects are assessed each by itself. */
export interface AssessedKind<M extends Model> extends AssessedStatus<M> {
  /** `KindName.id` */
  id: string;
  find(key: string): Seen<M> | undefined;
}

export interface AssessedDependencies {
  state: ClusterState;
  assessments: Assessments;
  publisher: StatusPublisher;
  progress: (object: ObjectRef) => Progress;
  clock: Clock;
}

/** Brings the status of one object in line with what the cluster says of it. Nothing is compiled here: proxies have been told already. */
export class AssessedReconciler<M extends Model> {
  readonly #kind: AssessedKind<M>;
  readonly #given: AssessedDependencies;

  constructor(kind: AssessedKind<M>, given: AssessedDependencies) {
    this.#kind = kind;
    this.#given = given;
  }

  /** @param queue where the object is put again when something that its assessment read has changed */
  async reconcile(queue: ObjectQueue, key: string, signal: AbortSignal): Promise<Outcome> {
    const { assessments, publisher } = this.#given;
    const resource = this.#kind.find(key);
    if (resource === undefined || resource.deleting) {
      assessments.forget(queue, key);
      publisher.forget(key);
      return;
    }
    await publisher.greet(key, resource, signal);
    const { report, againInMs } = await this.#look(queue, key, resource, signal);
    await publisher.publish(key, resource, report, signal);
    return againInMs > 0 ? { requeueAfterMs: againInMs } : undefined;
  }

  async #look(queue: ObjectQueue, key: string, resource: Seen<M>, signal: AbortSignal) {
    const { state, assessments, publisher } = this.#given;
    const { model, problems } = resource.parsed;
    const record = recording(state);
    try {
      const assessment = model === null ? unusable(problems) : this.#kind.assess(record.view, model);
      assessments.note(queue, key, record.reads);
      return this.#report(key, resource, assessment);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const verdict = { outcome: 'failed', reason: 'InternalError', message } as const;
      await publisher.publish(key, resource, { verdict, conditions: [], fields: {} }, signal);
      throw error;
    }
  }

  #report(key: string, resource: Seen<M>, assessment: Assessment): { report: Report; againInMs: number } {
    const { progress, publisher, clock } = this.#given;
    const { model, problems } = resource.parsed;
    const conditions = [
      acceptedCondition(assessment.accepted, problems),
      findingCondition('ResolvedRefs', assessment.resolvedRefs),
    ];
    const fields: Record<string, unknown> = model === null ? {} : { ...this.#kind.fields?.(model) };
    const present = publisher.present(key, resource, 'Programmed');
    const state = progress({ kind: this.#kind.id, ...splitKey(key) });
    const result = programmed(state, clock.nowMs(), present);
    conditions.push(result.condition ?? present!);
    fields['proxies'] = proxyShare(state);
    return { report: { verdict: assessment.verdict, conditions, fields }, againInMs: result.againInMs };
  }
}

/** What does not parse is named field by field; the last version that did stays in force. */
function unusable(problems: readonly Problem[]): Assessment {
  const message = listed(problems.filter(({ severity }) => severity === 'error').map(describe));
  return {
    accepted: { ok: false, reason: 'Invalid', message },
    resolvedRefs: { ok: false, reason: 'Invalid', message: 'not looked at: the object is invalid' },
    verdict: { outcome: 'invalid', reason: 'Invalid', message },
  };
}

/** What is doubtful but legal is said on the condition too: not everybody reads the warnings of `kubectl apply`. */
function acceptedCondition(finding: Finding, problems: readonly Problem[]): WantedCondition {
  const warnings = problems.filter(({ severity }) => severity === 'warning').map(describe);
  if (!finding.ok || warnings.length === 0) return findingCondition('Accepted', finding);
  return condition('Accepted', 'True', 'AcceptedWithWarnings', listed(warnings));
}

function describe({ path, message }: Problem): string {
  return `${path}: ${message}`;
}
