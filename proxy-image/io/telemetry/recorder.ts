import type { EndpointState } from '../../core/balance/endpoint.ts';
import type { InboundPeer } from '../../core/policy/authorize.ts';
import type { RuleFacts } from '../../core/policy/decision.ts';
import type { PolicyDecision, PortPolicyEntry } from '../../core/policy/policy.ts';
import type { RateLimitScope } from '../../core/policy/rate-limit.ts';
import type { RouteEntry } from '../../core/route/table.ts';
import type {
  BackendEntry,
  OutboundRouteEntry,
  PolicyEntry,
  ServiceEntry,
  ShareEntry,
} from '../../core/state/entries.ts';
import type { BodyMeter } from '../../http/body-meter.ts';
import type { ConnectionRecorder } from './connection-recorder.ts';
import type { InboundError, OutboundError } from './error-labels.ts';
import type { AdminRefusal, InboundRefusal, OutboundRefusal } from './refusals.ts';
import type { BreakerEvent, RetryEvent } from './service-families.ts';

export type { InboundError, OutboundError };

/** How a request by route ended, or an attempt of it; used again by its owner. */
export interface RouteOutcome {
  /** 0 = no response. */
  status: number;
  /** -1 = none. */
  grpcStatus: number;
  /** Empty = none. */
  error: OutboundError | '';
  durationMs: number;
}

/** Of requests by HTTPRoute and GRPCRoute (`policy.series` is not null): what the client was told, and each attempt that was sent to a backend. */
export interface OutboundRouteRecorder {
  ended(entry: ServiceEntry, policy: PolicyEntry, outcome: RouteOutcome): void;
  attempted(entry: ServiceEntry, policy: PolicyEntry, share: ShareEntry): void;
  attemptEnded(entry: ServiceEntry, policy: PolicyEntry, share: ShareEntry, outcome: RouteOutcome): void;
  /** For the body of a request, whatever attempts it takes; and for that of a response from a backend. */
  requestMeter(entry: ServiceEntry, policy: PolicyEntry): BodyMeter | null;
  responseMeter(entry: ServiceEntry, policy: PolicyEntry, share: ShareEntry): BodyMeter | null;
}

/** How a request ended that a route of a Server has let in. Times are monotonic milliseconds. */
export interface InboundOutcome {
  /** 0 = no response. */
  readonly status: number;
  /** -1 = none. */
  readonly grpcStatus: number;
  readonly startedMs: number;
}

/** Of requests that a route of a Server has let in: once when it has, and once when they are over, now. */
export interface InboundRouteRecorder {
  began(policy: PortPolicyEntry, rule: RuleFacts): void;
  /** `sentMs`: when the application had all of the request; 0 = never. */
  ended(policy: PortPolicyEntry, rule: RuleFacts, outcome: InboundOutcome, sentMs: number): void;
  requestMeter(policy: PortPolicyEntry, rule: RuleFacts): BodyMeter;
  responseMeter(policy: PortPolicyEntry, rule: RuleFacts): BodyMeter;
}

export interface RouteRecorder {
  readonly outbound: OutboundRouteRecorder;
  readonly inbound: InboundRouteRecorder;
}

/** An outbound request, or an attempt of one, that has ended. */
export interface EndedCall {
  /** `null` for a pod or an address. */
  readonly entry: ServiceEntry | null;
  readonly route: OutboundRouteEntry;
  /** Of the last attempt, and its endpoint; `null` = none was chosen. */
  readonly backend: BackendEntry | null;
  readonly endpoint: EndpointState | null;
  /** Why the last attempt brought no response; `null` = it did, or the proxy answered without one. */
  readonly error: OutboundError | null;
  readonly retries: number;
}

/** Counts by what a request is for, where that is asked for (`traffic/reporter.ts`). `failure`: the response counts as one. */
export interface CallRecorder {
  /** An attempt that was sent to an endpoint. */
  attempted(call: EndedCall, failure: boolean, latencyMs: number): void;
  /** The request, whatever number of attempts it took. */
  ended(call: EndedCall, failure: boolean, latencyMs: number): void;
}

export interface TransportLabels {
  direction: 'inbound' | 'outbound';
  /** `src`: the connection that the proxy accepted; `dst`: the one it made. */
  peer: 'src' | 'dst';
  /** `address:port` of the target, as `formatAddress` writes it. */
  targetAddr: string;
  tls: 'true' | 'no_identity' | 'disabled' | 'opaque';
  /** Why there is no TLS; empty where there is. */
  noTlsReason: string;
  /** Verified identity of the other side: `client_id` of a src, `server_id` of a dst; empty = none. */
  identity: string;
  /** `dst_*` labels without the prefix. */
  dst: Readonly<Record<string, string>>;
  /** `authority`, outbound only; empty = none. */
  authority: string;
}

