import type { ClusterState } from './cluster-state.ts';
import { formatRef, type ObjectRefText } from './object-ref.ts';
import { newestRevision } from './order.ts';
import type { ReadKey } from './reads.ts';
import type { ClusterView } from './view.ts';

/** What one compilation asked, and of which objects it was made. */
export interface Recording {
  readonly view: ClusterView;
  readonly reads: ReadonlySet<ReadKey>;
  /** Objects of counted kinds that took effect in it. */
  readonly uses: ReadonlySet<ObjectRefText>;
  /** Newest resourceVersion among the objects it saw and those that have left its reads; `0` when there were none. */
  sources(): string;
}

export function recording(state: ClusterState): Recording {
  const reads = new Set<ReadKey>();
  const uses = new Set<ObjectRefText>();
  let newest = '0';
  const view = state.noting((read, kind, found, used) => {
    reads.add(read);
    if (kind === null) newest = newestRevision(newest, state.trust()?.resourceVersion ?? '');
    for (const [at, { meta }] of found.entries()) {
      if (meta === null) continue;
      newest = newestRevision(newest, meta.resourceVersion);
      if (at < used && kind?.counted === true) {
        uses.add(formatRef({ kind: kind.id, namespace: meta.namespace, name: meta.name }));
      }
    }
  });
  const sources = () => [...reads].reduce((sofar, read) => newestRevision(sofar, state.departed(read)), newest);
  return { view, reads, uses, sources };
}
