import { type CharTest, isPunctuation, readCharClass } from './char-class.ts';
import type { LoadRegexEngine, RegexProgram } from './engine.ts';

/** Longer expressions are refused: the engine is linear in text times expression: a long one is a way to burn CPU. */
export const MAX_REGEX_LENGTH = 1024;

/** A compiled `pathRegex`: matches whole paths only (Linkerd anchors both ends). */
export interface PathPattern {
  /** The only path that matches, or `null`. */
  readonly exact: string | null;
  /** Every matching path starts with it. */
  readonly prefix: string;
  matches(path: string): boolean;
}

/** A literal, or a run of characters of one class with its least and greatest length. */
type Piece =
  | { readonly literal: string }
  | { readonly literal: null; readonly test: CharTest; readonly min: number; readonly max: number };

/**
 * Compiles an expression. Literals, and runs whose end is plain from the next character (`/books/[^/]*`, `/static/.*`), are matched here by one pass
 * over the path; everything else by the engine. Throws what the engine throws, and on expressions that are too long.
 */
export function compilePattern(expression: string, loadEngine: LoadRegexEngine): PathPattern {
  if (expression.length > MAX_REGEX_LENGTH) {
    throw new RangeError(`longer than ${MAX_REGEX_LENGTH} characters`);
  }
  const pieces = simplePieces(expression);
  if (pieces === null) return new EnginePattern(literalPrefix(expression), loadEngine().compile(expression));
  return new SimplePattern(pieces);
}

class EnginePattern implements PathPattern {
  readonly exact = null;
  readonly prefix: string;
  readonly #program: RegexProgram;

  constructor(prefix: string, program: RegexProgram) {
    this.prefix = prefix;
    this.#program = program;
  }

  matches(path: string): boolean {
    return path.startsWith(this.prefix) && this.#program.matches(path);
  }
}

class SimplePattern implements PathPattern {
  readonly exact: string | null;
  readonly prefix: string;
  readonly #pieces: readonly Piece[];

  constructor(pieces: readonly Piece[]) {
    const first = pieces[0];
    this.prefix = first?.literal ?? '';
    this.exact = pieces.length === 0 || (pieces.length === 1 && first!.literal !== null) ? this.prefix : null;
    this.#pieces = pieces;
  }

  matches(path: string): boolean {
    let at = 0;
    for (const piece of this.#pieces) {
      if (piece.literal !== null) {
        if (!path.startsWith(piece.literal, at)) return false;
        at += piece.literal.length;
        continue;
      }
      const start = at;
      const end = Math.min(path.length, start + piece.max);
      while (at < end && piece.test(path.charCodeAt(at))) at++;
      if (at - start < piece.min) return false;
    }
    return at === path.length;
  }
}

/** The expression as pieces that need no backtracking, or `null` when it is not of that kind. */
function simplePieces(expression: string): Piece[] | null {
  const text = withoutAnchors(expression);
  const pieces: Piece[] = [];
  for (let at = 0; at < text.length; ) {
    const bracket = groupBracketAt(text, at);
    if (bracket > 0) {
      at += bracket;
      continue;
    }
    const step = classAt(text, at) ?? literalAt(text, at);
    if (step === null) return null;
    append(pieces, step.piece);
    at = step.next;
  }
  return pieces.every((piece, index) => isDeterministic(piece, pieces[index + 1])) && isBalanced(text) ? pieces : null;
}

function withoutAnchors(expression: string): string {
  const text = expression.startsWith('^') ? expression.slice(1) : expression;
  return /(^|[^\\])(\\\\)*\$$/.test(text) ? text.slice(0, -1) : text;
}

/** Length of a group's opening or closing when it means nothing here: not repeated, and (as a bar is no literal) without alternatives. */
function groupBracketAt(text: string, at: number): number {
  if (text[at] === ')') return isQuantifier(text[at + 1]) ? 0 : 1;
  if (text[at] !== '(') return 0;
  if (text[at + 1] !== '?') return 1;
  // Of the groups with a question mark only the plain and the named; flags change the meaning of what follows.
  return /^\(\?(:|P?<[A-Za-z_][A-Za-z0-9_]*>)/.exec(text.slice(at, at + 64))?.[0].length ?? 0;
}

/** Whether the engine would accept the groups: it refuses unbalanced ones and repeated names. */
function isBalanced(text: string): boolean {
  let depth = 0;
  const names = new Set<string>();
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '[') at = (readCharClass(text, at)?.next ?? text.length) - 1;
    else if (text[at] === ')') depth--;
    else if (text[at] === '(') {
      depth++;
      const name = /^\(\?P?<([^>]+)>/.exec(text.slice(at, at + 64))?.[1];
      if (name !== undefined && names.has(name)) return false;
      if (name !== undefined) names.add(name);
    }
    if (depth < 0) return false;
  }
  return depth === 0;
}

