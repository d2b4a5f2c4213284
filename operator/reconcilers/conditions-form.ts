import type { Assessment, Finding } from '../../crds/kinds/assessment.ts';
import { listed } from '../../crds/kinds/assessment.ts';
import type { AssessedStatus } from '../../crds/kinds/row.ts';
import type { ClusterView } from '../../crds/state/view.ts';
import type { Model } from '../../crds/types/kind-name.ts';
import type { Parsed, Problem } from '../../crds/types/problem.ts';
import { type Condition, condition, findingCondition, type WantedCondition } from '../status/condition.ts';
import type { Found, StatusForm } from './assessed-kind.ts';
import type { Seen } from './seen.ts';
import type { StatusPublisher } from './status-publisher.ts';

/** The status of custom kinds: the conditions of the object, and fields of the kind's own. */
export class ConditionsForm<M extends Model> implements StatusForm<M, Assessment> {
  readonly #status: AssessedStatus<M>;
  readonly #publisher: StatusPublisher;

  constructor(status: AssessedStatus<M>, publisher: StatusPublisher) {
    this.#status = status;
    this.#publisher = publisher;
  }

  assess(view: ClusterView, { model, problems }: Parsed<M>): Assessment {
    return model === null ? unusable(problems) : this.#status.assess(view, model);
  }

  programmed(key: string, seen: Seen<M>): Condition | null {
    return this.#publisher.present(key, seen, 'Programmed');
  }

  publish(key: string, seen: Seen<M>, found: Found<Assessment>, signal: AbortSignal): Promise<number> {
    const { model, problems } = seen.parsed;
    const { verdict, accepted, resolvedRefs } = found.assessment;
    const conditions = [
      acceptedCondition(accepted, problems),
      findingCondition('ResolvedRefs', resolvedRefs),
      found.programmed,
    ];
    const proxies = found.proxies ?? this.#publisher.presentShare(key, seen);
    const fields = { ...(model === null ? {} : this.#status.fields?.(model)), proxies };
    return this.#publisher.publish(key, seen, { verdict, conditions, fields }, signal);
  }

  greet(key: string, seen: Seen<M>, signal: AbortSignal): Promise<void> {
    return this.#publisher.greet(key, seen, signal);
  }

  async publishFailure(key: string, seen: Seen<M>, message: string, signal: AbortSignal): Promise<void> {
    const verdict = { outcome: 'failed', reason: 'InternalError', message } as const;
    await this.#publisher.publish(key, seen, { verdict, conditions: [], fields: {} }, signal);
  }

  forget(key: string): void {
    this.#publisher.forget(key);
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
