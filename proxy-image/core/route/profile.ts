import type { Route } from '../../contract/resources.ts';
import { compileClasses } from '../classify/compile.ts';
import { UNRESOLVED } from '../series.ts';
import { compileTable, type RouteProblem } from './compile.ts';
import type { LoadRegexEngine } from './engine.ts';
import type { RouteEntry, RouteTable } from './table.ts';

/** Of the inbound side, which counts the routes of a profile and classifies by them; `dst` is empty where there is none. */
export function compileProfile(
  dst: string,
  routes: readonly Route[],
  loadEngine: LoadRegexEngine,
): { table: RouteTable<RouteEntry>; problems: RouteProblem[] } {
  const sources = routes.map(({ name, match, responseClasses }) => {
    return { match, entry: inboundRoute(dst, name, compileClasses(responseClasses)), refusal: null };
  });
  return compileTable(sources, inboundRoute(dst, '', compileClasses([])), loadEngine);
}

function inboundRoute(dst: string, name: string, classes: RouteEntry['classes']): RouteEntry {
  return { direction: 'inbound', dst, name, classes, series: UNRESOLVED, generation: UNRESOLVED };
}

/** What counts nothing. */
export const NO_ROUTE: RouteEntry = inboundRoute('', '', compileClasses([]));
