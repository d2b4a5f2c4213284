import type { LogFields } from '../telemetry/log.ts';

/** An error as log fields: its stable code where it has one, what it says, what to check next. */
export function errorFields(error: unknown): LogFields {
  if (!(error instanceof Error)) return { error: String(error) };
  const code = 'code' in error ? { code: String(error.code) } : {};
  const next = 'next' in error ? { next: String(error.next) } : {};
  return { error: error.message, ...code, ...next };
}
