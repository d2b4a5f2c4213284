import type { RequestMatch } from '../../../proxy-image/contract/policy/match.ts';
import type { Fields } from '../../parse/fields.ts';
import { quote } from '../../scalars/scalar.ts';
import { isMethod } from '../../scalars/token.ts';
import type { MatchRank, RouteMatch } from '../route/model.ts';
import type { RuleScope } from '../route/scope.ts';
import { parseHeaders, parseQuery } from '../route/text-match.ts';

/** What a rule matches that has no matches, and a match that says nothing of the path (Gateway API: HTTPRouteRule `matches`). */
export const EVERY_PATH: RequestMatch = { type: 'pathPrefix', path: '/' };

/**
 * The first two figures of a rank. The API puts exact paths before prefixes and leaves regular expressions open; they stand between, for they match all of a
 * path as an exact one does (linkerd2-proxy counts them so).
 */
const PATH_RANK = { exact: 3, regex: 2, prefix: 1 } as const;

/** The rank of a match that is for every request. */
export const LEAST_RANK: MatchRank = rankOf(EVERY_PATH, false, 0, 0);

/** One of `matches` (Gateway API: HTTPRouteMatch). All that it says must hold. */
export function parseHttpMatch(match: Fields, scope: RuleScope): RouteMatch {
  scope.known(match, ['path', 'headers', 'queryParams', 'method']);
  const path = parsePath(match, scope);
  const method = parseMethod(match);
  const headers = parseHeaders(match, scope);
  const query = parseQuery(match, scope);
  const of = [path, ...method, ...headers, ...query].filter((each) => !isEveryPath(each));
  return {
    match: of.length === 0 ? EVERY_PATH : of.length === 1 ? of[0]! : { type: 'all', of },
    rank: rankOf(path, method.length > 0, headers.length, query.length),
  };
}

/** Gateway API, HTTPRouteRule `matches`: exact path, longest prefix, method, most headers, most query parameters. */
function rankOf(path: RequestMatch, method: boolean, headers: number, query: number): MatchRank {
  return [...pathRank(path), method ? 1 : 0, headers, query];
}

function pathRank(path: RequestMatch): MatchRank {
  switch (path.type) {
    case 'pathExact':
      return [PATH_RANK.exact, 0];
    case 'pathPrefix':
      return [PATH_RANK.prefix, path.path.length];
    default:
      return [PATH_RANK.regex, 0];
  }
}

function isEveryPath(match: RequestMatch): boolean {
  return match.type === 'pathPrefix' && match.path === '/';
}

function parsePath(match: Fields, scope: RuleScope): RequestMatch {
  const path = match.object('path');
  if (path === null) return EVERY_PATH;
  scope.known(path, ['type', 'value']);
  const type = path.text('type') || 'PathPrefix';
  const value = path.has('value') ? path.text('value') : '/';
  switch (type) {
    case 'Exact':
      checkAbsolute(path, value);
      return { type: 'pathExact', path: value };
    case 'PathPrefix':
      checkAbsolute(path, value);
      return { type: 'pathPrefix', path: withoutSlash(value) };
    case 'RegularExpression':
      return { type: 'path', regex: scope.regex(path, 'value') };
    default:
      path.problems.error(path.at('type'), `must be Exact, PathPrefix or RegularExpression, not ${quote(type)}`);
      return EVERY_PATH;
  }
}

/** A trailing `/` of a prefix has no meaning (Gateway API: PathMatchPathPrefix). */
function withoutSlash(prefix: string): string {
  return prefix.length > 1 && prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
}

/** Paths that a client's are normalised away from, or that its request line could not hold, match nothing: the API refuses them as well. */
const UNREACHABLE = /\/\/|\/\.{1,2}(?:\/|$)|%2f|[#?\s]/i;

function checkAbsolute(path: Fields, value: string): void {
  if (!value.startsWith('/')) path.problems.error(path.at('value'), `must start with /, not be ${quote(value)}`);
  else if (UNREACHABLE.test(value)) {
    path.problems.error(path.at('value'), `must not have //, /./, /../, %2F, # or ?, as ${quote(value)} has`);
  }
}

function parseMethod(match: Fields): RequestMatch[] {
  const method = match.text('method');
  if (method === '') return [];
  if (!isMethod(method)) match.problems.error(match.at('method'), `must be an HTTP method, not ${quote(method)}`);
  return [{ type: 'method', method }];
}
