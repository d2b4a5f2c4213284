import type { TapLine } from '../../crds/viz/tap.ts';
import { DescriptionError } from './description-error.ts';
import { pathPattern } from './path-pattern.ts';
import type { DescribedRoute } from './service-profile.ts';

/** Routes that were seen, and whether there were more of them than are kept. */
export interface SeenRoutes {
  routes: DescribedRoute[];
  isCut: boolean;
}

/**
 * A route for each method and path that is asked for while it listens, as `linkerd viz profile --tap` makes them: by name. Queries are left out.
 * @throws DescriptionError: nothing was asked for
 */
export async function tapRoutes(lines: AsyncIterable<TapLine>, limit: number): Promise<SeenRoutes> {
  const seen = new Map<string, DescribedRoute>();
  let isCut = false;
  for await (const line of lines) {
    const request = line.type === 'event' ? line.event.requestInitEvent : undefined;
    if (request === undefined) continue;
    const path = request.path.split('?', 1)[0]!;
    const name = `${request.method} ${path}`;
    if (seen.has(name)) continue;
    isCut = seen.size >= limit;
    if (isCut) break;
    seen.set(name, { route: { name, condition: { method: request.method, pathRegex: literal(path) } }, line: 1 });
  }
  if (seen.size === 0) throw new DescriptionError([{ line: 1, message: 'no request was seen in this time' }]);
  const routes = [...seen].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, route]) => route);
  return { routes, isCut };
}

/** Braces of a path that was asked for are themselves, and no parameter. */
function literal(path: string): string {
  return path
    .split(/([{}])/)
    .map((part) => (part === '{' || part === '}' ? `\\${part}` : pathPattern(part)))
    .join('');
}
