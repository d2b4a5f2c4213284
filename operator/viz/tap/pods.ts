import { readerOfPod } from '../../../crds/annotations/of-pod.ts';
import { DISABLE_TAP } from '../../../crds/annotations/workload.ts';
import { meshOf } from '../../../crds/kinds/mesh/queries.ts';
import { NAMESPACE } from '../../../crds/kinds/namespace/model.ts';
import { namespaceOf } from '../../../crds/kinds/namespace/queries.ts';
import type { PodModel } from '../../../crds/kinds/pod/model.ts';
import { podsOf } from '../../../crds/kinds/pod/queries.ts';
import { serviceOf } from '../../../crds/kinds/service/queries.ts';
import { matchesSelector } from '../../../crds/scalars/label-selector.ts';
import type { ClusterView } from '../../../crds/state/view.ts';
import type { LabelSelector } from '../../../crds/types/label-selector.ts';
import { TAPPED_KINDS, type TapTarget } from '../../../crds/viz/tap.ts';

/** Name of a Job that a CronJob has made: that of the CronJob, and minutes since the epoch (Kubernetes: cronjob controller). */
const OF_CRON_JOB = /^(.+)-[0-9]{8,10}$/;

/** The pods that are meant, oldest first; those that have finished have no traffic. */
export function podsMeant(
  view: ClusterView,
  { namespace, resource, name }: TapTarget,
  selector: LabelSelector,
): PodModel[] {
  const within = namespace === null ? view.list(NAMESPACE, '').map(({ meta }) => meta.name) : [namespace];
  return within
    .flatMap((each) => podsOf(view, each))
    .filter((pod) => pod.phase !== 'Succeeded' && pod.phase !== 'Failed')
    .filter((pod) => matchesSelector(selector, pod.meta.labels))
    .filter((pod) => resource === null || isOf(view, pod, resource, name));
}

function isOf(view: ClusterView, pod: PodModel, resource: keyof typeof TAPPED_KINDS, name: string | null): boolean {
  const wanted = TAPPED_KINDS[resource];
  if (wanted === 'Pod') return name === null || pod.meta.name === name;
  if (wanted === 'Service') return name !== null && isBehind(view, pod, name);
  const { kind, name: owner } = pod.owner;
  if (wanted === 'CronJob') {
    const made = kind === 'Job' ? OF_CRON_JOB.exec(owner)?.[1] : undefined;
    return made !== undefined && (name === null || made === name);
  }
  return kind === wanted && (name === null || owner === name);
}

function isBehind(view: ClusterView, { meta }: PodModel, name: string): boolean {
  const service = serviceOf(view, meta.namespace, name);
  if (service === null || Object.keys(service.selector).length === 0) return false;
  return matchesSelector({ matchLabels: service.selector, matchExpressions: [] }, meta.labels);
}

/** Why a pod is not asked, as a phrase; empty: it is. */
export function whyLeftOut(view: ClusterView, pod: PodModel): string {
  if (!pod.meshed) return 'it has no proxy of this mesh';
  const mesh = meshOf(view);
  const namespace = namespaceOf(view, pod.meta.namespace)?.meta.annotations ?? {};
  if (readerOfPod(pod, namespace, mesh).value(DISABLE_TAP)) return `it is opted out (${DISABLE_TAP.names[0]})`;
  if (mesh.tap.redactHeaders === null) return 'what the Mesh says of tap cannot be read';
  if (pod.phase !== 'Running' || pod.ips.length === 0) return 'it is not running yet';
  return '';
}
