import { type PortRange, parsePortRanges } from '../scalars/port.ts';
import type { NamespaceModel, PodModel, ServiceModel } from '../types/kubernetes.ts';
import type { ObjectMeta } from '../types/models.ts';
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
