import type { PathChange } from '../../contract/policy/filter.ts';

/** A request target (path and query) with another path (Gateway API: HTTPPathModifier). The query stays. `null` = the path stays too. */
export function changedTarget(target: string, change: PathChange | null): string {
  if (change === null) return target;
  const queryAt = target.indexOf('?');
  const path = queryAt === -1 ? target : target.slice(0, queryAt);
  const query = queryAt === -1 ? '' : target.slice(queryAt);
  return (change.type === 'full' ? change.path || '/' : withPrefix(path, change.prefix, change.path)) + query;
}

/** A `/` at the end of either prefix has no meaning. A path that does not begin with the prefix stays as it is: its match said otherwise. */
function withPrefix(path: string, prefix: string, replacement: string): string {
  const from = withoutSlash(prefix);
  if (!path.startsWith(from) || (path.length > from.length && path[from.length] !== '/')) return path;
  return withoutSlash(replacement) + path.slice(from.length) || '/';
}

function withoutSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}
