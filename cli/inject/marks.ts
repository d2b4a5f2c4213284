import { INJECT } from '../../crds/annotations/workload.ts';
import { UNDO_ANNOTATION } from './undo.ts';

const ANNOTATIONS: readonly string[] = [
  'linkerd.io/created-by',
  'linkerd.io/proxy-version',
  'linkerd.io/trust-root-sha256',
  UNDO_ANNOTATION,
];
const LABELS = /^linkerd\.io\/(?:control-plane-ns|workload-ns|proxy-[a-z]+)$/;

/**
 * Whether an entry of the metadata of a pod or a namespace is there because of injection. Settings of the proxy are not: who took them away would not get them
 * back by injecting again. `linkerd.io/inject: disabled` is somebody's decision, and stays.
 */
export function isOfInjection(place: 'annotations' | 'labels', key: string, value: unknown): boolean {
  if (place === 'labels') return LABELS.test(key);
  return ANNOTATIONS.includes(key) || (key === INJECT.names[0] && value !== 'disabled');
}
