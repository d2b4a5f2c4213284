import { matchesSelector } from '../../scalars/label-selector.ts';
import type { PodModel } from '../../types/kubernetes.ts';
import type { ServerModel } from '../../types/models.ts';
import { resolvePorts, serverOn, serversOf } from '../server-selection.ts';
import type { ClusterView } from '../view.ts';
import { type Assessment, conflicted, invalid, ready, waiting } from './assessment.ts';

/** Whether a Server applies to some port of some pod. It is overruled when an older one has taken every port that it selects. */
export function assessServer(view: ClusterView, server: ServerModel): Assessment {
  if (server.podSelector === null) {
    return invalid('UnsupportedSelector', 'externalWorkloadSelector is not supported: this Server selects nothing');
  }
  const { namespace } = server.meta;
  const selector = server.podSelector;
  const pods = view.pods(namespace).filter((pod) => matchesSelector(selector, pod.meta.labels));
  if (pods.length === 0) return ready('selects no pod at present');
  const selected = pods.flatMap((pod) => resolvePorts(pod, server.port).map((port) => ({ pod, port })));
  if (selected.length === 0) {
    return waiting('PortNotFound', [`none of ${pods.length} pods has a container port named ${server.port}`]);
  }
  const winners = selected.map(({ pod, port }) => winnerOn(view, pod, port));
  const lost = winners.filter((name) => name !== server.meta.name);
  if (lost.length === winners.length) {
    return conflicted(`Server ${namespace}/${lost[0]} is older and selects the same pods and port`);
  }
  const overruled = lost.length === 0 ? '' : `; on ${lost.length} of them Server ${namespace}/${lost[0]} is older`;
  return ready(
    `applies to ${winners.length - lost.length} of ${winners.length} ports of ${pods.length} pods${overruled}`,
  );
}

function winnerOn(view: ClusterView, pod: PodModel, port: number): string {
  return serverOn(serversOf(view, pod), pod, port)?.meta.name ?? '';
}
