export type LogFields = Readonly<Record<string, unknown>>;

/** What the control side of the proxy asks of a log: constant message, what varies in fields. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** An error as log fields: its stable code where it has one, what it says, what to check next. */
export function errorFields(error: unknown): LogFields {
  if (!(error instanceof Error)) return { error: String(error) };
  const code = 'code' in error ? { code: error.code } : {};
  const next = 'next' in error ? { next: error.next } : {};
  return { error: error.message, ...code, ...next };
}
