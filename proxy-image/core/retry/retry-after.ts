/** What a server says about when to come again. */
export interface RetryAfterSource {
  first(name: string): string;
}

/** A day: more is no answer to a request that waits. */
const MAX_MS = 86_400_000;
const SECONDS = /^[0-9]{1,9}$/;
const PUSHBACK = /^[0-9]{1,9}$/;
/** IMF-fixdate (RFC 9110, section 5.6.7); the obsolete forms are not worth their ambiguity. */
const DATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$/;

/**
 * How long the server wants to be left alone: `grpc-retry-pushback-ms` (in the head or in the trailers), else `retry-after` (RFC 9110, section 10.2.3); 0
 * where it does not say or says nonsense, a day at most.
 */
export function retryAfterMs(fields: RetryAfterSource, wallMs: number): number {
  const pushback = fields.first('grpc-retry-pushback-ms');
  if (PUSHBACK.test(pushback)) return Math.min(Number(pushback), MAX_MS);
  const text = fields.first('retry-after');
  if (SECONDS.test(text)) return Math.min(Number(text) * 1_000, MAX_MS);
  if (!DATE.test(text)) return 0;
  const untilMs = Date.parse(text);
  return Number.isNaN(untilMs) ? 0 : Math.min(Math.max(untilMs - wallMs, 0), MAX_MS);
}

/** A pushback that is no number of milliseconds says: do not try again (gRPC proposal A6). */
export function refusesRetries(fields: RetryAfterSource): boolean {
  const pushback = fields.first('grpc-retry-pushback-ms');
  return pushback !== '' && !PUSHBACK.test(pushback);
}
