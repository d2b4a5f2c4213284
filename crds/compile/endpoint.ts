import { CONTROL_PLANE_LABEL, serviceAccountIdentity } from '../../proxy-image/contract/names.ts';
import { FOR_OLDER_PROXIES } from '../../proxy-image/contract/older-proxies.ts';
import type { OutboundProtocol } from '../../proxy-image/contract/policy/protocol.ts';
import { portInRanges } from '../../proxy-image/contract/port-ranges.ts';
import type { Endpoint } from '../../proxy-image/contract/resources.ts';
import type { MeshModel } from '../kinds/mesh/model.ts';
import { meshOf } from '../kinds/mesh/queries.ts';
import type { PodModel } from '../kinds/pod/model.ts';
import { serverOn, serversOf } from '../kinds/server/selection.ts';
import { compareText } from '../state/order.ts';
import type { ClusterView } from '../state/view.ts';
import { OpaquePorts } from './shared/opaque-ports.ts';
import { addressProtocol, endpointProtocol } from './shared/port-protocol.ts';

/** An address and what discovery says of it; `pod` is null for addresses that no pod of this cluster has. */
export interface Target {
  address: string;
  port: number;
  pod: PodModel | null;
  /** Where the address was found: of the pod, else of the Service that lists it. */
  namespace: string;
  node: string;
  zone: string;
  hintZones: readonly string[];
  /** Labels beside those of the pod: namespace, service. */
  labels: Readonly<Record<string, string>>;
}

/** Ports that are reached without the inbound proxy, and so without its mTLS, because they are the proxy's own (`linkerd-init` leaves them alone). */
function isOwnPort({ proxyPorts }: PodModel, port: number): boolean {
  return port === proxyPorts.tap || port === proxyPorts.admin;
}

/** Compiles single endpoints; what repeats among the endpoints of one Service is worked out once. */
export class EndpointCompiler {
  readonly #view: ClusterView;
  readonly #mesh: MeshModel;
  readonly #opaque: OpaquePorts;

  constructor(view: ClusterView) {
    this.#view = view;
    this.#mesh = meshOf(view);
    this.#opaque = new OpaquePorts(view);
  }

  compile(target: Target): Endpoint {
    const { pod, port } = target;
    const identity = pod === null ? null : endpointIdentity(pod, port, this.#mesh);
    return {
      address: target.address,
      port,
      identity,
      proxyPort: pod === null || identity === null ? 0 : pod.proxyPorts.inboundMesh,
      protocol: this.#protocolOf(target),
      node: target.node === '' ? (pod?.nodeName ?? '') : target.node,
      zone: target.zone,
      hintZones: target.hintZones.toSorted(compareText),
      ...FOR_OLDER_PROXIES.endpoint,
      labels: endpointLabels(target),
    };
  }

  /** Linkerd: protocol hint of an endpoint. An address that no pod has goes by the list of its namespace. */
  #protocolOf({ pod, port, namespace }: Target): OutboundProtocol {
    if (pod === null) return addressProtocol(port, this.#opaque.ofNamespace(namespace));
    return endpointProtocol(port, serverOn(serversOf(this.#view, pod), pod, port), this.#opaque.ofPod(pod));
  }
}

/** Identity is per (pod, port): a port that bypasses the peer's proxy, or is its proxy's own, has none. */
function endpointIdentity(pod: PodModel, port: number, mesh: MeshModel): string | null {
  if (!pod.meshed || isOwnPort(pod, port) || portInRanges(port, pod.skipInboundPorts)) return null;
  return serviceAccountIdentity(pod.serviceAccount, pod.meta.namespace, mesh.identity.suffix);
}

/** In a fixed order; what is empty is left out. */
function endpointLabels({ pod, zone, labels }: Target): Record<string, string> {
  const all: Record<string, string> = { ...labels };
  if (pod !== null) {
    const { name, namespace, labels: own } = pod.meta;
    all['namespace'] = namespace;
    all['pod'] = name;
    addLabel(all, ownerLabel(pod.owner.kind), pod.owner.name);
    addLabel(all, 'serviceaccount', pod.serviceAccount);
    addLabel(all, 'control_plane_ns', own[CONTROL_PLANE_LABEL]);
    addLabel(all, 'pod_template_hash', own['pod-template-hash']);
  }
  addLabel(all, 'zone', zone);
  return all;
}

function addLabel(labels: Record<string, string>, name: string, value: string | undefined): void {
  if (name !== '' && value !== undefined && value !== '') labels[name] = value;
}

/** `dst_deployment`, `dst_statefulset`, …; Jobs are `k8s_job`, for Prometheus keeps `job` to itself. Kinds that make no label name are left out. */
function ownerLabel(kind: string): string {
  const label = kind.toLowerCase();
  if (!/^[a-z][a-z0-9]*$/.test(label)) return '';
  return label === 'job' || label === 'cronjob' ? `k8s_${label}` : label;
}
