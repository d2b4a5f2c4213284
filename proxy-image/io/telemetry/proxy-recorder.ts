import type { Clock } from '../../../lib/clock.ts';
import { NO_GRPC_STATUS } from '../../contract/policy/grpc-status.ts';
import type { EndpointState } from '../../core/balance/endpoint.ts';
import type { InboundPeer } from '../../core/policy/authorize.ts';
import type { PolicyDecision, PortPolicyEntry } from '../../core/policy/policy.ts';
import type { RateLimitScope } from '../../core/policy/rate-limit.ts';
import type { RouteEntry } from '../../core/route/table.ts';
import type { BackendEntry, PolicyEntry, ServiceEntry } from '../../core/state/entries.ts';
import type { ConnectionFamilies } from './connection-families.ts';
import type { ControlCalls } from './control-calls.ts';
import { ClosedCounters, Counters } from './counters.ts';
import { INBOUND_ERRORS, type InboundError, OUTBOUND_ERRORS, type OutboundError } from './error-labels.ts';
import { loadConnectionFamilies } from './load-connection-families.ts';
import { loadRouteFamilies } from './load-route-families.ts';
import type { CallRecorder, Recorder, TransportLabels } from './recorder.ts';
import {
  ADMIN_REFUSALS,
  type AdminRefusal,
  answerCounters,
  INBOUND_REFUSALS,
  type InboundRefusal,
  OUTBOUND_REFUSALS,
  type OutboundRefusal,
  refusalCounters,
} from './refusals.ts';
import { ResponseFamilies } from './response-families.ts';
import type { RouteFamilies } from './route-families.ts';
import { endpointLabels, inboundLabels, rateLimitLabels, routeLabels } from './series-labels.ts';
import { SeriesTable } from './series-table.ts';
import { type BreakerEvent, type RetryEvent, ServiceFamilies } from './service-families.ts';
import { Transports } from './transports.ts';

export interface RecorderOptions {
  clock: Clock;
  /** Own address, for `target_addr` of inbound series. */
  podIp: string;
  /** Own zone as far as it is known; asked when an endpoint's series is resolved. */
  zone(): string;
  /** Series per group of families (default 2,000, about 2 MiB when full); what comes beyond shares one overflow series. */
  maxSeries?: number;
}

const DEFAULT_MAX_SERIES = 2000;
const NO_ERROR = -1;

/** What the stacks report to. Keeps numbers only; `exposition.ts` writes them. */
export class ProxyRecorder implements Recorder {
  readonly startedAtSeconds: number;
  readonly outbound: ResponseFamilies;
  readonly inbound: ResponseFamilies;
  readonly route: ResponseFamilies;
  readonly routeActual: ResponseFamilies;
  readonly retryable: Counters;
  readonly retrySkipped: Counters;
  readonly authorizations: Readonly<Record<'http' | 'tcp', { allow: Counters; deny: Counters; terminate: Counters }>>;
  readonly routeNotFound: Counters;
  readonly rateLimited: Counters;
  /** The same requests, by who made them. */
  readonly limited: Counters;
  readonly outboundErrors = { http: outboundErrors(), tcp: outboundErrors() };
  readonly inboundErrors = { http: inboundErrors(), tcp: inboundErrors() };
  readonly refusals = {
    inbound: refusalCounters(INBOUND_REFUSALS),
    outbound: refusalCounters(OUTBOUND_REFUSALS),
    admin: refusalCounters(ADMIN_REFUSALS),
  };
  readonly refusedRequests = { inbound: answerCounters(), outbound: answerCounters(), admin: answerCounters() };
  readonly transports: Transports;
  readonly services: ServiceFamilies;
  /** `null` before the first request by a route that is not a profile's. */
  policyRoutes: RouteFamilies | null = null;
  /** `null` before the first connection of a client. */
  connectionFamilies: ConnectionFamilies | null = null;
  calls: CallRecorder | null = null;
  unseenPassed = 0;
  unseenDenied = 0;
  /** What the proxy asks of the operator; set by whoever asks. */
  control: readonly ControlCalls[] = [];
  certificate = { expiresAtSeconds: 0, refreshedAtSeconds: 0, refreshes: 0 };
  readonly #options: RecorderOptions;
  readonly #outboundTable: SeriesTable;
  readonly #inboundTable: SeriesTable;
  readonly #routeTable: SeriesTable;

