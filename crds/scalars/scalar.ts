const MAX_QUOTED = 80;

/** What a scalar parser returns: the value, or one sentence fragment ("must be …") that fits behind a field path. Scalar parsers never throw. */
export type Scalar<T> = { ok: true; value: T } | { ok: false; problem: string };

export function valid<T>(value: T): Scalar<T> {
  return { ok: true, value };
}

export function invalid<T>(problem: string): Scalar<T> {
  return { ok: false, problem };
}

/**
 * User input in a message: texts as JSON (no raw newlines in logs, nothing that a terminal obeys) and cut, so that a hostile value cannot flood a
 * condition; lists and objects only by their type, because printing them would follow any depth.
 */
export function quote(value: unknown): string {
  if (typeof value === 'string') return printable(JSON.stringify(cut(value)));
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** What JSON leaves as it is: DEL and C1 controls (CSI among them), formatting such as bidirectional overrides, line and paragraph separators. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The same text, with what a terminal could obey as escapes. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escaped);
}

function escaped(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}

function cut(text: string): string {
  return text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
}
