import type { PortRange } from '../../../proxy-image/contract/port-ranges.ts';
import type { Place, Reading } from '../../annotations/annotation.ts';
import { namesOfPod } from '../../annotations/of-pod.ts';
import { OPAQUE_PORTS } from '../../annotations/port-lists.ts';
import { AnnotationReader, type Layer } from '../../annotations/reader.ts';
import { meshOf } from '../../kinds/mesh/queries.ts';
import { namespaceOf } from '../../kinds/namespace/queries.ts';
import type { PodModel } from '../../kinds/pod/model.ts';
import type { ServiceModel } from '../../kinds/service/model.ts';
import { NO_NAMES, type PortNames, portNames } from '../../scalars/port-list.ts';
import { getOrCreate } from '../../state/get-or-create.ts';
import type { ClusterView } from '../../state/view.ts';
import type { ObjectMeta } from '../../types/object-meta.ts';

/**
 * Opaque ports of pods and Services, and of addresses that no pod has: the annotation `opaque-ports` of the object, else of its namespace, else the list
 * of the Mesh. Read once per text, for a Service of thousands of endpoints repeats it.
 */
export class OpaquePorts {
  readonly #view: ClusterView;
  readonly #readings = new Map<string, Reading<PortRange[]>>();
  readonly #namespaces = new Map<string, Layer>();
  #ofMesh: PortRange[] | null = null;

  constructor(view: ClusterView) {
    this.#view = view;
  }

  /** By its own ports, which the list may name. */
  ofService({ meta, ports }: ServiceModel): PortRange[] {
    return this.#of('service', meta, () => portNames(ports));
  }

  /** By its container ports, which the list may name. */
  ofPod(pod: PodModel): PortRange[] {
    return this.#of('workload', pod.meta, () => namesOfPod(pod));
  }

  ofMesh(): PortRange[] {
    this.#ofMesh ??= OPAQUE_PORTS.otherwise.value(meshOf(this.#view));
    return this.#ofMesh;
  }

  ofNamespace(name: string): PortRange[] {
    return this.#read([this.#namespace(name)], () => NO_NAMES);
  }

  #of(place: Place, { annotations, namespace }: ObjectMeta, names: () => PortNames): PortRange[] {
    return this.#read([{ place, annotations }, this.#namespace(namespace)], names);
  }

  #namespace(name: string): Layer {
    return getOrCreate(this.#namespaces, name, () => ({
      place: 'namespace',
      annotations: namespaceOf(this.#view, name)?.meta.annotations ?? {},
    }));
  }

  #read(layers: readonly Layer[], names: () => PortNames): PortRange[] {
    const reader = new AnnotationReader({ layers, mesh: meshOf(this.#view) });
    const found = reader.read(OPAQUE_PORTS, (text) =>
      // What names stand for differs from object to object.
      HAS_NAMES.test(text)
        ? OPAQUE_PORTS.parse(text, names())
        : getOrCreate(this.#readings, text, () => OPAQUE_PORTS.parse(text, NO_NAMES)),
    );
    return found ?? this.ofMesh();
  }
}

const HAS_NAMES = /[a-z]/;
