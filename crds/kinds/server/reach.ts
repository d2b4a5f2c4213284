import { matchesSelector } from '../../scalars/label-selector.ts';
import type { ClusterView } from '../../state/view.ts';
import type { PodModel } from '../pod/model.ts';
import { podsOf } from '../pod/queries.ts';
import type { ServerModel } from './model.ts';
import { resolvePorts, serverOn, serversOf } from './selection.ts';

/** How many meshed pods Servers of a namespace decide about: those on a port of which one of them is the one that holds. For assessments only. */
export function podsOfServers(view: ClusterView, namespace: string, servers: readonly ServerModel[]): number {
  const pods = podsOf(view, namespace).filter(({ meshed }) => meshed);
  return pods.filter((pod) => servers.some((server) => decides(view, server, pod))).length;
}

function decides(view: ClusterView, { podSelector, port, meta }: ServerModel, pod: PodModel): boolean {
  if (podSelector === null || !matchesSelector(podSelector, pod.meta.labels)) return false;
  return resolvePorts(pod, port).some((each) => serverOn(serversOf(view, pod), pod, each)?.meta.name === meta.name);
}

export function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}
