import type { HeaderChanges } from '../../contract/policy/filter.ts';
import { mayBeChanged } from '../../contract/policy/untouched-fields.ts';

/** A field as it goes on. Names in lower case. */
export type Field = readonly [name: string, value: string];

/**
 * The fields of a head, changed: add, then set, then remove (linkerd2-proxy: modify_header). `set` puts its one value where the first of that name was, or at the
 * end.
 */
export function changedFields(fields: readonly Field[], changes: HeaderChanges): Field[] {
  let changed = [...fields];
  for (const { name, value } of changes.add) if (mayBeChanged(name)) changed.push([name, value]);
  for (const { name, value } of changes.set) if (mayBeChanged(name)) changed = withOne(changed, name, value);
  const removed = new Set(changes.remove.filter(mayBeChanged));
  return removed.size === 0 ? changed : changed.filter(([name]) => !removed.has(name));
}

function withOne(fields: readonly Field[], name: string, value: string): Field[] {
  const first = fields.findIndex((field) => field[0] === name);
  if (first === -1) return [...fields, [name, value]];
  return fields.flatMap((field, at) => (field[0] !== name ? [field] : at === first ? [[name, value]] : []));
}
