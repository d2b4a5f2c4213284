import type { ClusterView } from '../../crds/compile/view.ts';
import type { Hello } from '../../proxy-image/contract/messages.ts';

export type Admission = 'admitted' | 'unknownPod' | 'refused';

/**
 * May the holder of `identity` speak for the pod that it claims to be? Its certificate must be of that pod's ServiceAccount. A pod that has
 * not reached our store yet is let in on its namespace alone, which is all that decides what it may ask; its own policy waits for the pod.
 * The part after `serviceaccount.identity.` is not compared: who signed the certificate has decided it, and a Mesh may rename it while
 * certificates with the old name are still valid.
 */
export function judge(view: ClusterView, hello: Pick<Hello, 'namespace' | 'pod'>, identity: string): Admission {
  const pod = view.pod(hello.namespace, hello.pod);
  if (pod === null) return namespaceOf(identity) === hello.namespace ? 'unknownPod' : 'refused';
  const expected = `${pod.serviceAccount}.${hello.namespace}.serviceaccount.identity.`;
  return identity.startsWith(expected) ? 'admitted' : 'refused';
}

/** A ServiceAccount's name may contain dots, a namespace's may not. */
function namespaceOf(identity: string): string | null {
  return /\.([^.]+)\.serviceaccount\.identity\./.exec(identity)?.[1] ?? null;
}