  constructor(options: RecorderOptions) {
    const capacity = options.maxSeries ?? DEFAULT_MAX_SERIES;
    this.#options = options;
    this.startedAtSeconds = options.clock.wallMs() / 1000;
    this.#outboundTable = new SeriesTable(capacity);
    this.#inboundTable = new SeriesTable(capacity);
    this.#routeTable = new SeriesTable(capacity);
    const families = (table: SeriesTable, errors: readonly string[], latency: boolean) =>
      new ResponseFamilies(table, capacity, { errors, latency });
    this.outbound = families(this.#outboundTable, OUTBOUND_ERRORS, true);
    this.inbound = families(this.#inboundTable, INBOUND_ERRORS, true);
    this.route = families(this.#routeTable, [], true);
    this.routeActual = families(this.#routeTable, [], false);
    this.retryable = new Counters(this.#routeTable);
    this.retrySkipped = new Counters(this.#routeTable);
    this.transports = new Transports(capacity);
    this.services = new ServiceFamilies(capacity);
    const counters = () => new Counters(this.#inboundTable);
    const verdicts = () => ({ allow: counters(), deny: counters(), terminate: counters() });
    this.authorizations = { http: verdicts(), tcp: verdicts() };
    this.routeNotFound = counters();
    this.rateLimited = counters();
    this.limited = counters();
  }

  outboundRequest(authority: string, endpoint: EndpointState): void {
    this.outbound.request(this.#endpoint(authority, endpoint));
  }

  outboundResponse(
    authority: string,
    endpoint: EndpointState,
    status: number,
    grpcStatus: number,
    failure: boolean,
    latencyMs: number,
  ): void {
    this.outbound.response(this.#endpoint(authority, endpoint), status, grpcStatus, failure, NO_ERROR, latencyMs);
  }

  outboundFailed(authority: string, endpoint: EndpointState, error: OutboundError): void {
    this.outbound.response(
      this.#endpoint(authority, endpoint),
      0,
      NO_GRPC_STATUS,
      true,
      OUTBOUND_ERRORS.indexOf(error),
      0,
    );
    this.outboundErrors.http.add(error);
  }

  outboundError(protocol: 'http' | 'tcp', error: OutboundError): void {
    this.outboundErrors[protocol].add(error);
  }

  breakerDecided(entry: ServiceEntry, backend: BackendEntry, event: BreakerEvent): void {
    this.services.breaker(entry, backend, event);
  }

  serviceRetry(entry: ServiceEntry, policy: PolicyEntry, event: RetryEvent): void {
    this.services.retry(entry, policy, event);
  }

  routes(): RouteFamilies {
    if (this.policyRoutes === null) {
      const { RouteFamilies } = loadRouteFamilies();
      const { maxSeries = DEFAULT_MAX_SERIES, clock } = this.#options;
      this.policyRoutes = new RouteFamilies(maxSeries, clock);
    }
    return this.policyRoutes;
  }

  connections(): ConnectionFamilies {
    if (this.connectionFamilies === null) {
      const { ConnectionFamilies } = loadConnectionFamilies();
      this.connectionFamilies = new ConnectionFamilies(this.#options.maxSeries ?? DEFAULT_MAX_SERIES);
    }
    return this.connectionFamilies;
  }

  routeRequest(route: RouteEntry): void {
    if (route.dst !== '') this.route.request(this.#route(route));
  }

  routeResponse(route: RouteEntry, status: number, grpcStatus: number, failure: boolean, latencyMs: number): void {
    if (route.dst !== '') this.route.response(this.#route(route), status, grpcStatus, failure, NO_ERROR, latencyMs);
  }

  routeActualRequest(route: RouteEntry): void {
    if (route.dst !== '') this.routeActual.request(this.#route(route));
  }

  routeActualResponse(route: RouteEntry, status: number, grpcStatus: number, failure: boolean): void {
    if (route.dst !== '') this.routeActual.response(this.#route(route), status, grpcStatus, failure, NO_ERROR, 0);
  }

  routeRetryable(route: RouteEntry, noBudget: boolean): void {
    if (route.dst === '') return;
    (noBudget ? this.retrySkipped : this.retryable).add(this.#route(route));
  }

  inboundAuthorized(
    protocol: 'http' | 'tcp',
    policy: PortPolicyEntry,
    peer: InboundPeer,
    decision: PolicyDecision,
  ): void {
    const { allow, deny } = this.authorizations[protocol];
    const unmatched = decision.reason === 'no_route';
    (decision.allowed ? allow : unmatched ? this.routeNotFound : deny).add(this.#peer(policy, peer, decision));
  }

  inboundRateLimited(
    policy: PortPolicyEntry,
    peer: InboundPeer,
    decision: PolicyDecision,
    scope: RateLimitScope,
  ): void {
    const limiter = policy.limiter!;
    this.limited.add(this.#peer(policy, peer, decision));
    const holder = limiter.refused[scope];
    const known = this.#inboundTable.holds(holder);
    this.rateLimited.add(
      known ? holder.series : this.#inboundTable.bind(holder, rateLimitLabels(policy, limiter, scope)),
    );
  }

  inboundTerminated(policy: PortPolicyEntry, peer: InboundPeer, decision: PolicyDecision): void {
    this.authorizations.tcp.terminate.add(this.#peer(policy, peer, decision));
  }

  inboundRequest(policy: PortPolicyEntry, peer: InboundPeer, decision: PolicyDecision): void {
    this.inbound.request(this.#peer(policy, peer, decision));
  }

  inboundResponse(
    policy: PortPolicyEntry,
    peer: InboundPeer,
    decision: PolicyDecision,
    status: number,
    grpcStatus: number,
    failure: boolean,
    latencyMs: number,
  ): void {
    this.inbound.response(this.#peer(policy, peer, decision), status, grpcStatus, failure, NO_ERROR, latencyMs);
  }

  inboundFailed(policy: PortPolicyEntry, peer: InboundPeer, decision: PolicyDecision, error: InboundError): void {
    this.inbound.response(
      this.#peer(policy, peer, decision),
      0,
      NO_GRPC_STATUS,
      true,
      INBOUND_ERRORS.indexOf(error),
      0,
    );
    this.inboundErrors.http.add(error);
  }

  inboundError(protocol: 'http' | 'tcp', error: InboundError): void {
    this.inboundErrors[protocol].add(error);
  }

  inboundRefused(refusal: InboundRefusal): void {
    const { protocol, error } = INBOUND_REFUSALS[refusal];
    this.refusals.inbound.add(refusal);
    this.inboundErrors[protocol].add(error);
  }

  outboundRefused(refusal: OutboundRefusal): void {
    const { protocol, error } = OUTBOUND_REFUSALS[refusal];
    this.refusals.outbound.add(refusal);
    this.outboundErrors[protocol].add(error);
  }

  adminRefused(refusal: AdminRefusal): void {
    this.refusals.admin.add(refusal);
  }

  requestRefused(direction: 'inbound' | 'outbound' | 'admin', answer: string): void {
    const counters = this.refusedRequests[direction];
    counters.add(counters.has(answer) ? answer : 'other');
  }

  transportOpened(labels: TransportLabels): number {
    return this.transports.opened(labels);
  }

  transportRead(handle: number, bytes: number): void {
    this.transports.read(handle, bytes);
  }

  transportWritten(handle: number, bytes: number): void {
    this.transports.written(handle, bytes);
  }

  transportClosed(handle: number, errno: string): void {
    this.transports.closed(handle, errno);
  }

  unseenPassedThrough(): void {
    this.unseenPassed++;
  }

  unseenRefused(): void {
    this.unseenDenied++;
  }

  certificateChanged(expiresAtSeconds: number, refreshedAtSeconds: number): void {
    this.certificate = { expiresAtSeconds, refreshedAtSeconds, refreshes: this.certificate.refreshes + 1 };
  }

  /**
   * Advances coarse time and drops series unused for `idleMs` (Linkerd: 10 minutes). Called from a shared timer; every 10 s to 60 s is right.
   * Epochs are seconds of the monotonic clock.
   */
  evictIdle(idleMs: number): void {
    const epoch = Math.floor(this.#options.clock.nowMs() / 1000);
    const before = Math.max(0, epoch - Math.floor(idleMs / 1000));
    const { transports, services } = this;
    for (const { table } of [transports, services]) table.epoch = epoch;
    for (const table of [this.#outboundTable, this.#inboundTable, this.#routeTable]) table.epoch = epoch;
    this.outbound.forget(this.#outboundTable.evict(before));
    transports.evict(before);
    services.evict(before);
    this.policyRoutes?.advance(epoch, before);
    this.connectionFamilies?.advance(epoch, before);
    const inbound = this.#inboundTable.evict(before);
    this.inbound.forget(inbound);
    for (const verdicts of Object.values(this.authorizations)) {
      for (const counters of Object.values(verdicts)) counters.forget(inbound);
    }
    for (const counters of [this.routeNotFound, this.rateLimited, this.limited]) counters.forget(inbound);
    const routes = this.#routeTable.evict(before);
    for (const family of [this.route, this.routeActual, this.retryable, this.retrySkipped]) family.forget(routes);
  }

  #endpoint(authority: string, endpoint: EndpointState): number {
    if (this.#outboundTable.holds(endpoint)) return endpoint.series;
    return this.#outboundTable.bind(endpoint, endpointLabels(authority, endpoint, this.#options.zone()));
  }

  #route(route: RouteEntry): number {
    return this.#routeTable.holds(route) ? route.series : this.#routeTable.bind(route, routeLabels(route));
  }

  #peer(policy: PortPolicyEntry, peer: InboundPeer, decision: PolicyDecision): number {
    const holder = peer.holderOf(decision);
    if (this.#inboundTable.holds(holder)) return holder.series;
    return this.#inboundTable.bind(holder, inboundLabels(this.#options.podIp, policy, peer, decision));
  }
}

function outboundErrors(): ClosedCounters<OutboundError> {
  return new ClosedCounters('error', OUTBOUND_ERRORS);
}

function inboundErrors(): ClosedCounters<InboundError> {
  return new ClosedCounters('error', INBOUND_ERRORS);
}
