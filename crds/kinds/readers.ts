import type { OperatorRole } from '../types/operator-role.ts';
import type { KindRow } from './row.ts';

/** Roles that look at the whole mesh: what is compiled, what is said of it, whose numbers they are. The others read what rows say. */
const OF_EVERYTHING: readonly OperatorRole[] = ['controllers', 'config', 'viz'];

/** Whether a process with one of these roles lists and watches the objects of a kind, and so has the right to. */
export function isRead({ readBy = [] }: Pick<KindRow, 'readBy'>, roles: Iterable<OperatorRole>): boolean {
  const readers = [...OF_EVERYTHING, ...readBy];
  return [...roles].some((role) => readers.includes(role));
}
