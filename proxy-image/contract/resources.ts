import type { Authorization, ObjectLabel } from './policy/authorization.ts';
import type { InboundRule, RateLimit } from './policy/inbound.ts';
import type { RequestMatch } from './policy/match.ts';
import type { OutboundPolicy } from './policy/outbound.ts';
import type { InboundProtocol, OutboundProtocol } from './policy/protocol.ts';
import type { ResponseClass } from './policy/response-class.ts';

export type { AuthenticationMatch, Authorization, NetworkMatch, ObjectLabel } from './policy/authorization.ts';

/**
 * The bodies of the configuration stream: plain JSON, no class instances, no undefined fields.
 * Field order is fixed by the compiler that writes them, because `version` is a hash of the bytes.
 * A reader ignores unknown fields; an unknown *rule type* (a `type` it does not know) denies that rule and is reported in a nack.
 */

/** Every body names the newest `metadata.resourceVersion` (as decimal text) of the objects it was made from. */
export interface Sourced {
  sources: string;
}

/** Policy of one inbound port. No authorization matches → denied. `audit`: what would be denied is allowed, logged and labelled `audit`. */
export interface PortPolicy {
  server: ObjectLabel;
  protocol: InboundProtocol;
  /** Of the whole port: they hold for connections, and for requests where there are no `rules`. A proxy that knows no rules goes by these alone. */
  authorizations: Authorization[];
  audit: boolean;
  /** Where there are any, each request is judged by the first that matches it. Bodies of older operators lack the field: none. */
  rules: InboundRule[];
  /** Bodies of older operators lack the field: no limit. */
  rateLimit: RateLimit | null;
  /** Request targets (path and query) of the pod's own HTTP probes on this port, as the kubelet sends them; GET and HEAD on them need no authorization. */
  probePaths: string[];
  /** The pod has a gRPC probe on this port: calls of `grpc.health.v1.Health/Check` need no authorization. Bodies of older operators lack the field: false. */
  grpcProbe: boolean;
  /** ServiceProfile of a Service that targets this port, for `route_*` metrics and response classes on the inbound side. */
  profile: { dst: string; routes: Route[] } | null;
}

/** One policy for the ports from `first` to `last`, inclusive. */
export interface RangePolicy {
  first: number;
  last: number;
  policy: PortPolicy;
}

export interface WorkloadResource extends Sourced {
  namespace: string;
  pod: string;
  /** Policies of ports known in advance (container ports, Servers): port number as text → policy. */
  ports: Record<string, PortPolicy>;
  /**
   * Ports that `ports` does not name and that another policy than `defaultPolicy` holds for, each in one range at most. Bodies of older operators
   * have none. Older proxies go by `defaultPolicy` alone, which is therefore never laxer than the policy of a range.
   */
  ranges: RangePolicy[];
  /** Policy of every other port, with its default protocol. */
  defaultPolicy: PortPolicy;
  /** Inbound ports and ranges (`[first, last]`) without protocol detection. */
  opaquePorts: [number, number][];
  settings: WorkloadSettings;
}

export interface WorkloadSettings {
  detectTimeoutMs: number;
  /** Mesh-wide: an outbound destination that is not known in time is refused instead of spliced through without TLS. */
  requireIdentity: boolean;
  /**
   * Names of header fields, in lower case, whose values nobody who taps the pod is told, beside those that are secret everywhere; `null`: nobody may tap it.
   * Operators of before leave it out: nobody.
   */
  tapRedacts: string[] | null;
}

/** List order is the order of evaluation; the first match wins. What no route matches uses the implicit default route (no name, no retry, no timeout). */
export interface Route {
  name: string;
  match: RequestMatch;
  isRetryable: boolean;
  /** Whole request including retries; 0 = none. */
  timeoutMs: number;
  responseClasses: ResponseClass[];
}

export interface ServiceDestination extends Sourced {
  type: 'service';
  namespace: string;
  service: string;
  port: number;
  /** `<service>.<namespace>.svc.<clusterDomain>:<port>`; becomes `l5d-dst-canonical` and the `dst` label. */
  authority: string;
  policy: OutboundPolicy;
}

/** The destination is a pod (pod IP, headless Service): forwarded to it, no balancing, no Service policy. */
export interface PodDestination extends Sourced {
  type: 'pod';
  namespace: string;
  pod: string;
  protocol: OutboundProtocol;
  endpoint: Endpoint;
}

/** Nothing in this cluster has the address: requests and bytes go to it as they are, in plaintext. */
export interface UnknownDestination extends Sourced {
  type: 'unknown';
  /** `detect`, or `opaque` by the Mesh's opaque ports. An operator of before leaves it out, and means `opaque`. */
  protocol?: OutboundProtocol;
}

/** A Service owns this address but has no such port: the connection is reset (Linkerd 2.19 and later). */
export interface ForbiddenDestination extends Sourced {
  type: 'forbidden';
  reason: string;
}

export type ServiceResource = ServiceDestination | PodDestination | UnknownDestination | ForbiddenDestination;

/** One address behind a Service port. Its identity in patches is `address` and `port`. */
export interface Endpoint {
  address: string;
  port: number;
  /** TLS identity expected of the pod's proxy; `null` = not meshed (or a skipped port): plaintext to `address:port`. */
  identity: string | null;
  /** Port of the pod's proxy for mTLS; 0 when `identity` is null. */
  proxyPort: number;
  protocol: OutboundProtocol;
  node: string;
  zone: string;
  /** Zones from EndpointSlice hints; empty = no hint. */
  hintZones: string[];
  /** `dst_*` metric labels without the prefix: pod, deployment, serviceaccount, … */
  labels: Record<string, string>;
}

export interface EndpointsResource extends Sourced {
  endpoints: Endpoint[];
}

export interface TrustResource extends Sourced {
  /** PEM certificates of every trusted anchor. */
  anchorsPem: string;
}

export type ResourceBody = WorkloadResource | ServiceResource | EndpointsResource | TrustResource;
