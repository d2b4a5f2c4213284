/**
 * Fuzzes expressions that users write: what the proxy matches by itself it matches as the engine would, and what the operator accepts the proxy accepts.
 */
import { RE2JS } from 're2js';
import { parsePathRegex, patternSize } from '../../crds/scalars/path-regex.ts';
import { compilePattern, type PathPattern } from '../../proxy-image/core/route/pattern.ts';
import { regexEngine } from '../unit/core/fixtures.ts';
import { runFromCommandLine } from './driver.ts';
import { Mutator } from './mutator.ts';

const EXPRESSIONS: readonly string[] = [
  '/books/[^/]*',
  '/static/.*',
  '/a/b',
  '^/v[0-9]+/users/(?P<id>\\d+)$',
  '/(?:a|b)/[a-z]{1,3}',
  '/items/[^/]+/reviews',
  '/.*\\.(png|jpe?g)',
  '(/api)?/x',
  '/\\Q.*\\E/y',
  '(?i)/Case',
  '/[[:alpha:]]+/\\w*',
  '/ü/\\pL+',
  '/a\\.b/[\\-x]',
];

const PIECES: readonly string[] = [
  ...['*', '+', '?', '.', '^', '$', '|', '(', ')', '[', ']', '{', '}', '\\', '/', '-', ',', ':', ' ', '#', '\n'],
  ...[
    '.*',
    '.+?',
    '[^/]*',
    '[^]',
    '[]a]',
    '[a-',
    '\\d',
    '\\D',
    '\\Q',
    '\\E',
    '\\b',
    '\\A',
    '\\z',
    '\\x{41}',
    '\\pN',
    '\\/',
  ],
  ...['(?:', '(?i)', '(?s)', '(?P<a>', '(?<b>', '{2}', '{0,3}', '{1001}', '{,2}', 'ü', 'é', 'ab'],
];

export interface FuzzInput {
  expression: string;
  paths: string[];
}

export class Fuzzer {
  readonly #mutator: Mutator;

  constructor(seed: number) {
    this.#mutator = new Mutator(seed);
  }

  next(): FuzzInput {
    const seed = this.#mutator.pick(EXPRESSIONS);
    const expression = this.#mutator.text(seed, PIECES);
    const paths = Array.from({ length: 4 }, () => this.#path(expression));
    return { expression, paths };
  }

  /** Near what the expression says literally. */
  #path(expression: string): string {
    const literal = expression.replace(/\\[QEdDwpPbBAzx]|[\^$()[\]{}|?*+\\]/g, '').replace(/\./g, 'x');
    return this.#mutator.text(literal, ['/', 'a', '0', '.', '\n', '-', 'books', '//', ' ', 'Z'], 3);
  }
}

export function check({ expression, paths }: FuzzInput): void {
  patternSize(expression);
  const reference = compiledBy(() => RE2JS.compile(expression));
  const pattern = compiledBy(() => compilePattern(expression, regexEngine));
  const judged = parsePathRegex(expression);
  if (judged.ok && pattern === null) throw new Error('accepted when written, refused by the proxy');
  if (judged.ok && !Number.isFinite(judged.value.cost)) throw new Error('a cost without end');
  if (reference === null && pattern !== null) throw new Error('the proxy accepts what the engine refuses');
  if (reference === null || pattern === null) return;
  for (const path of paths) {
    const expected = reference.testExact(path);
    if (pattern.matches(path) !== expected) throw new Error(`${JSON.stringify(path)}: the engine says ${expected}`);
    if (expected) checkShortcuts(pattern, path);
  }
}

/** The index of routes skips what these rule out. */
function checkShortcuts({ exact, prefix }: PathPattern, path: string): void {
  if (exact !== null && exact !== path) throw new Error(`${JSON.stringify(path)} matches beside the exact path`);
  if (!path.startsWith(prefix)) throw new Error(`${JSON.stringify(path)} matches without the prefix`);
}

function compiledBy<T>(compile: () => T): T | null {
  try {
    return compile();
  } catch (error) {
    if (error instanceof TypeError) throw error;
    return null;
  }
}

if (import.meta.main) runFromCommandLine('patterns', (seed) => new Fuzzer(seed), check);
