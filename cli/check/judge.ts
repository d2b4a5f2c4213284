import type { Category, Check, Finding } from './facts/check.ts';
import type { Facts } from './facts/facts.ts';

/** What became of one check. */
export interface Verdict {
  check: Check;
  result: 'success' | 'warning' | 'error';
  findings: readonly Finding[];
  /** Why it could not be carried out; empty where it was. */
  unread: string;
}

export interface JudgedCategory {
  name: string;
  verdicts: readonly Verdict[];
}

/** Carries out checks, in order, until one finds what makes the rest meaningless. */
export function judge(categories: readonly Category[], facts: Facts): readonly JudgedCategory[] {
  const { namespace } = facts.observed;
  const judged: JudgedCategory[] = [];
  for (const { name, checks, isOfWorkloads } of categories) {
    const verdicts: Verdict[] = [];
    judged.push({ name, verdicts });
    for (const check of checks) {
      const verdict = verdictOf(check, facts, isOfWorkloads ? namespace : null);
      verdicts.push(verdict);
      if (check.isFatal && verdict.result !== 'success') return judged;
    }
  }
  return judged;
}

/** What could not be looked at counts as what it might have found: √ would say that somebody has looked. */
function verdictOf(check: Check, facts: Facts, namespace: string | null): Verdict {
  const reasons = check.needs.flatMap((name) => facts.observed.unread.get(name) ?? []);
  if (reasons.length > 0) {
    return { check, result: check.severity, findings: [], unread: [...new Set(reasons)].join('; ') };
  }
  const found = check.run(facts);
  const findings = namespace === null ? found : found.filter((each) => each.namespace === namespace);
  return { check, result: findings.length === 0 ? 'success' : check.severity, findings, unread: '' };
}

export function isSuccess(judged: readonly JudgedCategory[]): boolean {
  return judged.every(({ verdicts }) => verdicts.every(({ result }) => result !== 'error'));
}
