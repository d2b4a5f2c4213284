import { LOG_LEVELS, type LogLevel } from '../../proxy-image/contract/log-levels.ts';
import { MAX_TIMEOUT_MS } from '../../proxy-image/contract/policy/limits.ts';
import { formatCidr, parseCidr } from '../scalars/cidr.ts';
import { parseDuration } from '../scalars/duration.ts';
import { parsePort } from '../scalars/port.ts';
import { parseQuantity } from '../scalars/quantity.ts';
import { invalid, quote, type Scalar, valid } from '../scalars/scalar.ts';

/** Parsers of annotation values: what comes out is made of checked parts, never of the text itself where that could be read differently. */

const TRUE_VALUES: readonly string[] = ['true', '1', 't', 'T', 'TRUE', 'True'];
const FALSE_VALUES: readonly string[] = ['false', '0', 'f', 'F', 'FALSE', 'False'];

/** As Go's `strconv.ParseBool`. */
export function booleanValue(text: string): Scalar<boolean> {
  if (TRUE_VALUES.includes(text)) return valid(true);
  return FALSE_VALUES.includes(text) ? valid(false) : invalid(`must be true or false, not ${quote(text)}`);
}

export function choice<T extends string>(...allowed: readonly T[]): (text: string) => Scalar<T> {
  return (text) => {
    const found = allowed.find((candidate) => candidate === text);
    return found === undefined ? invalid(`must be one of ${allowed.join(', ')}, not ${quote(text)}`) : valid(found);
  };
}

/** Networks, comma-separated, in canonical form. */
export function networkList(text: string): Scalar<string> {
  const networks: string[] = [];
  for (const entry of text.split(',').map((part) => part.trim())) {
    if (entry === '') continue;
    const network = parseCidr(entry);
    if (!network.ok) return network;
    networks.push(formatCidr(network.value));
  }
  return valid(networks.join(','));
}

/** The proxy has no capability to bind a port below 1024. */
export function listenPort(text: string): Scalar<number> {
  const port = parsePort(text);
  return port.ok && port.value < 1024 ? invalid(`must be a port from 1024 to 65535, not ${quote(text)}`) : port;
}

/** A positive quantity, as written. */
export function amount(text: string): Scalar<string> {
  const parsed = parseQuantity(text);
  if (!parsed.ok) return parsed;
  return parsed.value > 0 ? valid(text) : invalid('must be more than zero');
}

/** Never 0: traffic of root would not be redirected, and the proxy must not run as root. */
export function userId(text: string): Scalar<number> {
  const id = /^[0-9]{1,10}$/.test(text) ? Number(text) : 0;
  return id >= 1 && id <= 2_147_483_647
    ? valid(id)
    : invalid(`must be a user id from 1 to 2147483647, not ${quote(text)}`);
}

/** A Go duration, or whole seconds. At most a day. */
export function gracePeriodMs(text: string): Scalar<number> {
  const duration = /^[0-9]{1,6}$/.test(text) ? valid(Number(text) * 1_000) : parseDuration(text);
  if (!duration.ok) return duration;
  return duration.value >= 0 && duration.value <= 86_400_000
    ? valid(Math.round(duration.value))
    : invalid('must be from 0s to 24h');
}

/** Whole seconds. At most a day. */
export function waitMs(text: string): Scalar<number> {
  const seconds = /^[0-9]{1,5}$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
  return seconds <= 86_400
    ? valid(seconds * 1_000)
    : invalid(`must be whole seconds from 0 to 86400, not ${quote(text)}`);
}

/**
 * Weft's levels, and the filters that people have for Linkerd's proxy (`warn,linkerd=info`): the level of target `linkerd`,
 * else the one without a target. `trace` is `debug`.
 */
export function logLevel(text: string): Scalar<LogLevel> {
  const directives = text.split(',').map((part) => part.trim());
  const own = directives.find((directive) => directive.startsWith('linkerd='))?.slice('linkerd='.length);
  const level = (own ?? directives.find((directive) => !directive.includes('=')) ?? '').toLowerCase();
  const found = LOG_LEVELS.find((candidate) => candidate === (level === 'trace' ? 'debug' : level));
  return found === undefined ? invalid(`must be one of ${LOG_LEVELS.join(', ')}, not ${quote(text)}`) : valid(found);
}

const INTEGER = /^[0-9]{1,10}$/;
/** No exponent and no sign: neither infinity nor NaN can result. */
const DECIMAL = /^(?:[0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})$/;
const PERCENT = /^([0-9]{1,3})%?$/;

/** `true` or `false`, as Rust reads a `bool`. */
export function flag(text: string): Scalar<boolean> {
  return text === 'true' || text === 'false'
    ? valid(text === 'true')
    : invalid(`must be one of true, false, not ${quote(text)}`);
}

export function integer(min: number, max: number): (text: string) => Scalar<number> {
  return number(INTEGER, min, max, 'an integer');
}

export function decimal(min: number, max: number): (text: string) => Scalar<number> {
  return number(DECIMAL, min, max, 'a number');
}

function number(form: RegExp, min: number, max: number, kind: string): (text: string) => Scalar<number> {
  return (text) => {
    const value = form.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max
      ? valid(value)
      : invalid(`must be ${kind} from ${min} to ${max}, not ${quote(text)}`);
  };
}

export function percent(text: string): Scalar<number> {
  const value = Number(PERCENT.exec(text)?.[1] ?? Number.NaN);
  return value <= 100 ? valid(value) : invalid(`must be a percentage from 0% to 100%, not ${quote(text)}`);
}

/** In whole milliseconds, for that is what timers count. */
export function durationMs(minMs: number): (text: string) => Scalar<number> {
  return (text) => {
    const parsed = parseDuration(text);
    if (!parsed.ok) return invalid(`${parsed.problem}, not ${quote(text)}`);
    const ms = Math.ceil(parsed.value);
    return parsed.value >= minMs && ms <= MAX_TIMEOUT_MS
      ? valid(ms)
      : invalid(`must be a duration from ${minMs}ms to 24h, not ${quote(text)}`);
  };
}
