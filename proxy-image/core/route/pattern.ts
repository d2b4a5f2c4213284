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

type CharTest = (code: number) => boolean;

/** A literal, or a run of characters of one class with its least and greatest length. */
type Piece =
  | { readonly literal: string }
  | { readonly literal: null; readonly test: CharTest; readonly min: number; readonly max: number };

const SLASH = 0x2f;
const anyButNewline: CharTest = (code) => code !== 0x0a;
const notSlash: CharTest = (code) => code !== SLASH;
const digit: CharTest = (code) => code >= 0x30 && code <= 0x39;
const word: CharTest = (code) =>
  digit(code) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a) || code === 0x5f;

/** The classes that OpenAPI-made and hand-written profiles use; anything else goes to the engine. */
const CLASSES: readonly (readonly [text: string, test: CharTest])[] = [
  ['[^/]', notSlash],
  ['[0-9]', digit],
  ['\\d', digit],
  ['\\w', word],
  ['.', anyButNewline],
];

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
  let text = expression.startsWith('^') ? expression.slice(1) : expression;
  if (text.endsWith('$') && !text.endsWith('\\$')) text = text.slice(0, -1);
  const pieces: Piece[] = [];
  for (let at = 0; at < text.length; ) {
    const step = classAt(text, at) ?? literalAt(text, at);
    if (step === null) return null;
    append(pieces, step.piece);
    at = step.next;
  }
  return pieces.every((piece, index) => isDeterministic(piece, pieces[index + 1])) ? pieces : null;
}

interface Step {
  piece: Piece;
  next: number;
}

function classAt(text: string, at: number): Step | null {
  const found = CLASSES.find(([written]) => text.startsWith(written, at));
  if (found === undefined) return null;
  const [written, test] = found;
  const next = at + written.length;
  const quantifier = text[next];
  if (quantifier !== '*' && quantifier !== '+') return { piece: { literal: null, test, min: 1, max: 1 }, next };
  const min = quantifier === '+' ? 1 : 0;
  return { piece: { literal: null, test, min, max: Number.POSITIVE_INFINITY }, next: next + 1 };
}

const SPECIAL = /[\\^$.|?*+()[\]{}]/;

/** One literal character, plain or escaped. A quantifier behind it stops the next step, as it is special itself. */
function literalAt(text: string, at: number): Step | null {
  const char = text[at]!;
  if (char !== '\\') return SPECIAL.test(char) ? null : { piece: { literal: char }, next: at + 1 };
  const escaped = text[at + 1];
  // Escaped punctuation stands for itself in RE2; escaped letters and digits have meanings of their own.
  return escaped !== undefined && /[!-/:-@[-`{-~]/.test(escaped) ? { piece: { literal: escaped }, next: at + 2 } : null;
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
    if (step === null) break;
    // `ab?`: the last character belongs to the quantifier.
    if (step.next < text.length && '*+?{'.includes(text[step.next]!)) break;
    prefix += step.piece.literal;
    at = step.next;
  }
  return prefix;
}

/** Says yes when in doubt: brackets and quoted stretches (`\Q…\E`) may hide parentheses. */
function hasTopLevelAlternative(text: string): boolean {
  if (!text.includes('|')) return false;
  if (text.includes('[') || text.includes('\\Q')) return true;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '\\') at++;
    else if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (char === '|' && depth === 0) return true;
  }
  return false;
}
