import { child } from '../../crds/parse/metadata.ts';
import { obstacles } from './obstacles.ts';
import type { SkipReason } from './skip-reason.ts';

export const INJECT_ANNOTATION = 'linkerd.io/inject';

export type Decision =
  | { inject: true; mode: 'enabled' | 'ingress'; annotationAt: 'workload' | 'namespace' }
  | { inject: false; reasons: SkipReason[]; requested: boolean };

/** What counts of the pod's namespace. */
export interface NamespaceWishes {
  annotations: Readonly<Record<string, string>>;
  labels: Readonly<Record<string, string>>;
}

/**
 * Whether a pod gets a proxy (Linkerd: truth table of `linkerd.io/inject` on pod and namespace).
 * @param pod core/v1 Pod, unchecked
 */
export function decide(pod: unknown, namespace: NamespaceWishes): Decision {
  const wish = wishOf(valueAt(child(child(pod, 'metadata'), 'annotations')), valueAt(namespace.annotations));
  const reasons = obstacles(pod, namespace.labels);
  if (typeof wish === 'string') return { inject: false, reasons: [...reasons, wish], requested: false };
  return reasons.length === 0 ? { inject: true, ...wish } : { inject: false, reasons, requested: true };
}

/** `undefined` where there is no annotation; an empty value is a value, and not a valid one. */
function valueAt(annotations: unknown): string | undefined {
  const value = child(annotations, INJECT_ANNOTATION);
  return typeof value === 'string' ? value : undefined;
}

interface Wish {
  mode: 'enabled' | 'ingress';
  annotationAt: 'workload' | 'namespace';
}

function wishOf(pod: string | undefined, namespace: string | undefined): Wish | SkipReason {
  if (!isKnown(namespace)) return 'invalid_inject_annotation_at_ns';
  if (!isKnown(pod)) return 'invalid_inject_annotation_at_workload';
  if (pod === 'disabled') return 'injection_disable_annotation_present';
  if (pod === 'enabled' || pod === 'ingress') return { mode: pod, annotationAt: 'workload' };
  if (namespace === 'enabled' || namespace === 'ingress') return { mode: namespace, annotationAt: 'namespace' };
  return 'injection_enable_annotation_absent';
}

function isKnown(value: string | undefined): boolean {
  return value === undefined || value === 'enabled' || value === 'disabled' || value === 'ingress';
}
