import type { RequestMatch } from '../../contract/policy/match.ts';
import type { LoadRegexEngine } from './engine.ts';
import { compileMatch } from './match.ts';
import { type MatchPlan, RouteTable } from './table.ts';

export interface RouteProblem {
  /** Index in the list. */
  index: number;
  message: string;
}

/** A rule to be compiled, with what it decides. */
export interface RuleSource<E> {
  readonly match: RequestMatch;
  readonly entry: E;
  /** In place of `entry`, for every request, where the engine refuses an expression of the match; `null` = the rule then matches nothing (Linkerd drops such a route). */
  readonly refusal: E | null;
}

const NEVER: MatchPlan = { match: { matches: () => false }, exactPath: null, prefix: '', looksFurther: false };
const ALWAYS: MatchPlan = { match: { matches: () => true }, exactPath: null, prefix: '', looksFurther: false };

/** Compiles rules. One with an expression that the engine refuses is reported, and does not touch the others. */
export function compileTable<E>(
  sources: readonly RuleSource<E>[],
  fallback: E,
  loadEngine: LoadRegexEngine,
): { table: RouteTable<E>; problems: RouteProblem[] } {
  const problems: RouteProblem[] = [];
  const entries: E[] = [];
  const plans = sources.map(({ match, entry, refusal }, index): MatchPlan => {
    const plan = planOf(match, loadEngine, (message) => problems.push({ index, message }));
    entries.push(plan === null && refusal !== null ? refusal : entry);
    return plan ?? (refusal === null ? NEVER : ALWAYS);
  });
  return { table: new RouteTable(plans, entries, fallback), problems };
}

function planOf(match: RequestMatch, loadEngine: LoadRegexEngine, report: (message: string) => void): MatchPlan | null {
  try {
    return compileMatch(match, loadEngine);
  } catch (error) {
    report(error instanceof Error ? error.message : String(error));
    return null;
  }
}
