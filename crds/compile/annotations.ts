import { type AccessPolicy, isAccessPolicy, UNREADABLE_POLICY } from '../../proxy-image/contract/access-policy.ts';
import { EVERY_PORT, mergeRanges, type PortRange } from '../../proxy-image/contract/port-ranges.ts';
import { isPortName, parsePortRanges } from '../scalars/port.ts';
import { portNames, readPortList } from '../scalars/port-list.ts';
import { quote } from '../scalars/scalar.ts';
import type { NamespaceModel, PodModel, ServiceModel } from '../types/kubernetes.ts';
import type { MeshModel, ObjectMeta } from '../types/models.ts';
import { getOrCreate } from './get-or-create.ts';
import type { ClusterView } from './view.ts';

export const OPAQUE_PORTS_ANNOTATION = 'config.linkerd.io/opaque-ports';
export const DEFAULT_POLICY_ANNOTATION = 'config.linkerd.io/default-inbound-policy';
export const REQUIRE_IDENTITY_ANNOTATION = 'config.linkerd.io/proxy-require-identity-inbound-ports';

function own(meta: ObjectMeta, name: string): string | undefined {
  return Object.hasOwn(meta.annotations, name) ? meta.annotations[name] : undefined;
}

/**
 * Default inbound policy of a pod: its own annotation, else its namespace's, else the Mesh's. An empty annotation counts as none; one that names no
 * policy denies, because what stands behind it may be laxer than what was meant.
 */
export function defaultPolicyOf(pod: PodModel, namespace: NamespaceModel | null, mesh: MeshModel): AccessPolicy {
  const written = [pod.meta, namespace?.meta].map((meta) => meta && own(meta, DEFAULT_POLICY_ANNOTATION));
  const text = written.find((value) => value !== undefined && value !== '') ?? mesh.proxy.defaultInboundPolicy;
  return isAccessPolicy(text) ? text : UNREADABLE_POLICY;
}

/** Inbound ports of a pod that demand a client identity (`proxy-require-identity-inbound-ports` of the pod, else of its namespace). An empty annotation counts as none. */
export function identityPortsOf(pod: PodModel, namespace: NamespaceModel | null): PortRange[] {
  const written = [pod.meta, namespace?.meta].map((meta) => meta && own(meta, REQUIRE_IDENTITY_ANNOTATION));
  return readIdentityPorts(written.find((text) => text !== undefined && text !== '') ?? '', pod.containerPorts);
}

/**
 * Ports, ranges, and names of the pod's container ports; a name that the pod does not have names nothing. What can be read as neither may have been
 * any port: then every port demands an identity.
 */
export function readIdentityPorts(text: string, containerPorts: PodModel['containerPorts']): PortRange[] {
  if (identityPortsProblem(text) !== '') return [[...EVERY_PORT]];
  return mergeRanges(readPortList(text, portNames(containerPorts)).ranges);
}

/** Why such a list closes every port; empty where it can be read. */
export function identityPortsProblem(text: string): string {
  const { problem, leftOut } = readPortList(text);
  if (leftOut.length === 0) return problem;
  const unreadable = leftOut.find((entry) => !isPortName(entry));
  return unreadable === undefined ? '' : `must have ports, ranges and names, not ${quote(unreadable)}`;
}

/**
 * Opaque ports of pods and Services, and of addresses that no pod has: the annotation `opaque-ports` of the object, else of its namespace, else the list
 * of the Mesh. Read once per text, for a Service of thousands of endpoints repeats it.
 */
export class OpaquePorts {
  readonly #view: ClusterView;
  readonly #read = new Map<string, PortRange[] | null>();
  readonly #namespaces = new Map<string, Inheritance>();

  constructor(view: ClusterView) {
    this.#view = view;
  }

  /** By its own ports, which the list may name. */
  ofService({ meta, ports }: ServiceModel): PortRange[] {
    return this.#of(meta, ports);
  }

  /** By its container ports, which the list may name. */
  ofPod({ meta, containerPorts }: PodModel): PortRange[] {
    return this.#of(meta, containerPorts);
  }

  ofMesh(): PortRange[] {
    const ranges = parsePortRanges(this.#view.mesh().proxy.opaquePorts);
    return ranges.ok ? ranges.value : [];
  }

  ofNamespace(name: string): PortRange[] {
    return this.#inherited(name, []);
  }

  #of(meta: ObjectMeta, ports: readonly NamedPort[]): PortRange[] {
    return this.#list(own(meta, OPAQUE_PORTS_ANNOTATION), ports) ?? this.#inherited(meta.namespace, ports);
  }

  #inherited(name: string, ports: readonly NamedPort[]): PortRange[] {
    const { text, fallback } = getOrCreate(this.#namespaces, name, () => this.#inheritance(name));
    return this.#list(text, ports) ?? fallback;
  }

  #inheritance(name: string): Inheritance {
    const namespace = this.#view.namespace(name);
    const text = namespace === null ? undefined : own(namespace.meta, OPAQUE_PORTS_ANNOTATION);
    return { text, fallback: this.ofMesh() };
  }

  /** `null`: it says nothing. */
  #list(text: string | undefined, ports: readonly NamedPort[]): PortRange[] | null {
    if (text === undefined) return null;
    // What names stand for differs from object to object.
    return HAS_NAMES.test(text) ? rangesOf(text, ports) : getOrCreate(this.#read, text, () => rangesOf(text, []));
  }
}

/** What objects of one namespace go by that say nothing themselves. */
interface Inheritance {
  text: string | undefined;
  fallback: PortRange[];
}

type NamedPort = PodModel['containerPorts'][number];

const HAS_NAMES = /[a-z]/;

function rangesOf(text: string, ports: readonly NamedPort[]): PortRange[] | null {
  const { problem, ranges } = readPortList(text, portNames(ports));
  return problem === '' ? ranges : null;
}
