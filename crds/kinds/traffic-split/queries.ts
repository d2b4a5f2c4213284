import { keyIndex } from '../../state/kind.ts';
import type { ClusterView } from '../../state/view.ts';
import { TRAFFIC_SPLIT, type TrafficSplitModel } from './model.ts';

export const SPLITS_OF_SERVICE = keyIndex(TRAFFIC_SPLIT, 'ofService', ({ service }, { namespace }) => [
  keyOf(namespace, service),
]);

/** The split of a Service that takes effect: the oldest of those whose root it is. */
export function splitOf(view: ClusterView, namespace: string, service: string): TrafficSplitModel | null {
  return view.first(SPLITS_OF_SERVICE, keyOf(namespace, service));
}

function keyOf(namespace: string, service: string): string {
  return `${namespace}/${service}`;
}
