import type { OperatorRole } from '../types/operator-role.ts';
import type { KindRow } from './row.ts';

/** Roles that look at the whole mesh: what is compiled, what is said of it, whose numbers they are. The others read what rows say. */
const OF_EVERYTHING: readonly OperatorRole[] = ['controllers', 'config', 'viz'];

/** Whether a process with these roles looks at nothing of the objects of a kind but their metadata: it then asks the API server for no more. */
export function isMetadataEnough(
  row: Pick<KindRow, 'readBy' | 'metadataEnoughFor'>,
  roles: Iterable<OperatorRole>,
): boolean {
  const { metadataEnoughFor = [] } = row;
  const readers = [...roles].filter((role) => isRead(row, [role]));
  return readers.length > 0 && readers.every((role) => metadataEnoughFor.includes(role));
}

/** Whether a process with one of these roles lists and watches the objects of a kind, and so has the right to. */
export function isRead({ readBy = [] }: Pick<KindRow, 'readBy'>, roles: Iterable<OperatorRole>): boolean {
  const readers = [...OF_EVERYTHING, ...readBy];
  return [...roles].some((role) => readers.includes(role));
}
