/** What a scalar parser returns: the value, or one sentence fragment ("must be …") that fits behind a field path. Scalar parsers never throw. */
export type Scalar<T> = { ok: true; value: T } | { ok: false; problem: string };

export function valid<T>(value: T): Scalar<T> {
  return { ok: true, value };
}

export function invalid<T>(problem: string): Scalar<T> {
  return { ok: false, problem };
}

/** Quotes user input for a message: JSON-escaped (no raw newlines in logs) and cut, so that a hostile value cannot flood a condition. */
export function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
