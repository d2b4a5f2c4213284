import type { EndpointState } from '../core/balance/endpoint.ts';
import { penalisedMs } from '../core/balance/penalty.ts';
import { abandoned, finished, sampled, started } from '../core/balance/pick.ts';
import { answered } from '../core/balance/reach.ts';
import { breakerAbandoned, breakerObserved } from '../core/breaker/breaker.ts';
import { breakerStarted } from '../core/breaker/gate.ts';
import { type Outcome, outcomeOf } from '../core/breaker/outcome.ts';
import { isFailure } from '../core/classify/classify.ts';
import { NO_GRPC_STATUS } from '../core/classify/grpc-status.ts';
import { retryAfterMs } from '../core/retry/retry-after.ts';
import { NO_ROUTES, type RouteEntry } from '../core/route/table.ts';
import type { BackendEntry, ServiceEntry } from '../core/state/entries.ts';
import type { Exchange } from '../http/exchange.ts';
import type { ResponseView } from '../http/message.ts';
import type { OutboundError } from '../io/telemetry/recorder.ts';
import type { StackOptions } from './shared/options.ts';

/** Where a try goes. */
export interface TryPlace {
  /** `null` for a pod. */
  readonly entry: ServiceEntry | null;
  readonly backend: BackendEntry | null;
  readonly route: RouteEntry;
}

const NOWHERE: TryPlace = { entry: null, backend: null, route: NO_ROUTES.fallback };

/** What the present try of a call tells the balancer, the circuit breaker and the metrics, each exactly once. Reused from try to try. */
export class OutboundTry {
  readonly #options: StackOptions;
  #place: TryPlace = NOWHERE;
  #endpoint: EndpointState | null = null;
  #startedMs = 0;
  /** Counted as under way at the endpoint. */
  #underWay = false;
  /** It has a connection; before that, it may go to another endpoint as if nothing had been. */
  #sent = false;
  /** The breaker waits for a verdict. */
  #unjudged = false;
  #isProbe = false;
  /** A response head has come, which is recorded when the response ends. */
  #responded = false;
  #rttMs = 0;

  constructor(options: StackOptions) {
    this.#options = options;
  }

