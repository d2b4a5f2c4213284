import { keyIndex, selectorIndex } from '../../state/kind.ts';
import type { ClusterView, Labels } from '../../state/view.ts';
import { SERVICE, type ServiceModel } from './model.ts';

export const SERVICES_BY_IP = keyIndex(SERVICE, 'byIp', ({ clusterIPs }) => clusterIPs);

/** A Service without selector selects no pod (its EndpointSlices are written by somebody else). */
export const SERVICES_SELECTING = selectorIndex(SERVICE, 'selecting', ({ selector }) => {
  return Object.keys(selector).length > 0 ? { matchLabels: selector, matchExpressions: [] } : null;
});

export function serviceOf(view: ClusterView, namespace: string, name: string): ServiceModel | null {
  return view.get(SERVICE, namespace, name);
}

/** The Service that owns a cluster IP. */
export function serviceByIp(view: ClusterView, ip: string): ServiceModel | null {
  return view.first(SERVICES_BY_IP, ip);
}

/** Services of `namespace` whose selector is not empty and matches `labels`. */
export function servicesSelecting(view: ClusterView, namespace: string, labels: Labels): readonly ServiceModel[] {
  return view.selecting(SERVICES_SELECTING, namespace, labels);
}
