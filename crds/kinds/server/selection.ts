import type { ClusterView } from '../../state/view.ts';
import type { PodModel } from '../pod/model.ts';
import type { ServerModel } from './model.ts';
import { serversSelecting } from './queries.ts';

/** Servers that select the pod, oldest first: the first one on a port applies there (Linkerd: authorization policy, overlap). */
export function serversOf(view: ClusterView, pod: PodModel): readonly ServerModel[] {
  return serversSelecting(view, pod.meta.namespace, pod.meta.labels);
}

export function serverOn(servers: readonly ServerModel[], pod: PodModel, port: number): ServerModel | null {
  return servers.find((server) => resolvePorts(pod, server.port).includes(port)) ?? null;
}

/** The numbers that a port means on this pod: a name may stand for another number on every pod, and for several within one. */
export function resolvePorts(pod: PodModel, port: number | string): number[] {
  if (typeof port === 'number') return [port];
  return pod.containerPorts.filter(({ name }) => name === port).map((each) => each.port);
}
