import { podOf } from '../../crds/kinds/pod/queries.ts';
import type { ClusterView } from '../../crds/state/view.ts';
import type { Reporter } from '../../crds/viz/dimensions.ts';
import type { Hello } from '../../proxy-image/contract/messages.ts';
import { judge } from './admission.ts';

/**
 * Whose proxy has connected: the pod that it may speak for, and what our own store says of it. `null`: the pod is not there, or not its own; what it reports
 * would count for another.
 */
export function reporterOf(
  view: ClusterView,
  hello: Pick<Hello, 'namespace' | 'pod'>,
  identity: string,
): Reporter | null {
  const pod = podOf(view, hello.namespace, hello.pod);
  if (pod === null || judge(view, hello, identity) !== 'admitted') return null;
  const { namespace, name } = pod.meta;
  const owner = pod.owner.name === '' ? { kind: 'Pod', name } : pod.owner;
  return { namespace, kind: owner.kind, name: owner.name, pod: name, identity };
}
