import { isDeepStrictEqual } from 'node:util';
import { isObject } from '../../lib/json.ts';

/** One operation of RFC 6902. */
export interface Operation {
  op: 'add' | 'remove' | 'replace';
  path: string;
  value?: unknown;
}

/** What makes `after` of `before`. Lists are compared item by item from their beginning, which is little to read where items come or go at the end. */
export function jsonPatch(before: unknown, after: unknown, path = ''): Operation[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (Array.isArray(before) && Array.isArray(after)) return listPatch(before, after, path);
  if (!isObject(before) || !isObject(after)) return [{ op: 'replace', path, value: after }];
  const gone = Object.keys(before).filter((key) => !Object.hasOwn(after, key));
  return [
    ...gone.map((key): Operation => ({ op: 'remove', path: `${path}/${escaped(key)}` })),
    ...Object.entries(after).flatMap(([key, value]): Operation[] => {
      const at = `${path}/${escaped(key)}`;
      return Object.hasOwn(before, key) ? jsonPatch(before[key], value, at) : [{ op: 'add', path: at, value }];
    }),
  ];
}

function listPatch(before: readonly unknown[], after: readonly unknown[], path: string): Operation[] {
  const [first, ...others] = missing(before, after);
  // One item less is the usual difference: it is removed where it stood, and nothing else is touched.
  if (first !== undefined && others.length === 0 && before.length === after.length + 1) {
    return [{ op: 'remove', path: `${path}/${first}` }];
  }
  const shared = Math.min(before.length, after.length);
  return [
    ...after.slice(0, shared).flatMap((value, at) => jsonPatch(before[at], value, `${path}/${at}`)),
    ...after.slice(shared).map((value): Operation => ({ op: 'add', path: `${path}/-`, value })),
    // From the end: each removal moves what stands behind it.
    ...before
      .slice(shared)
      .map((_, at): Operation => ({ op: 'remove', path: `${path}/${shared + at}` }))
      .toReversed(),
  ];
}

/** Places of the items of `before` that `after`, which is otherwise the same, has not. */
function missing(before: readonly unknown[], after: readonly unknown[]): number[] {
  const places: number[] = [];
  let at = 0;
  for (const [place, item] of before.entries()) {
    if (at < after.length && isDeepStrictEqual(item, after[at])) at += 1;
    else places.push(place);
  }
  return at === after.length ? places : [];
}

/** RFC 6901, section 3. */
function escaped(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