/**
 * What the stacks report, each a few array operations: series are resolved once per endpoint, route, and (client, decision), never per request.
 * `status` 0 = no response; `grpcStatus` -1 = none. `latencyMs` is time to the first byte of the response body, or to the end of a response without one;
 * it is recorded when the response ends.
 */
export interface Recorder {
  /** One attempt sent to an endpoint. `authority` is the backend's; empty for a pod. */
  outboundRequest(authority: string, endpoint: EndpointState): void;
  outboundResponse(
    authority: string,
    endpoint: EndpointState,
    status: number,
    grpcStatus: number,
    failure: boolean,
    latencyMs: number,
  ): void;
  /** An attempt that ended without a response. Counts in `response_total{classification="failure"}` and `outbound_http_errors_total`. */
  outboundFailed(authority: string, endpoint: EndpointState, error: OutboundError): void;
  /** A failure before any endpoint was chosen. */
  outboundError(protocol: 'http' | 'tcp', error: OutboundError): void;
  /** The circuit breaker has decided about an endpoint of `backend`. */
  breakerDecided(entry: ServiceEntry, backend: BackendEntry, event: BreakerEvent): void;
  /** Of the retries that the annotations of a Service ask for; those of a profile are `routeRetryable`. */
  serviceRetry(entry: ServiceEntry, policy: PolicyEntry, event: RetryEvent): void;

  /** `null` = nobody wants to know. */
  calls: CallRecorder | null;

  /** Loaded when it is first asked for: only where a route has decided that is not a profile's, for most proxies never see any. */
  routes(): RouteRecorder;

  /** Loaded with the first connection of a client. */
  connections(): ConnectionRecorder;

  /** Once per request, in either direction: before and after all of its attempts. Nothing is counted where no profile applies. */
  routeRequest(route: RouteEntry): void;
  routeResponse(route: RouteEntry, status: number, grpcStatus: number, failure: boolean, latencyMs: number): void;
  /** Once per attempt. */
  routeActualRequest(route: RouteEntry): void;
  routeActualResponse(route: RouteEntry, status: number, grpcStatus: number, failure: boolean): void;
  /** A response that the route would retry; `noBudget`: … and the budget did not allow it. */
  routeRetryable(route: RouteEntry, noBudget: boolean): void;

  /** Every decision about an HTTP request or an opaque connection: `inbound_{http,tcp}_authz_{allow,deny}_total`, or `inbound_http_route_not_found_total`. */
  inboundAuthorized(
    protocol: 'http' | 'tcp',
    policy: PortPolicyEntry,
    peer: InboundPeer,
    decision: PolicyDecision,
  ): void;
  /** A request that was authorized was refused, for there were too many: `inbound_http_local_ratelimit_total`. Neither it nor one that was denied is an `inboundRequest`. */
  inboundRateLimited(policy: PortPolicyEntry, peer: InboundPeer, decision: PolicyDecision, scope: RateLimitScope): void;
  /** An open TCP stream was ended because the policy changed. */
  inboundTerminated(policy: PortPolicyEntry, peer: InboundPeer, decision: PolicyDecision): void;
  inboundRequest(policy: PortPolicyEntry, peer: InboundPeer, decision: PolicyDecision): void;
  inboundResponse(
    policy: PortPolicyEntry,
    peer: InboundPeer,
    decision: PolicyDecision,
    status: number,
    grpcStatus: number,
    failure: boolean,
    latencyMs: number,
  ): void;
  inboundFailed(policy: PortPolicyEntry, peer: InboundPeer, decision: PolicyDecision, error: InboundError): void;
  inboundError(protocol: 'http' | 'tcp', error: InboundError): void;

  /** A client's connection was ended by the proxy's own decision: `weft_connections_refused_total`, and Linkerd's family of errors. */
  inboundRefused(refusal: InboundRefusal): void;
  outboundRefused(refusal: OutboundRefusal): void;
  adminRefused(refusal: AdminRefusal): void;
  /** What was sent is no request, or was not gone on with: `answer` is the status, or the name of HTTP/2's error code. */
  requestRefused(direction: 'inbound' | 'outbound' | 'admin', answer: string): void;

  /** Returns the handle for the other transport calls; valid until `transportClosed`. */
  transportOpened(labels: TransportLabels): number;
  transportRead(handle: number, bytes: number): void;
  transportWritten(handle: number, bytes: number): void;
  /** `errno` such as `ECONNRESET`; empty = an orderly end. */
  transportClosed(handle: number, errno: string): void;

  /** A destination that nobody could name in time was spliced to its original address without TLS. */
  unseenPassedThrough(): void;
  /** … or refused, because the Mesh requires identity. */
  unseenRefused(): void;

  /** Own certificate: seconds of Unix time. */
  certificateChanged(expiresAtSeconds: number, refreshedAtSeconds: number): void;
}
