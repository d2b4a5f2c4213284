import { keyIndex } from '../../state/kind.ts';
import type { ClusterView } from '../../state/view.ts';
import { POD, type PodModel } from './model.ts';

/** The address of a finished pod is given to another one; a pod on the host's network answers for its node. */
export const PODS_BY_IP = keyIndex(POD, 'byIp', ({ hostNetwork, phase, ips }) => {
  return !hostNetwork && (phase === 'Pending' || phase === 'Running') ? ips : [];
});

export function podOf(view: ClusterView, namespace: string, name: string): PodModel | null {
  return view.get(POD, namespace, name);
}

/** Among pending or running pods that are not on the host's network; the youngest where an address is claimed twice. */
export function podByIp(view: ClusterView, ip: string): PodModel | null {
  return view.by(PODS_BY_IP, ip).at(-1) ?? null;
}

/** For assessments only, see `ClusterView.list`. */
export function podsOf(view: ClusterView, namespace: string): readonly PodModel[] {
  return view.list(POD, namespace);
}
