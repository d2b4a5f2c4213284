/** One operation of a JSON Patch (RFC 6902). Injection only adds. */
export interface AddOperation {
  op: 'add';
  /** JSON Pointer. */
  path: string;
  value: unknown;
}

/** RFC 6901: `~` and `/` of a reference token are written `~0` and `~1`. */
export function pointer(...tokens: readonly (string | number)[]): string {
  return tokens.map((token) => `/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** Operations that put `entries` into the object at `path`: one per key where it is there, else the object as a whole. */
export function addEntries(
  path: readonly string[],
  present: boolean,
  entries: Readonly<Record<string, unknown>>,
): AddOperation[] {
  const keys = Object.keys(entries);
  if (keys.length === 0) return [];
  if (!present) return [{ op: 'add', path: pointer(...path), value: entries }];
  return keys.map((key) => ({ op: 'add', path: pointer(...path, key), value: entries[key] }));
}

/** Operations that put `items` at the front or the end of the list at `path`, in their order. */
export function addItems(
  path: readonly string[],
  present: boolean,
  where: 'front' | 'end',
  items: readonly unknown[],
): AddOperation[] {
  if (items.length === 0) return [];
  if (!present) return [{ op: 'add', path: pointer(...path), value: items }];
  return items.map((value, index) => ({
    op: 'add',
    path: pointer(...path, where === 'front' ? index : '-'),
    value,
  }));
}
