/**
 * Routes of the service that is called. `few` and `unary` = four, of which the last one matches: a page, or a gRPC method. The others are
 * fifty that a path picks one of, as a generator from an OpenAPI file writes them (`segments`), or with a choice that needs a
 * regular-expression engine (`alternatives`).
 */
export type CalledRoutes = 'few' | 'unary' | 'segments' | 'alternatives';

export const MANY_ROUTES = 50;

/** Of the fifty, in order; `load/paths.lua` makes paths for them. */
export function manyPathRegexes(routes: Exclude<CalledRoutes, 'few' | 'unary'>): string[] {
  const last = routes === 'segments' ? '[^/]+' : '([a-z]+|[0-9]+)';
  return Array.from({ length: MANY_ROUTES }, (_, index) => `/api/v${index}/items/${last}`);
}

export function manyRouteName(index: number): string {
  return `items-v${index}`;
}
