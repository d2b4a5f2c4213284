import type { RequestMatch, Route } from '../../contract/resources.ts';
import type { CompiledClass } from '../classify/classify.ts';
import { compileClass } from '../classify/compile.ts';
import { UNRESOLVED } from '../series.ts';
import type { LoadRegexEngine } from './engine.ts';
import { compileMatch, type MatchPlan } from './match.ts';
import { type Direction, type IndexedRoute, NO_ROUTES, RouteTable } from './table.ts';

/** `match` null: a part of it is of a type this proxy does not know, so the route matches nothing. */
export type RouteSource = Omit<Route, 'match'> & { match: RequestMatch | null };

export interface RouteProblem {
  /** Index in the list. */
  index: number;
  message: string;
}

/** One for all routes without classes. */
const NO_CLASSES: readonly CompiledClass[] = [];

const NEVER: MatchPlan = { match: { matches: () => false }, exactPath: null, prefix: '' };

/**
 * Compiles the routes of one destination. A route with an expression that the engine refuses matches nothing (Linkerd drops it) and is reported;
 * the others are not touched by it.
 */
export function compileRoutes(
  direction: Direction,
  dst: string,
  sources: readonly RouteSource[],
  loadEngine: LoadRegexEngine,
): { table: RouteTable; problems: RouteProblem[] } {
  const problems: RouteProblem[] = [];
  const routes = sources.map((source, index): IndexedRoute => {
    const plan = planOf(source.match, loadEngine, (message) => problems.push({ index, message }));
    return { order: index, entry: entryOf(direction, dst, source), ...plan };
  });
  const table = dst === '' && routes.length === 0 ? NO_ROUTES : new RouteTable(direction, dst, routes);
  return { table, problems };
}

function planOf(match: RequestMatch | null, loadEngine: LoadRegexEngine, report: (message: string) => void): MatchPlan {
  if (match === null) return NEVER;
  try {
    return compileMatch(match, loadEngine);
  } catch (error) {
    report(error instanceof Error ? error.message : String(error));
    return NEVER;
  }
}

function entryOf(direction: Direction, dst: string, source: RouteSource) {
  return {
    direction,
    dst,
    name: source.name,
    isRetryable: source.isRetryable,
    timeoutMs: source.timeoutMs,
    timeouts: { requestMs: source.timeoutMs, responseMs: 0, idleMs: 0 },
    classes: source.responseClasses.length === 0 ? NO_CLASSES : source.responseClasses.map(compileClass),
    series: UNRESOLVED,
    generation: UNRESOLVED,
  };
}
