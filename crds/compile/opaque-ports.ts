import type { PortRange } from '../../proxy-image/contract/port-ranges.ts';
import { OPAQUE_PORTS_ANNOTATION, own } from '../annotations/inbound.ts';
import type { PodModel } from '../kinds/pod/model.ts';
import type { ServiceModel } from '../kinds/service/model.ts';
import { parsePortRanges } from '../scalars/port.ts';
import { portNames, readPortList } from '../scalars/port-list.ts';
import { getOrCreate } from '../state/get-or-create.ts';
import type { ClusterView } from '../state/view.ts';
import type { ObjectMeta } from '../types/object-meta.ts';

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
