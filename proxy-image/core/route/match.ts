import type { RequestMatch } from '../../contract/resources.ts';
import type { LoadRegexEngine } from './engine.ts';
import { compilePattern, type PathPattern } from './pattern.ts';
import type { CompiledMatch } from './table.ts';

/** A compiled match with what can be known of its paths in advance. */
export interface MatchPlan {
  readonly match: CompiledMatch;
  readonly exactPath: string | null;
  readonly prefix: string;
}

/** Throws when an expression is refused by the engine. */
export function compileMatch(match: RequestMatch, loadEngine: LoadRegexEngine): MatchPlan {
  switch (match.type) {
    case 'method':
      return { match: new MethodMatch(match.method), exactPath: null, prefix: '' };
    case 'path': {
      const pattern = compilePattern(match.regex, loadEngine);
      return { match: new PathMatch(pattern), exactPath: pattern.exact, prefix: pattern.prefix };
    }
    case 'all':
      return allOf(match.of.map((child) => compileMatch(child, loadEngine)));
    case 'any':
      return anyOf(match.of.map((child) => compileMatch(child, loadEngine)));
    case 'not':
      return { match: new NotMatch(compileMatch(match.of, loadEngine).match), exactPath: null, prefix: '' };
  }
}

function allOf(children: readonly MatchPlan[]): MatchPlan {
  if (children.length === 1) return children[0]!;
  const exactPath = children.find((child) => child.exactPath !== null)?.exactPath ?? null;
  const prefix = children.reduce((longest, { prefix }) => (prefix.length > longest.length ? prefix : longest), '');
  return { match: new AllMatch(children.map((child) => child.match)), exactPath, prefix };
}

function anyOf(children: readonly MatchPlan[]): MatchPlan {
  if (children.length === 1) return children[0]!;
  const prefix = children.map((child) => child.prefix).reduce(commonPrefix, children[0]?.prefix ?? '');
  return { match: new AnyMatch(children.map((child) => child.match)), exactPath: null, prefix };
}

function commonPrefix(a: string, b: string): string {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return a.slice(0, length);
}

class MethodMatch implements CompiledMatch {
  readonly #method: string;
  constructor(method: string) {
    this.#method = method;
  }
  matches(method: string): boolean {
    return method === this.#method;
  }
}

class PathMatch implements CompiledMatch {
  readonly #pattern: PathPattern;
  constructor(pattern: PathPattern) {
    this.#pattern = pattern;
  }
  matches(_method: string, path: string): boolean {
    return this.#pattern.matches(path);
  }
}

class AllMatch implements CompiledMatch {
  readonly #of: readonly CompiledMatch[];
  constructor(of: readonly CompiledMatch[]) {
    this.#of = of;
  }
  matches(method: string, path: string): boolean {
    for (const child of this.#of) if (!child.matches(method, path)) return false;
    return true;
  }
}

class AnyMatch implements CompiledMatch {
  readonly #of: readonly CompiledMatch[];
  constructor(of: readonly CompiledMatch[]) {
    this.#of = of;
  }
  matches(method: string, path: string): boolean {
    for (const child of this.#of) if (child.matches(method, path)) return true;
    return false;
  }
}

class NotMatch implements CompiledMatch {
  readonly #of: CompiledMatch;
  constructor(of: CompiledMatch) {
    this.#of = of;
  }
  matches(method: string, path: string): boolean {
    return !this.#of.matches(method, path);
  }
}
