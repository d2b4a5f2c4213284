import type { RequestMatch, TextMatch } from '../../contract/policy/match.ts';
import type { LoadRegexEngine } from './engine.ts';
import { compilePattern, type PathPattern } from './pattern.ts';
import type { RequestFacts } from './request.ts';
import type { CompiledMatch, MatchPlan } from './table.ts';

/** Throws when an expression is refused by the engine. */
export function compileMatch(match: RequestMatch, loadEngine: LoadRegexEngine): MatchPlan {
  switch (match.type) {
    case 'method':
      return anyPath(new MethodMatcher(match.method));
    case 'path': {
      const pattern = compilePattern(match.regex, loadEngine);
      return onPath(new PathMatcher(pattern), pattern.exact, pattern.prefix);
    }
    case 'pathExact':
      return onPath(new ExactPathMatcher(match.path), match.path, match.path);
    case 'pathPrefix': {
      const matcher = new PrefixMatcher(match.path);
      return onPath(matcher, null, matcher.prefix);
    }
    case 'grpc':
      return planGrpc(match.service, match.method, loadEngine);
    case 'header':
      return further(new HeaderMatcher(match.name, compileText(match.value, loadEngine)));
    case 'query':
      return further(new QueryMatcher(match.name, compileText(match.value, loadEngine)));
    case 'host':
      return further(new HostMatcher(match.host));
    case 'all':
      return allOf(match.of.map((child) => compileMatch(child, loadEngine)));
    case 'any':
      return anyOf(match.of.map((child) => compileMatch(child, loadEngine)));
    case 'not': {
      const { match: of, looksFurther } = compileMatch(match.of, loadEngine);
      return { match: new NotMatcher(of), exactPath: null, prefix: '', looksFurther };
    }
  }
}

function anyPath(match: CompiledMatch): MatchPlan {
  return onPath(match, null, '');
}

function onPath(match: CompiledMatch, exactPath: string | null, prefix: string): MatchPlan {
  return { match, exactPath, prefix, looksFurther: false };
}

function further(match: CompiledMatch): MatchPlan {
  return { match, exactPath: null, prefix: '', looksFurther: true };
}

function planGrpc(service: TextMatch | null, method: TextMatch | null, loadEngine: LoadRegexEngine): MatchPlan {
  const part = (text: TextMatch | null) => (text === null ? null : compileText(text, loadEngine));
  const matcher = new GrpcMatcher(part(service), part(method));
  if (service?.type !== 'exact') return onPath(matcher, null, '/');
  const exactPath = method?.type === 'exact' ? `/${service.value}/${method.value}` : null;
  return onPath(matcher, exactPath, exactPath ?? `/${service.value}/`);
}

function allOf(children: readonly MatchPlan[]): MatchPlan {
  if (children.length === 1) return children[0]!;
  const exactPath = children.find((child) => child.exactPath !== null)?.exactPath ?? null;
  const prefix = children.reduce((longest, { prefix }) => (prefix.length > longest.length ? prefix : longest), '');
  const matcher = new AllMatcher(children.map((child) => child.match));
  return { match: matcher, exactPath, prefix, looksFurther: children.some((child) => child.looksFurther) };
}

function anyOf(children: readonly MatchPlan[]): MatchPlan {
  if (children.length === 1) return children[0]!;
  const prefix = children.map((child) => child.prefix).reduce(commonPrefix, children[0]?.prefix ?? '');
  const matcher = new AnyMatcher(children.map((child) => child.match));
  return { match: matcher, exactPath: null, prefix, looksFurther: children.some((child) => child.looksFurther) };
}

function commonPrefix(a: string, b: string): string {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return a.slice(0, length);
}

interface TextMatcher {
  matches(text: string): boolean;
}

function compileText(match: TextMatch, loadEngine: LoadRegexEngine): TextMatcher {
  return match.type === 'exact' ? new ExactText(match.value) : compilePattern(match.regex, loadEngine);
}

class ExactText implements TextMatcher {
  readonly #value: string;
  constructor(value: string) {
    this.#value = value;
  }
  matches(text: string): boolean {
    return text === this.#value;
  }
}

class MethodMatcher implements CompiledMatch {
  readonly #method: string;
  constructor(method: string) {
    this.#method = method;
  }
  matches(method: string): boolean {
    return method === this.#method;
  }
}

class PathMatcher implements CompiledMatch {
  readonly #pattern: PathPattern;
  constructor(pattern: PathPattern) {
    this.#pattern = pattern;
  }
  matches(_method: string, path: string): boolean {
    return this.#pattern.matches(path);
  }
}

