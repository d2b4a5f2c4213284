import type { RequestMatch, TextMatch } from '../../contract/policy/match.ts';
import type { LoadRegexEngine } from './engine.ts';
import { compilePattern, type PathPattern } from './pattern.ts';
import type { RequestFacts } from './request.ts';

/** A compiled `RequestMatch`. */
export interface RequestMatcher {
  /** `path`: of the target, without the query, as it is to be read. */
  matches(request: RequestFacts, path: string): boolean;
}

/** Throws when an expression is refused by the engine. */
export function compileRequestMatch(match: RequestMatch, loadEngine: LoadRegexEngine): RequestMatcher {
  const child = (of: RequestMatch) => compileRequestMatch(of, loadEngine);
  switch (match.type) {
    case 'method':
      return new MethodMatcher(match.method);
    case 'path':
      return new PathMatcher(compilePattern(match.regex, loadEngine));
    case 'pathExact':
      return new ExactPathMatcher(match.path);
    case 'pathPrefix':
      return new PrefixMatcher(match.path);
    case 'header':
      return new HeaderMatcher(match.name, compileText(match.value, loadEngine));
    case 'query':
      return new QueryMatcher(match.name, compileText(match.value, loadEngine));
    case 'host':
      return new HostMatcher(match.host);
    case 'grpc': {
      const part = (text: TextMatch | null) => (text === null ? null : compileText(text, loadEngine));
      return new GrpcMatcher(part(match.service), part(match.method));
    }
    case 'all':
      return match.of.length === 1 ? child(match.of[0]!) : new AllMatcher(match.of.map(child));
    case 'any':
      return match.of.length === 1 ? child(match.of[0]!) : new AnyMatcher(match.of.map(child));
    case 'not':
      return new NotMatcher(child(match.of));
  }
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

class MethodMatcher implements RequestMatcher {
  readonly #method: string;
  constructor(method: string) {
    this.#method = method;
  }
  matches(request: RequestFacts): boolean {
    return request.method === this.#method;
  }
}

class PathMatcher implements RequestMatcher {
  readonly #pattern: PathPattern;
  constructor(pattern: PathPattern) {
    this.#pattern = pattern;
  }
  matches(_: RequestFacts, path: string): boolean {
    return this.#pattern.matches(path);
  }
}

class ExactPathMatcher implements RequestMatcher {
  readonly #path: string;
  constructor(path: string) {
    this.#path = path;
  }
  matches(_: RequestFacts, path: string): boolean {
    return path === this.#path;
  }
}

const SLASH = 0x2f;

/** Whole segments (Gateway API: PathMatchPathPrefix). */
class PrefixMatcher implements RequestMatcher {
  /** Without a slash at its end: empty = every path. */
  readonly #prefix: string;
  constructor(prefix: string) {
    this.#prefix = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
  }
  matches(_: RequestFacts, path: string): boolean {
    const { length } = this.#prefix;
    return path.startsWith(this.#prefix) && (path.length === length || path.charCodeAt(length) === SLASH);
  }
}

class HeaderMatcher implements RequestMatcher {
  readonly #name: string;
  readonly #value: TextMatcher;
  constructor(name: string, value: TextMatcher) {
    this.#name = name;
    this.#value = value;
  }
  matches(request: RequestFacts): boolean {
    const value = request.joined(this.#name);
    return value !== null && this.#value.matches(value);
  }
}

/** The first parameter of the name counts (Gateway API: HTTPQueryParamMatch). */
class QueryMatcher implements RequestMatcher {
  readonly #name: string;
  readonly #value: TextMatcher;
  constructor(name: string, value: TextMatcher) {
    this.#name = name;
    this.#value = value;
  }
  matches({ target }: RequestFacts): boolean {
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
class HostMatcher implements RequestMatcher {
  readonly #host: string;
  readonly #isSuffix: boolean;
  constructor(host: string) {
    this.#isSuffix = host.startsWith('*.');
    this.#host = (this.#isSuffix ? host.slice(1) : host).toLowerCase();
  }
  matches({ host }: RequestFacts): boolean {
    const name = withoutPort(host).toLowerCase();
    return this.#isSuffix ? name.length > this.#host.length && name.endsWith(this.#host) : name === this.#host;
  }
}

function withoutPort(host: string): string {
  const colon = host.lastIndexOf(':');
  return colon === -1 || host.endsWith(']') ? host : host.slice(0, colon);
}

/** `/service/method`, by POST (gRPC over HTTP/2: Requests). */
class GrpcMatcher implements RequestMatcher {
  readonly #service: TextMatcher | null;
  readonly #method: TextMatcher | null;
  constructor(service: TextMatcher | null, method: TextMatcher | null) {
    this.#service = service;
    this.#method = method;
  }
  matches(request: RequestFacts, path: string): boolean {
    const slash = path.indexOf('/', 1);
    if (request.method !== 'POST' || slash === -1 || path.charCodeAt(0) !== SLASH) return false;
    if (this.#service !== null && !this.#service.matches(path.slice(1, slash))) return false;
    return this.#method === null || this.#method.matches(path.slice(slash + 1));
  }
}

class AllMatcher implements RequestMatcher {
  readonly #of: readonly RequestMatcher[];
  constructor(of: readonly RequestMatcher[]) {
    this.#of = of;
  }
  matches(request: RequestFacts, path: string): boolean {
    for (const child of this.#of) if (!child.matches(request, path)) return false;
    return true;
  }
}

class AnyMatcher implements RequestMatcher {
  readonly #of: readonly RequestMatcher[];
  constructor(of: readonly RequestMatcher[]) {
    this.#of = of;
  }
  matches(request: RequestFacts, path: string): boolean {
    for (const child of this.#of) if (child.matches(request, path)) return true;
    return false;
  }
}

class NotMatcher implements RequestMatcher {
  readonly #of: RequestMatcher;
  constructor(of: RequestMatcher) {
    this.#of = of;
  }
  matches(request: RequestFacts, path: string): boolean {
    return !this.#of.matches(request, path);
  }
}
