import { isLinkerdSidecar } from '../../crds/annotations/linkerd-images.ts';
import { child, listOf, textOf } from '../../crds/parse/metadata.ts';
import { INIT_CONTAINER, PROXY_CONTAINER } from '../../proxy-image/contract/names.ts';
import type { SkipReason } from './skip-reason.ts';
import { RESERVED_VOLUMES } from './volumes.ts';

/** Containers of this mesh and of Istio: two proxies in one pod would redirect to each other (Linkerd: `HasExistingSidecars`). */
const SIDECAR_NAMES: readonly string[] = [PROXY_CONTAINER, INIT_CONTAINER, 'istio-proxy', 'istio-init'];
const ISTIO_PROXY = 'gcr.io/istio-release/proxyv2:';

const OS_LABELS = ['kubernetes.io/os', 'beta.kubernetes.io/os'] as const;
/** Written by the kubelet on the object that shows a static pod; the API server then takes no token volume (admission plugin ServiceAccount). */
const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
const ENFORCED_LEVEL = 'pod-security.kubernetes.io/enforce';

/**
 * What keeps a pod from carrying a proxy. Injecting it all the same would let the API server or the kubelet refuse the pod: a pod outside the mesh whose owner
 * is told is better than none.
 * @param pod core/v1 Pod, unchecked
 */
export function obstacles(pod: unknown, namespaceLabels: Readonly<Record<string, string>>): SkipReason[] {
  const spec = child(pod, 'spec');
  const reasons: SkipReason[] = [];
  if (listOf(spec, 'containers').length === 0) reasons.push('unsupported_resource');
  if (child(spec, 'hostNetwork') === true) reasons.push('host_network_enabled');
  if ([...listOf(spec, 'containers'), ...listOf(spec, 'initContainers')].some(isSidecar)) {
    reasons.push('sidecar_already_exists');
  }
  if (isForWindows(spec)) reasons.push('windows_pod');
  if (child(child(child(pod, 'metadata'), 'annotations'), MIRROR_ANNOTATION) !== undefined) reasons.push('mirror_pod');
  // It would be two volumes of one name, or the proxy's key in a place that somebody else chose. Behind a sidecar it is ours.
  if (!reasons.includes('sidecar_already_exists') && hasReservedVolume(spec)) reasons.push('volume_name_taken');
  if (forbidsNetAdmin(namespaceLabels)) reasons.push('pod_security_level');
  return reasons;
}

function isSidecar(container: unknown): boolean {
  const image = textOf(container, 'image');
  return SIDECAR_NAMES.includes(textOf(container, 'name')) || isLinkerdSidecar(image) || image.startsWith(ISTIO_PROXY);
}

function hasReservedVolume(spec: unknown): boolean {
  return listOf(spec, 'volumes').some((volume) => RESERVED_VOLUMES.includes(textOf(volume, 'name')));
}

/** By `spec.os`, else by where alone it may be scheduled. */
function isForWindows(spec: unknown): boolean {
  const os = textOf(child(spec, 'os'), 'name');
  if (os !== '') return os === 'windows';
  const selector = child(spec, 'nodeSelector');
  if (OS_LABELS.some((label) => textOf(selector, label) === 'windows')) return true;
  const node = child(child(spec, 'affinity'), 'nodeAffinity');
  const terms = listOf(child(node, 'requiredDuringSchedulingIgnoredDuringExecution'), 'nodeSelectorTerms');
  return terms.length > 0 && terms.every((term) => listOf(term, 'matchExpressions').some(wantsWindows));
}

function wantsWindows(requirement: unknown): boolean {
  const values = listOf(requirement, 'values');
  return (
    OS_LABELS.some((label) => label === textOf(requirement, 'key')) &&
    textOf(requirement, 'operator') === 'In' &&
    values.length > 0 &&
    values.every((value) => value === 'windows')
  );
}

/** `baseline` and `restricted` do, in every version; what is none of the three levels is enforced as `restricted` (Pod Security admission). */
function forbidsNetAdmin(namespaceLabels: Readonly<Record<string, string>>): boolean {
  const level = Object.hasOwn(namespaceLabels, ENFORCED_LEVEL) ? namespaceLabels[ENFORCED_LEVEL] : undefined;
  return level !== undefined && level !== 'privileged';
}
