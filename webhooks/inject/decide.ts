import { child, listOf, textOf } from '../../crds/parse/metadata.ts';
import { INIT_CONTAINER, PROXY_CONTAINER } from '../../proxy-image/contract/names.ts';

export const INJECT_ANNOTATION = 'linkerd.io/inject';

/** Why a pod is left as it is (Linkerd: the same codes in its events, metrics and CLI report). */
export type SkipReason =
  | 'host_network_enabled'
  | 'sidecar_already_exists'
  | 'unsupported_resource'
  | 'injection_enable_annotation_absent'
  | 'injection_disable_annotation_present'
  | 'invalid_inject_annotation_at_workload'
  | 'invalid_inject_annotation_at_ns';

export const SKIP_TEXT: Readonly<Record<SkipReason, string>> = {
  host_network_enabled: 'hostNetwork is enabled',
  sidecar_already_exists: 'pod has a sidecar injected already',
  unsupported_resource: 'this kind of object is not injected',
  injection_enable_annotation_absent: 'neither the namespace nor the pod has the annotation linkerd.io/inject: enabled',
  injection_disable_annotation_present: 'pod has the annotation linkerd.io/inject: disabled',
  invalid_inject_annotation_at_workload:
    'the annotation linkerd.io/inject of the pod must be enabled, disabled or ingress',
  invalid_inject_annotation_at_ns:
    'the annotation linkerd.io/inject of the namespace must be enabled, disabled or ingress',
};

export type Decision =
  | { inject: true; mode: 'enabled' | 'ingress'; annotationAt: 'workload' | 'namespace' }
  | { inject: false; reasons: SkipReason[]; requested: boolean };

/** Containers and images of this mesh and of Istio: two proxies in one pod would redirect to each other (Linkerd: `HasExistingSidecars`). */
const SIDECAR_NAMES: readonly string[] = [PROXY_CONTAINER, INIT_CONTAINER, 'istio-proxy', 'istio-init'];
const SIDECAR_IMAGES = ['cr.l5d.io/linkerd/proxy:', 'cr.l5d.io/linkerd/proxy-init:', 'gcr.io/istio-release/proxyv2:'];

/**
 * Whether a pod gets a proxy (Linkerd: truth table of `linkerd.io/inject` on pod and namespace).
 * @param pod core/v1 Pod, unchecked
 */
export function decide(pod: unknown, namespaceAnnotations: Readonly<Record<string, string>>): Decision {
  const wish = wishOf(valueAt(child(child(pod, 'metadata'), 'annotations')), valueAt(namespaceAnnotations));
  const reasons = obstacles(pod);
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

function obstacles(pod: unknown): SkipReason[] {
  const spec = child(pod, 'spec');
  const reasons: SkipReason[] = [];
  if (spec === undefined || listOf(spec, 'containers').length === 0) reasons.push('unsupported_resource');
  if (child(spec, 'hostNetwork') === true) reasons.push('host_network_enabled');
  if ([...listOf(spec, 'containers'), ...listOf(spec, 'initContainers')].some(isSidecar)) {
    reasons.push('sidecar_already_exists');
  }
  return reasons;
}

function isSidecar(container: unknown): boolean {
  const image = textOf(container, 'image');
  return SIDECAR_NAMES.includes(textOf(container, 'name')) || SIDECAR_IMAGES.some((prefix) => image.startsWith(prefix));
}
