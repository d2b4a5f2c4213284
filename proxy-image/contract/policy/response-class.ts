import type { Reader } from '../read/reader.ts';

/** `min` and `max` are inclusive HTTP statuses, 100..599. */
export type ResponseMatch =
  | { type: 'status'; min: number; max: number }
  | { type: 'all'; of: ResponseMatch[] }
  | { type: 'any'; of: ResponseMatch[] }
  | { type: 'not'; of: ResponseMatch };

export interface ResponseClass {
  match: ResponseMatch;
  isFailure: boolean;
}

/** A class with a part of an unknown type is left out, and the next ones decide: what counts as a failure is no question of safety. */
export function readResponseClasses(reader: Reader, value: unknown, path: string): ResponseClass[] {
  return reader.list(value, path, (entry, at) => readClass(reader, entry, at)).filter((parsed) => parsed !== null);
}

function readClass(reader: Reader, value: unknown, path: string): ResponseClass | null {
  const fields = reader.object(value, path);
  const match = readMatch(reader, fields['match'], `${path}.match`, 0);
  const isFailure = reader.flagOf(fields, path, 'isFailure');
  return match === null ? null : { match, isFailure };
}

function readMatch(reader: Reader, value: unknown, path: string, depth: number): ResponseMatch | null {
  if (reader.tooDeep(depth, path)) return null;
  const fields = reader.object(value, path);
  switch (fields['type']) {
    case 'status':
      return {
        type: 'status',
        min: reader.integerOf(fields, path, 'min', 100, 599),
        max: reader.integerOf(fields, path, 'max', 100, 599),
      };
    case 'all':
    case 'any': {
      const of = reader.list(fields['of'], `${path}.of`, (entry, at) => readMatch(reader, entry, at, depth + 1));
      return of.every((child) => child !== null) ? { type: fields['type'], of } : null;
    }
    case 'not': {
      const of = readMatch(reader, fields['of'], `${path}.of`, depth + 1);
      return of === null ? null : { type: 'not', of };
    }
    default:
      reader.unknownType(fields['type'], path);
      return null;
  }
}
