import { type AccessPolicy, isAccessPolicy, UNREADABLE_POLICY } from '../../proxy-image/contract/access-policy.ts';
import { EVERY_PORT, mergeRanges, type PortRange } from '../../proxy-image/contract/port-ranges.ts';
import { isPortName, parsePortRanges } from '../scalars/port.ts';
import type { NamespaceModel, PodModel, ServiceModel } from '../types/kubernetes.ts';
import type { MeshModel, ObjectMeta } from '../types/models.ts';
import { getOrCreate } from './get-or-create.ts';
import type { ClusterView } from './view.ts';

export const OPAQUE_PORTS_ANNOTATION = 'config.linkerd.io/opaque-ports';
export const DEFAULT_POLICY_ANNOTATION = 'config.linkerd.io/default-inbound-policy';
export const REQUIRE_IDENTITY_ANNOTATION = 'config.linkerd.io/proxy-require-identity-inbound-ports';

const MAX_ENTRIES = 1_000;

/** The annotation of the object, else of its namespace, else `fallback`: the order of Linkerd's configuration annotations. */
export function annotationOf(
  name: string,
  object: { meta: ObjectMeta },
  namespace: NamespaceModel | null,
  fallback: string,
): string {
  return own(object.meta, name) ?? (namespace === null ? undefined : own(namespace.meta, name)) ?? fallback;
}

function own(meta: ObjectMeta, name: string): string | undefined {
  return Object.hasOwn(meta.annotations, name) ? meta.annotations[name] : undefined;
}

/** Ports and ranges of an annotation; an entry that is none is left out (Linkerd logs and ignores it). */
export function portRanges(text: string, names?: ReadonlyMap<string, number>): PortRange[] {
  return text.split(',', MAX_ENTRIES).flatMap((entry) => {
    const parsed = parsePortRanges(entry, names);
    return parsed.ok ? parsed.value : [];
  });
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

/** Inbound ports of a pod that demand a client identity (`proxy-require-identity-inbound-ports`). */
export function identityPortsOf(pod: PodModel, namespace: NamespaceModel | null): PortRange[] {
  return readIdentityPorts(annotationOf(REQUIRE_IDENTITY_ANNOTATION, pod, namespace, ''), pod.containerPorts);
}

/**
 * Ports, ranges, and names of the pod's container ports; a name that the pod does not have names nothing. What can be read as neither, or lies
 * beyond the longest list, may have been any port: then every port demands an identity.
 */
export function readIdentityPorts(text: string, containerPorts: PodModel['containerPorts']): PortRange[] {
  if (identityPortsProblem(text) !== '') return [[...EVERY_PORT]];
  return mergeRanges(
    text.split(',').flatMap((entry): PortRange[] => {
      const named = containerPorts.filter(({ name }) => name !== '' && name === entry.trim());
      const parsed = parsePortRanges(entry);
      return parsed.ok ? parsed.value : named.map(({ port }) => [port, port]);
    }),
  );
}

/** Why such a list closes every port; empty where it can be read. */
export function identityPortsProblem(text: string): string {
  const entries = text.split(',', MAX_ENTRIES + 1).map((entry) => entry.trim());
  if (entries.length > MAX_ENTRIES) return `must have at most ${MAX_ENTRIES} entries`;
  for (const entry of entries) {
    const parsed = parsePortRanges(entry);
    if (!parsed.ok && !isPortName(entry)) return parsed.problem;
  }
  return '';
}

/** Opaque ports of pods and Services; parsed once per text, for a Service of thousands of endpoints repeats it. */
export class OpaquePorts {
  readonly #view: ClusterView;
  readonly #parsed = new Map<string, PortRange[]>();
  readonly #namespaces = new Map<string, string>();

  constructor(view: ClusterView) {
    this.#view = view;
  }

  ofService(service: ServiceModel): PortRange[] {
    return this.#numbers(this.#text(service));
  }

  /** A pod's list may use the names of its container ports. */
  ofPod(pod: PodModel): PortRange[] {
    const text = this.#text(pod);
    if (!/[a-z]/.test(text)) return this.#numbers(text);
    const names = pod.containerPorts.filter(({ name }) => name !== '').map(({ name, port }) => [name, port] as const);
    return portRanges(text, new Map(names));
  }

  #text(object: ServiceModel | PodModel): string {
    return own(object.meta, OPAQUE_PORTS_ANNOTATION) ?? this.#textOfNamespace(object.meta.namespace);
  }

  #textOfNamespace(name: string): string {
    return getOrCreate(this.#namespaces, name, () => {
      const namespace = this.#view.namespace(name);
      const text = namespace === null ? undefined : own(namespace.meta, OPAQUE_PORTS_ANNOTATION);
      return text ?? this.#view.mesh().proxy.opaquePorts;
    });
  }

  #numbers(text: string): PortRange[] {
    return getOrCreate(this.#parsed, text, () => portRanges(text));
  }
}
