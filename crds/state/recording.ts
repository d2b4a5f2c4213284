import type { ClusterState } from './cluster-state.ts';
import { formatRef, type Model, type ModelKind, type ObjectRefText } from './object-ref.ts';
import { newestRevision } from './order.ts';
import type { ClusterView, ReadKey } from './view.ts';

/** What one compilation asked, and of which objects it was made. */
export interface Recording {
  readonly view: ClusterView;
  readonly reads: ReadonlySet<ReadKey>;
  /** Custom resources that took effect in it. */
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
    if (kind === 'trust') newest = newestRevision(newest, state.trust()?.resourceVersion ?? '');
    for (const [at, model] of found.entries()) {
      newest = newestRevision(newest, model.meta?.resourceVersion ?? '');
      if (at < used) noteUse(uses, kind, model);
    }
  });
  const sources = () => [...reads].reduce((sofar, read) => newestRevision(sofar, state.departed(read)), newest);
  return { view, reads, uses, sources };
}

function noteUse(uses: Set<ObjectRefText>, kind: ModelKind | 'trust', model: Model): void {
  switch (kind) {
    case 'ServiceProfile':
    case 'TrafficSplit':
    case 'Server':
    case 'ServerAuthorization':
      uses.add(formatRef({ kind, namespace: model.meta?.namespace ?? '', name: model.meta?.name ?? '' }));
  }
}
