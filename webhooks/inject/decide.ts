import { textAt } from '../../crds/annotations/reader.ts';
import { INJECT } from '../../crds/annotations/workload.ts';
import { type Obstacle, readObstacles } from '../../crds/kinds/pod/obstacles.ts';
import { child, readRecord } from '../../crds/parse/metadata.ts';
import { NO_NAMES } from '../../crds/scalars/port-list.ts';
import type { SkipReason } from './skip-reason.ts';

export type Decision =
  | { inject: true; mode: 'enabled' | 'ingress'; annotationAt: 'workload' | 'namespace' }
  | { inject: false; reasons: SkipReason[]; requested: boolean };

/** What counts of the pod's namespace. */
export interface NamespaceWishes {
  annotations: Readonly<Record<string, string>>;
  labels: Readonly<Record<string, string>>;
}

/** What counts of a pod. */
export interface PodWishes {
  annotations: Readonly<Record<string, string>>;
  obstacles: readonly Obstacle[];
}

/** @param pod core/v1 Pod, unchecked */
export function decide(pod: unknown, namespace: NamespaceWishes): Decision {
  const annotations = readRecord(child(child(pod, 'metadata'), 'annotations'));
  return decideOn({ annotations, obstacles: readObstacles(pod) }, namespace);
}

/** Whether a pod gets a proxy (Linkerd: truth table of `linkerd.io/inject` on pod and namespace). */
export function decideOn(pod: PodWishes, namespace: NamespaceWishes): Decision {
  const wish = wishOf(wishAt(pod.annotations), wishAt(readRecord(namespace.annotations)));
  const reasons: SkipReason[] = [...pod.obstacles];
  if (forbidsNetAdmin(namespace.labels)) reasons.push('pod_security_level');
  if (typeof wish === 'string') return { inject: false, reasons: [...reasons, wish], requested: false };
  return reasons.length === 0 ? { inject: true, ...wish } : { inject: false, reasons, requested: true };
}

const ENFORCED_LEVEL = 'pod-security.kubernetes.io/enforce';

/** `baseline` and `restricted` do, in every version; what is none of the three levels is enforced as `restricted` (Pod Security admission). */
function forbidsNetAdmin(namespaceLabels: Readonly<Record<string, string>>): boolean {
  const level = Object.hasOwn(namespaceLabels, ENFORCED_LEVEL) ? namespaceLabels[ENFORCED_LEVEL] : undefined;
  return level !== undefined && level !== 'privileged';
}

type Wish = 'enabled' | 'disabled' | 'ingress' | 'absent' | 'unreadable';

/** An empty value is a value, and not a valid one. */
function wishAt(annotations: Readonly<Record<string, string>>): Wish {
  const text = textAt(annotations, INJECT.names[0]);
  if (text === undefined) return 'absent';
  const wish = INJECT.parse(text, NO_NAMES);
  return wish.ok ? wish.value : 'unreadable';
}

type Granted = Pick<Extract<Decision, { inject: true }>, 'mode' | 'annotationAt'>;

function wishOf(pod: Wish, namespace: Wish): Granted | SkipReason {
  if (namespace === 'unreadable') return 'invalid_inject_annotation_at_ns';
  if (pod === 'unreadable') return 'invalid_inject_annotation_at_workload';
  if (pod === 'disabled') return 'injection_disable_annotation_present';
  if (pod === 'enabled' || pod === 'ingress') return { mode: pod, annotationAt: 'workload' };
  if (namespace === 'enabled' || namespace === 'ingress') return { mode: namespace, annotationAt: 'namespace' };
  return 'injection_enable_annotation_absent';
}
