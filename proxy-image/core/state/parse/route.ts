import type { ResponseClass, ResponseMatch } from '../../../contract/policy/response-class.ts';
import type { Reader } from '../../../contract/read/reader.ts';
import type { RequestMatch, Route } from '../../../contract/resources.ts';

/** Longest timeout, a day: timers are 32-bit, and a larger number is a mistake. */
export const MAX_TIMEOUT_MS = 86_400_000;

/** A route as read; `match` is `null` where a part of it is of an unknown type: such a route matches nothing. */
export interface ParsedRoute extends Omit<Route, 'match'> {
  match: RequestMatch | null;
}

export function parseRoute(reader: Reader, value: unknown, path: string): ParsedRoute {
  const fields = reader.object(value, path);
  return {
    name: reader.text(fields['name'], `${path}.name`),
    match: parseMatch(reader, fields['match'], `${path}.match`, 0),
    isRetryable: reader.flag(fields['isRetryable'], `${path}.isRetryable`),
    timeoutMs: reader.integer(fields['timeoutMs'], `${path}.timeoutMs`, 0, MAX_TIMEOUT_MS),
    responseClasses: reader
      .list(fields['responseClasses'], `${path}.responseClasses`, (entry, at) => parseClass(reader, entry, at))
      .filter((parsed) => parsed !== null),
  };
}

function parseMatch(reader: Reader, value: unknown, path: string, depth: number): RequestMatch | null {
  if (reader.tooDeep(depth, path)) return null;
  const fields = reader.object(value, path);
  switch (fields['type']) {
    case 'method':
      return { type: 'method', method: reader.text(fields['method'], `${path}.method`) };
    case 'path':
      return { type: 'path', regex: reader.text(fields['regex'], `${path}.regex`) };
    case 'all':
    case 'any': {
      const of = reader.list(fields['of'], `${path}.of`, (entry, at) => parseMatch(reader, entry, at, depth + 1));
      return of.every((child) => child !== null) ? { type: fields['type'], of } : null;
    }
    case 'not': {
      const of = parseMatch(reader, fields['of'], `${path}.of`, depth + 1);
      return of === null ? null : { type: 'not', of };
    }
    default:
      return unknownType(reader, fields['type'], path);
  }
}

/** `null` where the class has a part of an unknown type: the class is left out, and the next ones decide. */
function parseClass(reader: Reader, value: unknown, path: string): ResponseClass | null {
  const fields = reader.object(value, path);
  const match = parseResponseMatch(reader, fields['match'], `${path}.match`, 0);
  const isFailure = reader.flag(fields['isFailure'], `${path}.isFailure`);
  return match === null ? null : { match, isFailure };
}

function parseResponseMatch(reader: Reader, value: unknown, path: string, depth: number): ResponseMatch | null {
  if (reader.tooDeep(depth, path)) return null;
  const fields = reader.object(value, path);
  switch (fields['type']) {
    case 'status':
      return {
        type: 'status',
        min: reader.integer(fields['min'], `${path}.min`, 100, 599),
        max: reader.integer(fields['max'], `${path}.max`, 100, 599),
      };
    case 'all':
    case 'any': {
      const of = reader.list(fields['of'], `${path}.of`, (entry, at) =>
        parseResponseMatch(reader, entry, at, depth + 1),
      );
      return of.every((child) => child !== null) ? { type: fields['type'], of } : null;
    }
    case 'not': {
      const of = parseResponseMatch(reader, fields['of'], `${path}.of`, depth + 1);
      return of === null ? null : { type: 'not', of };
    }
    default:
      return unknownType(reader, fields['type'], path);
  }
}

function unknownType(reader: Reader, type: unknown, path: string): null {
  if (typeof type === 'string') reader.deny(`${path}.type`, `unknown rule type ${JSON.stringify(type.slice(0, 60))}`);
  else reader.fail(`${path}.type`, 'a string');
  return null;
}
