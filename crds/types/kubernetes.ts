import type { ProxyPorts } from '../../proxy-image/contract/ports.ts';
import type { ObjectMeta } from './models.ts';

/** What Weft keeps of Kubernetes' own kinds: informers reduce objects to these, nothing deeper sees the raw ones. */
export interface ServiceModel {
  meta: ObjectMeta;
  type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';
  /** Empty for headless Services and ExternalName. */
  clusterIPs: string[];
  headless: boolean;
  ports: {
    name: string;
    port: number;
    targetPort: number | string;
    protocol: 'TCP' | 'UDP' | 'SCTP';
    appProtocol: string;
  }[];
  internalTrafficPolicy: 'Cluster' | 'Local';
  selector: Readonly<Record<string, string>>;
}

export interface EndpointSliceModel {
  meta: ObjectMeta;
  /** Label `kubernetes.io/service-name`; empty when absent. */
  service: string;
  addressType: 'IPv4' | 'IPv6' | 'FQDN';
  ports: { name: string; port: number; protocol: 'TCP' | 'UDP' | 'SCTP' }[];
  endpoints: {
    addresses: string[];
    /** `null` in the API counts as ready. */
    ready: boolean;
    terminating: boolean;
    serving: boolean;
    targetPod: string;
    nodeName: string;
    zone: string;
    hintZones: string[];
  }[];
}

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
  /** Has the container `linkerd-proxy`, and the label `linkerd.io/control-plane-ns` names our control plane. What follows is of use only then. */
  meshed: boolean;
  /** Where its proxy listens. */
  proxyPorts: ProxyPorts;
  /** Ports that bypass the proxy and so have no identity. */
  skipInboundPorts: [number, number][];
}

export interface NamespaceModel {
  meta: ObjectMeta;
}
