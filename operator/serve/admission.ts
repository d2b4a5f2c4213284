import { podOf } from '../../crds/kinds/pod/queries.ts';
import type { ClusterView } from '../../crds/state/view.ts';
import type { Hello } from '../../proxy-image/contract/messages.ts';

export type Admission = 'admitted' | 'unknownPod' | 'refused';

/**
 * May the holder of `identity` speak for the pod that it claims to be? Its certificate must be of that pod's ServiceAccount. A pod that has
 * not reached our store yet is let in on its namespace alone, which is all that decides what it may ask; its own policy waits for the pod.
 * The part after `serviceaccount.identity.` is not compared: who signed the certificate has decided it, and a Mesh may rename it while
 * certificates with the old name are still valid.
 */
export function judge(view: ClusterView, hello: Pick<Hello, 'namespace' | 'pod'>, identity: string): Admission {
  const account = accountOf(identity);
  if (account?.namespace !== hello.namespace) return 'refused';
  const pod = podOf(view, hello.namespace, hello.pod);
  if (pod === null) return 'unknownPod';
  return pod.serviceAccount === account.name ? 'admitted' : 'refused';
}

const MARK = '.serviceaccount.identity.';

/** Read from the right: a ServiceAccount's name may contain dots, and so imitate another identity; a namespace's may not. */
function accountOf(identity: string): { name: string; namespace: string } | null {
  const end = identity.lastIndexOf(MARK);
  const dot = identity.lastIndexOf('.', end - 1);
  return end < 0 || dot < 1 ? null : { name: identity.slice(0, dot), namespace: identity.slice(dot + 1, end) };
}
