import { KINDS } from '../../../../crds/kinds/registry.ts';
import type { KindRow } from '../../../../crds/kinds/row.ts';

/** What direct mode watches: everything that configuration is compiled from. */
export const WATCHED_KINDS: readonly KindRow[] = KINDS.filter(({ watchedBy }) => watchedBy === 'everywhere');

/** Path of the collection over all namespaces (ClusterRole `weft-proxy-direct` names the same). */
export function collectionPath({ group, watched, plural }: Pick<KindRow, 'group' | 'watched' | 'plural'>): string {
  return group === '' ? `/api/${watched}/${plural}` : `/apis/${group}/${watched}/${plural}`;
}
