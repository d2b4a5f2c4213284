import { createHash } from 'node:crypto';
import { OPAQUE_PORTS } from '../../crds/annotations/port-lists.ts';
import type { PodModel } from '../../crds/kinds/pod/model.ts';
import { child, listOf, textOf } from '../../crds/parse/metadata.ts';
import { isLabelKey, isLabelValue } from '../../crds/scalars/name.ts';
import { readPortRanges } from '../../crds/scalars/port.ts';
import { CONTROL_PLANE_LABEL, CONTROL_PLANE_NAMESPACE } from '../../proxy-image/contract/names.ts';
import { portInRanges } from '../../proxy-image/contract/port-ranges.ts';
import type { ProxySettings } from './settings.ts';

const CREATED_BY_ANNOTATION = 'linkerd.io/created-by';
const VERSION_ANNOTATION = 'linkerd.io/proxy-version';
/** The container that `kubectl logs` and `kubectl exec` mean without `-c`: the first one, which may be the proxy. */
const DEFAULT_CONTAINER_ANNOTATION = 'kubectl.kubernetes.io/default-container';
const TRUST_ROOT_ANNOTATION = 'linkerd.io/trust-root-sha256';
const WORKLOAD_NAMESPACE_LABEL = 'linkerd.io/workload-ns';

/** Owners that become a label `linkerd.io/proxy-<kind>` (Linkerd: `pkg/inject`); the value is read by dashboards. */
const LABELLED_OWNERS: readonly string[] = [
  'deployment',
  'replicationcontroller',
  'replicaset',
  'job',
  'daemonset',
  'statefulset',
];

type Entries = Record<string, string>;

/** Labels that an injected pod gets (Linkerd: injected pod metadata). A value that is no label value is left out. */
export function podLabels(pod: PodModel, namespace: string): Entries {
  const kind = pod.owner.kind.toLowerCase();
  const labels: Entries = {
    [CONTROL_PLANE_LABEL]: CONTROL_PLANE_NAMESPACE,
    [WORKLOAD_NAMESPACE_LABEL]: namespace,
  };
  if (LABELLED_OWNERS.includes(kind)) labels[`linkerd.io/proxy-${kind}`] = pod.owner.name;
  return Object.fromEntries(Object.entries(labels).filter(([key, value]) => isLabelKey(key) && isLabelValue(value)));
}

export interface AnnotationInput {
  pod: PodModel;
  /** The same, core/v1 and unchecked: the model keeps no annotations of others. */
  raw: unknown;
  settings: ProxySettings;
  inherited: Readonly<Record<string, string>>;
  trustAnchorsPem: string;
  /** Version of the operator. */
  version: string;
}

export function podAnnotations(input: AnnotationInput): Entries {
  const own: Entries = {
    [CREATED_BY_ANNOTATION]: `weft/proxy-injector ${input.version}`,
    [VERSION_ANNOTATION]: input.settings.version,
    [TRUST_ROOT_ANNOTATION]: createHash('sha256').update(input.trustAnchorsPem).digest('hex'),
  };
  const all = { ...opaquePortsOf(input), ...defaultContainerOf(input), ...input.inherited, ...own };
  return Object.fromEntries(Object.entries(all).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * Without an annotation of its own or of its namespace a pod that exposes one of the default opaque ports shows the default, as Linkerd's injector does;
 * all of it, not only what the pod exposes: ports that no container declares stay opaque.
 */
function opaquePortsOf({ pod, settings, inherited }: AnnotationInput): Entries {
  const [name] = OPAQUE_PORTS.names;
  if (Object.hasOwn(pod.meta.annotations, name) || name in inherited) return {};
  const ranges = readPortRanges(settings.opaquePorts);
  const exposes = pod.containerPorts.some(({ port }) => portInRanges(port, ranges));
  return exposes ? { [name]: settings.opaquePorts } : {};
}

/** What the pod says itself stands. */
function defaultContainerOf({ raw }: AnnotationInput): Entries {
  if (child(child(child(raw, 'metadata'), 'annotations'), DEFAULT_CONTAINER_ANNOTATION) !== undefined) return {};
  const name = textOf(listOf(child(raw, 'spec'), 'containers')[0], 'name');
  return name === '' ? {} : { [DEFAULT_CONTAINER_ANNOTATION]: name };
}
