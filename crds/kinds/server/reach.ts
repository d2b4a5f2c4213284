import { matchesSelector } from '../../scalars/label-selector.ts';
import type { ClusterView } from '../../state/view.ts';
import { podsOf } from '../pod/queries.ts';
import type { ServerModel } from './model.ts';
import { resolvePorts, serverOn, serversOf } from './selection.ts';

/** How many meshed pods a Server decides about: those it selects on whose port no older Server does. For assessments only. */
export function podsOfServer(view: ClusterView, server: ServerModel): number {
  const { podSelector, meta } = server;
  if (podSelector === null) return 0;
  const pods = podsOf(view, meta.namespace).filter(
    (pod) => pod.meshed && matchesSelector(podSelector, pod.meta.labels),
  );
  return pods.filter((pod) => {
    return resolvePorts(pod, server.port).some(
      (port) => serverOn(serversOf(view, pod), pod, port)?.meta.name === meta.name,
    );
  }).length;
}

export function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}
