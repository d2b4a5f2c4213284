import type { ProxyPorts } from '../../../proxy-image/contract/ports.ts';
import { kindName } from '../../types/kind-name.ts';
import type { ObjectMeta } from '../../types/object-meta.ts';
import type { Obstacle } from './obstacles.ts';

export const POD = kindName<PodModel>('', 'Pod', ['v1']);

export interface PodModel {
  meta: ObjectMeta;
  ips: string[];
  phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
  terminating: boolean;
  hostNetwork: boolean;
  serviceAccount: string;
  nodeName: string;
  /** The controlling owner after climbing ReplicaSet → Deployment by name; `{kind: '', name: ''}` for a bare pod. */
  owner: { kind: string; name: string };
  /** TCP container ports of all containers, native sidecars included; `name` may be empty. */
  containerPorts: { name: string; port: number }[];
  /** HTTP probes and lifecycle hooks of every container except the proxy's own: resolved port number, and the request target that the kubelet sends. */
  httpProbes: { port: number; target: string }[];
  /** Ports of the gRPC probes of those containers. */
  grpcProbePorts: number[];
  /** What would keep it from being injected if it were made now. */
  obstacles: readonly Obstacle[];
  /** RFC 3339; when somebody last changed it, its status apart. Empty where that is not known, and where it has a proxy. */
  writtenAt: string;
  /** Has the container `linkerd-proxy`, and the label `linkerd.io/control-plane-ns` names our control plane. What follows is of use only then. */
  meshed: boolean;
  /** Where its proxy listens. */
  proxyPorts: ProxyPorts;
  /** Ports that bypass the proxy and so have no identity. */
  skipInboundPorts: [number, number][];
}
