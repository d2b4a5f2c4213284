import { selectorIndex } from '../../state/kind.ts';
import type { ClusterView, Labels } from '../../state/view.ts';
import { SERVER, type ServerModel } from './model.ts';

export const SERVERS_SELECTING = selectorIndex(SERVER, 'selecting', ({ podSelector }) => podSelector);

/** Servers of `namespace` whose podSelector matches `labels`, whatever their port. */
export function serversSelecting(view: ClusterView, namespace: string, labels: Labels): readonly ServerModel[] {
  return view.selecting(SERVERS_SELECTING, namespace, labels);
}

/** For assessments only, see `ClusterView.list`. */
export function serversIn(view: ClusterView, namespace: string): readonly ServerModel[] {
  return view.list(SERVER, namespace);
}