class ExactPathMatcher implements CompiledMatch {
  readonly #path: string;
  constructor(path: string) {
    this.#path = path;
  }
  matches(_method: string, path: string): boolean {
    return path === this.#path;
  }
}

const SLASH = 0x2f;

/** Whole segments (Gateway API: PathMatchPathPrefix). */
class PrefixMatcher implements CompiledMatch {
  /** Without a slash at its end: empty = every path. */
  readonly prefix: string;
  constructor(prefix: string) {
    this.prefix = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
  }
  matches(_method: string, path: string): boolean {
    const { length } = this.prefix;
    return path.startsWith(this.prefix) && (path.length === length || path.charCodeAt(length) === SLASH);
  }
}

class HeaderMatcher implements CompiledMatch {
  readonly #name: string;
  readonly #value: TextMatcher;
  constructor(name: string, value: TextMatcher) {
    this.#name = name;
    this.#value = value;
  }
  matches(_method: string, _path: string, request: RequestFacts): boolean {
    const value = request.joined(this.#name);
    return value !== null && this.#value.matches(value);
  }
}

/** The first parameter of the name counts (Gateway API: HTTPQueryParamMatch). */
class QueryMatcher implements CompiledMatch {
  readonly #name: string;
  readonly #value: TextMatcher;
  constructor(name: string, value: TextMatcher) {
    this.#name = name;
    this.#value = value;
  }
  matches(_method: string, _path: string, { target }: RequestFacts): boolean {
    const query = target.indexOf('?');
    for (let at = query + 1; query !== -1 && at <= target.length; ) {
      const ampersand = target.indexOf('&', at);
      const end = ampersand === -1 ? target.length : ampersand;
      const equals = target.indexOf('=', at);
      const nameEnd = equals === -1 || equals > end ? end : equals;
      if (decoded(target.slice(at, nameEnd)) === this.#name) {
        return this.#value.matches(decoded(target.slice(Math.min(nameEnd + 1, end), end)));
      }
      at = end + 1;
    }
    return false;
  }
}

/** application/x-www-form-urlencoded; what is no valid escape stands for itself. */
function decoded(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}

/** Whatever the port is. `*.example.com` stands for any number of labels before it (Gateway API: Hostname). */
class HostMatcher implements CompiledMatch {
  readonly #host: string;
  readonly #isSuffix: boolean;
  constructor(host: string) {
    this.#isSuffix = host.startsWith('*.');
    this.#host = (this.#isSuffix ? host.slice(1) : host).toLowerCase();
  }
  matches(_method: string, _path: string, { host }: RequestFacts): boolean {
    const name = withoutPort(host).toLowerCase();
    return this.#isSuffix ? name.length > this.#host.length && name.endsWith(this.#host) : name === this.#host;
  }
}

function withoutPort(host: string): string {
  const colon = host.lastIndexOf(':');
  return colon === -1 || host.endsWith(']') ? host : host.slice(0, colon);
}

/** `/service/method`, by POST (gRPC over HTTP/2: Requests). */
class GrpcMatcher implements CompiledMatch {
  readonly #service: TextMatcher | null;
  readonly #method: TextMatcher | null;
  constructor(service: TextMatcher | null, method: TextMatcher | null) {
    this.#service = service;
    this.#method = method;
  }
  matches(method: string, path: string): boolean {
    const slash = path.indexOf('/', 1);
    if (method !== 'POST' || slash === -1 || path.charCodeAt(0) !== SLASH) return false;
    if (this.#service !== null && !this.#service.matches(path.slice(1, slash))) return false;
    return this.#method === null || this.#method.matches(path.slice(slash + 1));
  }
}

class AllMatcher implements CompiledMatch {
  readonly #of: readonly CompiledMatch[];
  constructor(of: readonly CompiledMatch[]) {
    this.#of = of;
  }
  matches(method: string, path: string, request: RequestFacts): boolean {
    for (const child of this.#of) if (!child.matches(method, path, request)) return false;
    return true;
  }
}

class AnyMatcher implements CompiledMatch {
  readonly #of: readonly CompiledMatch[];
  constructor(of: readonly CompiledMatch[]) {
    this.#of = of;
  }
  matches(method: string, path: string, request: RequestFacts): boolean {
    for (const child of this.#of) if (child.matches(method, path, request)) return true;
    return false;
  }
}

class NotMatcher implements CompiledMatch {
  readonly #of: CompiledMatch;
  constructor(of: CompiledMatch) {
    this.#of = of;
  }
  matches(method: string, path: string, request: RequestFacts): boolean {
    return !this.#of.matches(method, path, request);
  }
}
