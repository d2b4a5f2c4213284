import { invalid, type Scalar, valid } from './scalar.ts';

/** Milliseconds per unit of Go's `time.ParseDuration`. */
const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** Go keeps durations in an int64 of nanoseconds: about 292 years. */
const MAX_MS = 2 ** 63 / 1e6;
const MAX_LENGTH = 64;
/** Both signs for micro are escaped: bundlers leave expressions as they are, and one character outside of ASCII makes V8 keep a whole bundle in two bytes a character. */
const TERM = /([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/y;

/**
 * A duration in the grammar of Go's `time.ParseDuration` (`300ms`, `1.5h`, `2h45m`, `-1s`, `0`), in milliseconds.
 * The result may be fractional (`1us` is 0.001) and negative; callers say what they allow.
 */
export function parseDuration(text: string): Scalar<number> {
  const sign = text.startsWith('-') ? -1 : 1;
  const body = /^[-+]/.test(text) ? text.slice(1) : text;
  if (body === '0') return valid(0);
  const ms = text.length > MAX_LENGTH || body === '' ? null : sumTerms(body);
  if (ms === null) return invalid('must be a duration such as 300ms, 1.5h or 2h45m');
  if (ms >= MAX_MS) return invalid('must be a duration shorter than 292 years');
  return valid(ms === 0 ? 0 : sign * ms);
}

function sumTerms(body: string): number | null {
  let total = 0;
  let position = 0;
  while (position < body.length) {
    TERM.lastIndex = position;
    const match = TERM.exec(body);
    if (match === null) return null;
    total += Number(match[1]) * UNIT_MS[match[2]!]!;
    position = TERM.lastIndex;
  }
  return total;
}

/** Prints milliseconds as Go's `Duration.String` does: `0s`, `500ms`, `1.5s`, `2h45m0s`. Parsing the result gives the same value, to the nanosecond. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (ms < 1_000) return formatSmall(ms);
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = `${decimal((ms % 60_000) / 1_000, 9)}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}

function formatSmall(ms: number): string {
  if (ms >= 1) return `${decimal(ms, 6)}ms`;
  const micros = ms * 1e3;
  return micros >= 1 ? `${decimal(micros, 3)}µs` : `${Math.round(ms * 1e6)}ns`;
}

function decimal(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}
