import type { PodModel } from '../../crds/kinds/pod/model.ts';

/** What can be restarted by `kubectl rollout`. */
const ROLLED: readonly string[] = ['Deployment', 'StatefulSet', 'DaemonSet'];

/** The command that makes the pod anew, so that it is injected as things are now. */
export function restartOf({ meta, owner }: PodModel): string {
  const within = `kubectl -n ${meta.namespace}`;
  if (ROLLED.includes(owner.kind)) return `${within} rollout restart ${owner.kind.toLowerCase()}/${owner.name}`;
  return owner.kind === ''
    ? `${within} get pod ${meta.name} -o yaml | kubectl replace --force -f -`
    : `${within} delete pod ${meta.name}`;
}
