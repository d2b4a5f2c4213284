import { LAST_PORT, type PortRange, type ReadonlyPortRange } from '../../proxy-image/contract/port-ranges.ts';
import { invalid, quote, type Scalar, valid } from './scalar.ts';

const NUMBER_MESSAGE = `must be a port from 1 to ${LAST_PORT}`;
/** IANA service name as Kubernetes takes it for container ports (apimachinery `IsValidPortName`): at most 15 characters, one letter at least. */
const PORT_NAME = /^(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$/;
const MAX_NAME_LENGTH = 15;
/** Far above any real list; an annotation may hold 256 KiB. */
const MAX_ENTRIES = 1_000;

/** A port number, as a JSON integer or decimal text. */
export function parsePort(value: unknown): Scalar<number> {
  const port = typeof value === 'string' && /^[0-9]{1,5}$/.test(value) ? Number(value) : value;
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > LAST_PORT) {
    return invalid(`${NUMBER_MESSAGE}, not ${quote(value)}`);
  }
  return valid(port);
}

/** A port number or the name of a container port. Text of digits counts as a number. */
export function parsePortOrName(value: unknown): Scalar<number | string> {
  if (typeof value !== 'string' || /^[0-9]+$/.test(value)) return parsePort(value);
  return isPortName(value)
    ? valid(value)
    : invalid(`${NUMBER_MESSAGE} or a port name of at most ${MAX_NAME_LENGTH} of a-z, 0-9 and -, not ${quote(value)}`);
}

export function isPortName(text: string): boolean {
  return text.length <= MAX_NAME_LENGTH && PORT_NAME.test(text);
}

/** `25` or `4444-5555`. */
export function parsePortRange(text: string): Scalar<PortRange> {
  const [first = '', last = first, ...rest] = text.split('-', 3);
  const from = parsePort(first.trim());
  const to = parsePort(last.trim());
  if (rest.length > 0 || !from.ok || !to.ok) {
    return invalid(`must be ports and ranges such as 25,4444-5555, not ${quote(text)}`);
  }
  return to.value < from.value ? invalid(`has an inverted range ${quote(text)}`) : valid([from.value, to.value]);
}

/**
 * A comma-separated list such as `25,587,4444-5555`, in the order written, of which every entry must be right: a field of the Mesh, a variable. Lists of
 * annotations are read by `readPortList`. Empty text is an empty list.
 */
export function parsePortRanges(text: string): Scalar<PortRange[]> {
  const ranges: PortRange[] = [];
  const entries = text.split(',', MAX_ENTRIES + 1);
  if (entries.length > MAX_ENTRIES) return invalid(`must have at most ${MAX_ENTRIES} entries`);
  for (const entry of entries.map((part) => part.trim())) {
    if (entry === '') continue;
    const range = parsePortRange(entry);
    if (!range.ok) return range;
    ranges.push(range.value);
  }
  return valid(ranges);
}

/**
 * A list that `formatPortRanges` wrote, in the model of the Mesh or in a variable of a container: as long as it came out there, or its readers would differ.
 * What is no such list has no ports.
 */
export function readPortRanges(text: string): PortRange[] {
  const ranges = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map(parsePortRange);
  return ranges.every((range) => range.ok) ? ranges.map(({ value }) => value) : [];
}

export function formatPortRanges(ranges: readonly ReadonlyPortRange[]): string {
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(',');
}
