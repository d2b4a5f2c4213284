import type { AccessPolicy } from '../../proxy-image/contract/access-policy.ts';
import type { PortRange } from '../../proxy-image/contract/port-ranges.ts';
import type {
  Balancer,
  NetworkMatch,
  RequestMatch,
  ResponseClass,
  RetryBudget,
  Route,
} from '../../proxy-image/contract/resources.ts';

/** What every model keeps of `metadata`. */
export interface ObjectMeta {
  namespace: string;
  name: string;
  uid: string;
  resourceVersion: string;
  generation: number;
  /** RFC 3339 text; ties between objects are broken by it, oldest first, then by name. */
  creationTimestamp: string;
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
}

export interface ServiceProfileModel {
  meta: ObjectMeta;
  /** The profile's name, parsed: `<service>.<namespace>.svc.<clusterDomain>`. `null` when the name is not of that form. */
  target: { service: string; namespace: string; domain: string } | null;
  routes: Route[];
  /** `null` = the default budget. */
  retryBudget: RetryBudget | null;
  /** `weight` in thousandths. `port` 0 = the requested port. */
  dstOverrides: { authority: string; service: string; namespace: string; port: number; weight: number }[];
  opaquePorts: PortRange[];
}

export interface TrafficSplitModel {
  meta: ObjectMeta;
  /** Name of the root Service, reduced to its short name (short, `name.ns` and FQDN of the same namespace are accepted). */
  service: string;
  /** `weight` in thousandths, a non-negative integer. Order as written. */
  backends: { service: string; weight: number }[];
}

export interface LabelSelector {
  matchLabels: Readonly<Record<string, string>>;
  matchExpressions: { key: string; operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'; values: string[] }[];
}

export interface ServerModel {
  meta: ObjectMeta;
  podSelector: LabelSelector | null;
  port: number | string;
  proxyProtocol: 'unknown' | 'HTTP/1' | 'HTTP/2' | 'gRPC' | 'opaque' | 'TLS';
  accessPolicy: AccessPolicy;
}

export interface ServerAuthorizationModel {
  meta: ObjectMeta;
  server: { name: string } | { selector: LabelSelector };
  /** Empty = the Mesh's clusterNetworks. */
  networks: NetworkMatch[];
  client:
    | { type: 'unauthenticated' }
    | { type: 'tls' }
    | { type: 'meshTls'; identities: string[]; serviceAccounts: { name: string; namespace: string }[] };
}

/** `Mesh` with every default filled in; without a Mesh object the defaults stand (`crds/parse/mesh.ts` exports them). */
export interface MeshModel {
  meta: ObjectMeta | null;
  clusterDomain: string;
  clusterNetworks: string[];
  identity: {
    suffix: string;
    issuer: { type: 'Managed' } | { type: 'Secret'; name: string };
    certificateLifetimeMs: number;
    anchorLifetimeMs: number;
    issuerLifetimeMs: number;
    /** Refuse outbound destinations that are not known in time, instead of splicing them through without TLS. */
    required: boolean;
  };
  configurationSource: 'operator' | 'kubernetes';
  proxy: {
    image: string;
    imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
    resources: { cpuRequest: string; cpuLimit: string; memoryRequest: string; memoryLimit: string };
    logLevel: string;
    defaultInboundPolicy: AccessPolicy;
    opaquePorts: string;
    skipInboundPorts: string;
    skipOutboundPorts: string;
    skipSubnets: string;
    detectTimeoutMs: number;
    maxHeadBytes: number;
    nativeSidecar: boolean;
    accessLog: '' | 'apache' | 'json';
    balancer: Extract<Balancer, { type: 'ewma' | 'roundRobin' }>;
  };
  injection: { failurePolicy: 'Ignore' | 'Fail' };
  validation: { failurePolicy: 'Ignore' | 'Fail' };
}

export type { NetworkMatch, RequestMatch, ResponseClass, RetryBudget, Route };
