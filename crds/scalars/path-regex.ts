import { RE2JS } from 're2js';
import { invalid, quote, type Scalar, valid } from './scalar.ts';

const MAX_LENGTH = 1_024;
/** Limit of `patternSize`: such a pattern compiles in about 20 ms at worst, one with 120 × `\pL{999}` takes a second. */
const MAX_SIZE = 2_000;

/** Measured: microseconds that one `\p{…}` costs at worst (within `(?i)`: 138), and one character (`.`: 1.8). */
const UNICODE_CLASS_COST = 140;
const CHARACTER_COST = 2;

/** A pattern that compiles; `cost` is an upper estimate of the microseconds that it takes, so that a caller can bound a whole list. */
export interface PathRegex {
  text: string;
  cost: number;
}

/**
 * A path pattern of a ServiceProfile, in RE2 syntax (Linkerd uses Rust's `regex`; both are linear-time, without look-around and back-references).
 * It is compiled here so that a wrong one is refused when it is written, not when a request comes.
 */
export function parsePathRegex(text: string): Scalar<PathRegex> {
  if (text.length > MAX_LENGTH) return invalid(`must be at most ${MAX_LENGTH} characters long`);
  const size = patternSize(text);
  if (size > MAX_SIZE) return invalid('is too complex: its counted repetitions multiply out to too many states');
  try {
    RE2JS.compile(text);
    return valid({ text, cost: compileCost(text, size) });
  } catch (error) {
    return invalid(`must be a valid regular expression: ${syntaxProblem(error)} in ${quote(text)}`);
  }
}

function compileCost(text: string, size: number): number {
  const unicodeClasses = text.split(/\\[pP]/).length - 1;
  return text.length * CHARACTER_COST + size + unicodeClasses * UNICODE_CLASS_COST;
}

function syntaxProblem(error: unknown): string {
  if (!(error instanceof Error)) return 'it does not compile';
  return error.message.replace(/^error parsing regexp: /, '').replace(/: `[\s\S]*$/, '');
}

const REPETITION = /\{([0-9]{1,4})(?:,([0-9]{0,4}))?\}/y;

interface Group {
  total: number;
  /** Size of the latest atom: what a following repetition multiplies. */
  last: number;
}

/** Upper estimate of the compiled size: one per character or class, multiplied by the counted repetitions around it. */
export function patternSize(text: string): number {
  const groups: Group[] = [{ total: 0, last: 0 }];
  let position = 0;
  while (position < text.length) {
    const repetition = repetitionAt(text, position);
    if (repetition === null) position += readAtom(text, position, groups);
    else {
      repeatLast(groups.at(-1)!, repetition.count);
      position += repetition.length;
    }
  }
  while (groups.length > 1) closeGroup(groups);
  return groups[0]!.total;
}

function repetitionAt(text: string, position: number): { count: number; length: number } | null {
  REPETITION.lastIndex = position;
  const match = REPETITION.exec(text);
  if (match === null) return null;
  const count = Math.max(Number(match[1]), Number(match[2] ?? '0'), 1);
  return { count, length: match[0].length };
}

function repeatLast(group: Group, count: number): void {
  group.total += group.last * (count - 1);
  group.last *= count;
}

function closeGroup(groups: Group[]): void {
  const closed = groups.pop()!;
  addAtom(groups.at(-1)!, Math.max(1, closed.total));
}

function addAtom(group: Group, size: number): void {
  group.total += size;
  group.last = size;
}

/** Notes what starts at `position` and returns its length. */
function readAtom(text: string, position: number, groups: Group[]): number {
  const char = text[position];
  if (char === '(') {
    groups.push({ total: 0, last: 0 });
    return 1;
  }
  if (char === ')' && groups.length > 1) {
    closeGroup(groups);
    return 1;
  }
  const length = atomLength(text, position);
  addAtom(groups.at(-1)!, text.startsWith('\\Q', position) ? length : 1);
  return length;
}

/** Length of an escape, a quoted run (`\Q…\E`), a character class, or one character. */
function atomLength(text: string, position: number): number {
  if (text[position] === '[') return classLength(text, position);
  if (text[position] !== '\\') return 1;
  if (text[position + 1] === 'Q') return lengthUntil(text, position, '\\E');
  return /^\\[pPx]\{/.test(text.slice(position, position + 3)) ? lengthUntil(text, position, '}') : 2;
}

function lengthUntil(text: string, position: number, end: string): number {
  const found = text.indexOf(end, position);
  return (found < 0 ? text.length : found + end.length) - position;
}

function classLength(text: string, start: number): number {
  let position = start + 1;
  if (text[position] === '^') position += 1;
  if (text[position] === ']') position += 1;
  while (position < text.length && text[position] !== ']') {
    if (text.startsWith('[:', position)) position = Math.max(position, text.indexOf(':]', position) + 1);
    position += text[position] === '\\' ? 2 : 1;
  }
  return position - start + 1;
}