  get #nowMs(): number {
    return this.#options.transport.timers.nowMs();
  }

  get #authority(): string {
    return this.#place.backend?.authority ?? '';
  }

  start(place: TryPlace, endpoint: EndpointState): void {
    const { entry } = place;
    this.#place = place;
    this.#endpoint = endpoint;
    this.#startedMs = this.#nowMs;
    this.#responded = false;
    this.#underWay = true;
    this.#sent = false;
    started(endpoint);
    this.#isProbe = entry !== null && breakerStarted(endpoint, entry.breaker);
    this.#unjudged = entry !== null && entry.breaker !== null;
  }

  /** It has a connection, or a stream of one. */
  sent(): void {
    if (!this.#underWay) return;
    this.#sent = true;
    const { backend, route } = this.#place;
    const { recorder } = this.#options;
    const endpoint = this.#endpoint!;
    if (backend !== null && !this.#isProbe && !endpoint.needsResponse) backend.pool.queue.ready();
    recorder.outboundRequest(this.#authority, endpoint);
    recorder.routeActualRequest(route);
  }

  /** No connection: it is as if the endpoint had not been picked. What that says of the endpoint is told once for all who waited (`EndpointLink`). */
  unplaced(): void {
    if (!this.#underWay) return;
    this.#underWay = false;
    abandoned(this.#endpoint!);
    this.#leaveBreaker();
  }

  /** The response head. Whether it is a failure, as far as the head tells. `reached`: it is not its proxy's word that the application could not be. */
  responded(head: ResponseView, exchange: Exchange, reached: boolean): boolean {
    const { entry, route } = this.#place;
    const failure = isFailure(route, head.status, exchange.grpcStatus);
    if (!this.#underWay) return failure;
    this.#underWay = false;
    this.#responded = true;
    const endpoint = this.#endpoint!;
    if (endpoint.connectFailures > 0 && reached) this.#answered(endpoint);
    if (entry === null) {
      abandoned(endpoint);
      return failure;
    }
    const nowMs = this.#nowMs;
    const outcome = outcomeOf(failure, head.status, exchange.grpcStatus);
    const afterMs = this.#retryAfterMs(entry, outcome, head);
    this.#rttMs = nowMs - this.#startedMs;
    finished(endpoint, entry.balancer, penalisedMs(entry.penalty, outcome, this.#rttMs, afterMs), nowMs);
    // The status of a gRPC call is in its trailers, if it was not in the head.
    if (!exchange.isGrpc || exchange.grpcStatus !== NO_GRPC_STATUS) this.#judge(outcome, afterMs);
    return failure;
  }

  #answered(endpoint: EndpointState): void {
    answered(endpoint);
    const pool = this.#place.backend?.pool;
    pool?.queue.ready();
    pool?.changed();
  }

  #retryAfterMs({ breaker }: ServiceEntry, outcome: Outcome, head: ResponseView): number {
    const asks = outcome === 'rateLimited' || (breaker?.type === 'unified' && breaker.honorRetryAfter);
    return asks ? retryAfterMs(head, this.#options.wallMs()) : 0;
  }

  #judge(outcome: Outcome, afterMs: number): void {
    if (!this.#unjudged) return;
    this.#unjudged = false;
    const { entry, backend } = this.#place;
    const { pool } = backend!;
    const endpoint = this.#endpoint!;
    const { rng, log, recorder } = this.#options;
    const change = breakerObserved(pool, endpoint, entry!.breaker, this.#isProbe, outcome, afterMs, rng, this.#nowMs);
    if (change === 'none') return;
    recorder.breakerDecided(entry!, backend!, change);
    if (change === 'readmitted') pool.queue.ready();
    const fields = { peer: endpoint.id, service: entry!.authority, change };
    if (change === 'kept_out') log.debug('circuit breaker', fields);
    else log.info('circuit breaker', fields);
  }

  #leaveBreaker(): void {
    if (!this.#unjudged) return;
    this.#unjudged = false;
    breakerAbandoned(this.#place.backend!.pool, this.#endpoint!, this.#isProbe);
  }

  /** The response is complete, or it is dropped for another try. */
  ended(exchange: Exchange, latencyEndMs: number): void {
    if (!this.#responded) return;
    this.#responded = false;
    const { route, entry } = this.#place;
    const { status, grpcStatus } = exchange;
    const failure = isFailure(route, status, grpcStatus);
    if (this.#unjudged) this.#judgeTrailers(entry!, outcomeOf(failure, status, grpcStatus));
    const { recorder } = this.#options;
    const latencyMs = latencyEndMs - this.#startedMs;
    recorder.outboundResponse(this.#authority, this.#endpoint!, status, grpcStatus, failure, latencyMs);
    recorder.routeActualResponse(route, status, grpcStatus, failure);
  }

  #judgeTrailers(entry: ServiceEntry, outcome: Outcome): void {
    if (outcome === 'rateLimited' && entry.penalty !== null) {
      sampled(this.#endpoint!, entry.balancer, penalisedMs(entry.penalty, outcome, this.#rttMs, 0), this.#nowMs);
    }
    this.#judge(outcome, 0);
  }

  /** A response broke off, or its client left in the middle of it. */
  brokenOff(exchange: Exchange, byClient: boolean, latencyEndMs: number): void {
    if (byClient) this.#leaveBreaker();
    else this.#judge('failure', 0);
    this.ended(exchange, latencyEndMs);
  }

  /** It ended without a response. `blamed`: that says something of the endpoint. */
  failed(error: OutboundError, blamed: boolean): void {
    const { recorder } = this.#options;
    if (!this.#underWay) return;
    this.#underWay = false;
    const endpoint = this.#endpoint!;
    abandoned(endpoint);
    if (blamed) this.#judge('failure', 0);
    else this.#leaveBreaker();
    if (!this.#sent) {
      recorder.outboundError('http', error);
      return;
    }
    recorder.routeActualResponse(this.#place.route, 0, NO_GRPC_STATUS, true);
    recorder.outboundFailed(this.#authority, endpoint, error);
  }

  get underWay(): boolean {
    return this.#underWay;
  }
}
