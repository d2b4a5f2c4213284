/** Whether a character code belongs to a class. Paths are bytes (latin-1), so a code is a character. */
export type CharTest = (code: number) => boolean;

export interface CharClass {
  readonly test: CharTest;
  /** Index behind the class. */
  readonly next: number;
}

const ASCII = 128;

const PERL: Readonly<Record<string, string>> = { d: '0-9', w: '0-9A-Za-z_', s: '\t\n\f\r ' };

const anyButNewline: CharTest = (code) => code !== 0x0a;
const notSlash: CharTest = (code) => code !== 0x2f;
const digit: CharTest = (code) => code >= 0x30 && code <= 0x39;

/** What nearly every profile uses, shared: thousands of routes must not hold a bitmap each. */
const COMMON: readonly (readonly [text: string, test: CharTest])[] = [
  ['.', anyButNewline],
  ['[^/]', notSlash],
  ['[0-9]', digit],
  ['\\d', digit],
];

/**
 * The class that starts at `at`: a dot, `\d`, `\w`, `\s` and their opposites, or brackets of ASCII characters, ranges and those escapes.
 * `null` when there is none, or one of a kind that is left to the engine (Unicode and POSIX classes, non-ASCII members).
 */
export function readCharClass(text: string, at: number): CharClass | null {
  for (const [written, test] of COMMON) if (text.startsWith(written, at)) return { test, next: at + written.length };
  if (text[at] === '[') return readBrackets(text, at + 1);
  if (text[at] !== '\\') return null;
  const letter = text[at + 1] ?? '';
  const members = PERL[letter.toLowerCase()];
  if (members === undefined) return null;
  const bitmap = new Uint8Array(ASCII);
  addMembers(bitmap, members);
  return { test: tester(bitmap, letter !== letter.toLowerCase()), next: at + 2 };
}

function readBrackets(text: string, start: number): CharClass | null {
  const negated = text[start] === '^';
  const bitmap = new Uint8Array(ASCII);
  let at = negated ? start + 1 : start;
  // A bracket in the first place is a member (RE2 syntax).
  for (let first = true; first || text[at] !== ']'; first = false) {
    const step = addItem(bitmap, text, at);
    if (step === 0) return null;
    at += step;
  }
  return { test: tester(bitmap, negated), next: at + 1 };
}

/** Adds the member, range or escape at `at`; returns its length, 0 when it is of another kind or the text ends. */
function addItem(bitmap: Uint8Array, text: string, at: number): number {
  if (text[at] === '\\' && PERL[text[at + 1] ?? ''] !== undefined) {
    addMembers(bitmap, PERL[text[at + 1]!]!);
    return 2;
  }
  const low = readMember(text, at);
  if (low === null) return 0;
  if (text[at + low.length] !== '-' || text[at + low.length + 1] === ']') {
    bitmap[low.code] = 1;
    return low.length;
  }
  const high = readMember(text, at + low.length + 1);
  if (high === null || high.code < low.code) return 0;
  bitmap.fill(1, low.code, high.code + 1);
  return low.length + 1 + high.length;
}

/** One ASCII character, plain or as escaped punctuation. */
function readMember(text: string, at: number): { code: number; length: number } | null {
  const escaped = text[at] === '\\';
  const char = text[escaped ? at + 1 : at];
  if (char === undefined || char.charCodeAt(0) >= ASCII) return null;
  if (escaped && !isPunctuation(char)) return null;
  // `[[:alpha:]]` is a POSIX class.
  if (!escaped && char === '[' && text[at + 1] === ':') return null;
  return { code: char.charCodeAt(0), length: escaped ? 2 : 1 };
}

export function isPunctuation(char: string): boolean {
  return /^[!-/:-@[-`{-~]$/.test(char);
}

function addMembers(bitmap: Uint8Array, members: string): void {
  for (let at = 0; at < members.length; at++) {
    if (members[at + 1] !== '-') bitmap[members.charCodeAt(at)] = 1;
    else {
      bitmap.fill(1, members.charCodeAt(at), members.charCodeAt(at + 2) + 1);
      at += 2;
    }
  }
}

function tester(bitmap: Uint8Array, negated: boolean): CharTest {
  return negated ? (code) => code >= ASCII || bitmap[code] === 0 : (code) => code < ASCII && bitmap[code] === 1;
}
