import { INIT_CONTAINER, PROXY_CONTAINER } from '../../../proxy-image/contract/names.ts';
import { child, listOf, textOf } from '../../parse/metadata.ts';

/** What keeps a pod from carrying a proxy, whatever its namespace says (Linkerd: the same codes; the last three are ours). */
export type Obstacle =
  | 'unsupported_resource'
  | 'host_network_enabled'
  | 'sidecar_already_exists'
  | 'windows_pod'
  | 'mirror_pod'
  | 'volume_name_taken';

/** Volumes that injection adds: no pod may have them before. */
export const IDENTITY_VOLUME = 'linkerd-identity-end-entity';
export const TOKEN_VOLUME = 'linkerd-identity-token';
export const API_ACCESS_VOLUME = 'weft-api-access';
export const RESERVED_VOLUMES: readonly string[] = [IDENTITY_VOLUME, TOKEN_VOLUME, API_ACCESS_VOLUME];

/** Containers of this mesh and of Istio: two proxies in one pod would redirect to each other (Linkerd: `HasExistingSidecars`). */
const SIDECAR_NAMES: readonly string[] = [PROXY_CONTAINER, INIT_CONTAINER, 'istio-proxy', 'istio-init'];
/** Of Linkerd and of Istio. */
const SIDECAR_IMAGES = [
  'cr.l5d.io/linkerd/proxy:',
  'cr.l5d.io/linkerd/proxy-init:',
  'gcr.io/istio-release/proxyv2:',
] as const;

const OS_LABELS = ['kubernetes.io/os', 'beta.kubernetes.io/os'] as const;
/** Written by the kubelet on the object that shows a static pod; the API server then takes no token volume (admission plugin ServiceAccount). */
const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';

/** Pods are many and have mostly none of them, or are in the mesh. */
const NONE: readonly Obstacle[] = [];
const SIDECAR: readonly Obstacle[] = ['sidecar_already_exists'];

/**
 * In a fixed order. Injecting such a pod all the same would let the API server or the kubelet refuse it: a pod outside the mesh whose owner is told is better
 * than none.
 * @param pod core/v1 Pod, unchecked
 */
export function readObstacles(pod: unknown): readonly Obstacle[] {
  const spec = child(pod, 'spec');
  const found: Obstacle[] = [];
  if (listOf(spec, 'containers').length === 0) found.push('unsupported_resource');
  if (child(spec, 'hostNetwork') === true) found.push('host_network_enabled');
  if ([...listOf(spec, 'containers'), ...listOf(spec, 'initContainers')].some(isSidecar)) {
    found.push('sidecar_already_exists');
  }
  if (isForWindows(spec)) found.push('windows_pod');
  if (child(child(child(pod, 'metadata'), 'annotations'), MIRROR_ANNOTATION) !== undefined) found.push('mirror_pod');
  // It would be two volumes of one name, or the proxy's key in a place that somebody else chose. Behind a sidecar it is ours.
  if (!found.includes('sidecar_already_exists') && hasReservedVolume(spec)) found.push('volume_name_taken');
  if (found.length === 0) return NONE;
  return found.length === 1 && found[0] === SIDECAR[0] ? SIDECAR : found;
}

function isSidecar(container: unknown): boolean {
  const image = textOf(container, 'image');
  return SIDECAR_NAMES.includes(textOf(container, 'name')) || SIDECAR_IMAGES.some((prefix) => image.startsWith(prefix));
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