interface Step {
  piece: Piece;
  next: number;
}

function classAt(text: string, at: number): Step | null {
  const found = readCharClass(text, at);
  if (found === null) return null;
  const { test, next } = found;
  const quantifier = text[next];
  if (quantifier !== '*' && quantifier !== '+') return { piece: { literal: null, test, min: 1, max: 1 }, next };
  const min = quantifier === '+' ? 1 : 0;
  return { piece: { literal: null, test, min, max: Number.POSITIVE_INFINITY }, next: next + 1 };
}

/** ASCII characters that stand for themselves. Others are left to the engine, which counts code points where a string counts halves of them. */
const PLAIN = /^[^\\^$.|?*+()[\]{}\u0080-\uffff]+/;

/**
 * Literal characters: as many plain ones as there are, or an escaped one. A quantifier behind them belongs to the last, which then makes a step of its
 * own, and stops the next one, as it is no literal.
 */
function literalAt(text: string, at: number): Step | null {
  const plain = PLAIN.exec(text.slice(at))?.[0];
  if (plain !== undefined) {
    const length = plain.length > 1 && isQuantifier(text[at + plain.length]) ? plain.length - 1 : plain.length;
    return { piece: { literal: plain.slice(0, length) }, next: at + length };
  }
  const escaped = text[at] === '\\' ? text[at + 1] : undefined;
  // Escaped punctuation stands for itself in RE2; escaped letters and digits have meanings of their own.
  return escaped !== undefined && isPunctuation(escaped) ? { piece: { literal: escaped }, next: at + 2 } : null;
}

function isQuantifier(char: string | undefined): boolean {
  return char === '*' || char === '+' || char === '?' || char === '{';
}

function append(pieces: Piece[], piece: Piece): void {
  const last = pieces.at(-1);
  if (piece.literal !== null && last !== undefined && last.literal !== null) {
    pieces[pieces.length - 1] = { literal: last.literal + piece.literal };
  } else {
    pieces.push(piece);
  }
}

/** A run may take all it can when what follows cannot be part of it: then there is only one way to match. */
function isDeterministic(piece: Piece, next: Piece | undefined): boolean {
  if (piece.literal !== null || piece.max === 1 || next === undefined) return true;
  return next.literal !== null && !piece.test(next.literal.charCodeAt(0));
}

/** Characters that every match of an expression starts with; empty when that is not plain to see. */
function literalPrefix(expression: string): string {
  const text = expression.startsWith('^') ? expression.slice(1) : expression;
  if (hasTopLevelAlternative(text)) return '';
  let prefix = '';
  for (let at = 0; at < text.length; ) {
    const step = literalAt(text, at);
    if (step === null) return standsForNothing(text, at) ? prefix.slice(0, -1) : prefix;
    // `ab?`: the last character belongs to the quantifier.
    if (isQuantifier(text[step.next])) break;
    prefix += step.piece.literal;
    at = step.next;
  }
  return prefix;
}

/** Flags and quotes of nothing: a quantifier behind them belongs to what is before them (RE2: `a(?i)*` is `a*`). Says yes when in doubt. */
function standsForNothing(text: string, at: number): boolean {
  return text.startsWith('\\Q', at) || text.startsWith('\\E', at) || FLAGS.test(text.slice(at, at + 16));
}

const FLAGS = /^\(\?[A-Za-z-]*\)/;

/** Says yes when in doubt: brackets of kinds that are not read here and quoted stretches (`\\Q…\\E`) may hide parentheses. */
function hasTopLevelAlternative(text: string): boolean {
  if (!text.includes('|')) return false;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '\\' && text[at + 1] === 'Q') return true;
    if (char === '[') {
      const brackets = readCharClass(text, at);
      if (brackets === null) return true;
      at = brackets.next - 1;
    } else if (char === '\\') at++;
    else if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (char === '|' && depth === 0) return true;
  }
  return false;
}
