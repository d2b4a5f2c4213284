import { NO_GRPC_STATUS } from '../../../contract/policy/grpc-status.ts';
import type { EndpointState } from '../../../core/balance/endpoint.ts';
import { penalisedMs } from '../../../core/balance/penalty.ts';
import { abandoned, finished, sampled, started } from '../../../core/balance/pick.ts';
import { answered } from '../../../core/balance/reach.ts';
import { breakerAbandoned, breakerObserved } from '../../../core/breaker/breaker.ts';
import { breakerStarted } from '../../../core/breaker/gate.ts';
import { type Outcome, outcomeOf } from '../../../core/breaker/outcome.ts';
import { isFailure } from '../../../core/classify/classify.ts';
import { retryAfterMs } from '../../../core/retry/retry-after.ts';
import type { BackendEntry, BalanceEntry, OutboundRouteEntry, ServiceEntry } from '../../../core/state/entries.ts';
import type { Exchange } from '../../../http/exchange.ts';
import type { ResponseView } from '../../../http/message.ts';
import type { OutboundError } from '../../../io/telemetry/recorder.ts';
import type { CallObserver } from '../../call/observer.ts';
import * as Phase from '../../call/outbound-phase.ts';
import type { StackOptions } from '../../shared/options.ts';

export interface Attempted {
  readonly exchange: Exchange;
  /** `null` for a pod or an address. */
  readonly entry: ServiceEntry | null;
  readonly backend: BackendEntry | null;
  /** Of the backend, where it has endpoints to choose from. */
  readonly balance: BalanceEntry | null;
  readonly route: OutboundRouteEntry;
  /** `null` = none yet, or an address that no resource names. */
  readonly endpoint: EndpointState | null;
  phase: Phase.OutboundPhase;
  /** When the endpoint was chosen; monotonic. */
  attemptMs: number;
  /** From there to the head of the response. */
  rttMs: number;
  isProbe: boolean;
  /** The breaker waits for a verdict. */
  unjudged: boolean;
  /** Why it has ended without a response; `null` = it has not. */
  error: OutboundError | null;
}

/** What the attempts of all calls tell the balancer, the circuit breaker and the observers, each exactly once. Where there is no endpoint, nobody but the latter. */
export class Attempts<C extends Attempted> {
  readonly #options: StackOptions;
  readonly #observer: CallObserver<C, OutboundError>;

  constructor(options: StackOptions, observer: CallObserver<C, OutboundError>) {
    this.#options = options;
    this.#observer = observer;
  }

  get #nowMs(): number {
    return this.#options.transport.timers.nowMs();
  }

  /** An endpoint is chosen. */
  start(call: C): void {
    call.phase = Phase.CHOSEN;
    call.error = null;
    call.attemptMs = this.#nowMs;
    const { balance, endpoint } = call;
    if (endpoint === null) return;
    started(endpoint);
    call.isProbe = balance !== null && breakerStarted(endpoint, balance.breaker);
    call.unjudged = balance !== null && balance.breaker !== null;
  }

  /** It has a connection, or a stream of one. */
  sent(call: C): void {
    call.phase = Phase.SENT;
    const { balance, endpoint } = call;
    if (balance !== null && !call.isProbe && !endpoint!.needsResponse) balance.pool.queue.ready();
    this.#observer.attemptStart(call);
  }

  /** No connection: it is as if the endpoint had not been chosen. What that says of the endpoint is told once for all who waited (`EndpointLink`). */
  unplaced(call: C): void {
    if (!Phase.isUnderWay(call.phase)) return;
    call.phase = Phase.PLACING;
    if (call.endpoint === null) return;
    abandoned(call.endpoint);
    this.#leaveBreaker(call);
  }

  /** The response head. Whether it is a failure, as far as the head tells. `reached`: it is not its proxy's word that the application could not be. */
  responded(call: C, head: ResponseView, reached: boolean): boolean {
    const { balance, endpoint, exchange } = call;
    const failure = isFailure(call.route, head.status, exchange.grpcStatus);
    if (!Phase.isUnderWay(call.phase)) return failure;
    call.phase = Phase.RESPONDING;
    if (endpoint === null) return failure;
    if (endpoint.connectFailures > 0 && reached) this.#answered(call, endpoint);
    if (balance === null) {
      abandoned(endpoint);
      return failure;
    }
    const nowMs = this.#nowMs;
    const outcome = outcomeOf(failure, head.status, exchange.grpcStatus);
    const afterMs = this.#retryAfterMs(balance, outcome, head);
    call.rttMs = nowMs - call.attemptMs;
    finished(endpoint, balance.balancer, penalisedMs(balance.penalty, outcome, call.rttMs, afterMs), nowMs);
    // The status of a gRPC call is in its trailers, if it was not in the head.
    if (!exchange.isGrpc || exchange.grpcStatus !== NO_GRPC_STATUS) this.#judge(call, outcome, afterMs);
    return failure;
  }

  #answered(call: C, endpoint: EndpointState): void {
    answered(endpoint);
    const pool = call.balance?.pool;
    pool?.queue.ready();
    pool?.changed();
  }

  #retryAfterMs({ breaker }: BalanceEntry, outcome: Outcome, head: ResponseView): number {
    const asks = outcome === 'rateLimited' || (breaker?.type === 'unified' && breaker.honorRetryAfter);
    return asks ? retryAfterMs(head, this.#options.wallMs()) : 0;
  }

  #judge(call: C, outcome: Outcome, afterMs: number): void {
    if (!call.unjudged) return;
    call.unjudged = false;
    const entry = call.entry!;
    const backend = call.backend!;
    const endpoint = call.endpoint!;
    const { pool, breaker } = call.balance!;
    const { rng, log, recorder } = this.#options;
    const change = breakerObserved(pool, endpoint, breaker, call.isProbe, outcome, afterMs, rng, this.#nowMs);
    if (change === 'none') return;
    recorder.breakerDecided(entry, backend, change);
    if (change === 'readmitted') pool.queue.ready();
    const fields = { peer: endpoint.id, service: entry.authority, change };
    if (change === 'kept_out') log.debug('circuit breaker', fields);
    else log.info('circuit breaker', fields);
  }

  #leaveBreaker(call: C): void {
    if (!call.unjudged) return;
    call.unjudged = false;
    breakerAbandoned(call.balance!.pool, call.endpoint!, call.isProbe);
  }

  /** The response is complete, or it is dropped for another attempt. */
  ended(call: C, endMs: number): void {
    if (call.phase !== Phase.RESPONDING) return;
    const { balance, route, exchange } = call;
    const { status, grpcStatus } = exchange;
    if (call.unjudged)
      this.#judgeTrailers(call, balance!, outcomeOf(isFailure(route, status, grpcStatus), status, grpcStatus));
    this.#observer.attemptEnd(call, null, endMs);
    call.phase = Phase.ENDED;
  }

  #judgeTrailers(call: C, { balancer, penalty }: BalanceEntry, outcome: Outcome): void {
    if (outcome === 'rateLimited' && penalty !== null) {
      sampled(call.endpoint!, balancer, penalisedMs(penalty, outcome, call.rttMs, 0), this.#nowMs);
    }
    this.#judge(call, outcome, 0);
  }

  /** A response broke off, or its client left in the middle of it. */
  brokenOff(call: C, byClient: boolean, endMs: number): void {
    if (byClient) this.#leaveBreaker(call);
    else this.#judge(call, 'failure', 0);
    this.ended(call, endMs);
  }

  /** It ended without a response. `blamed`: that says something of the endpoint. */
  failed(call: C, error: OutboundError, blamed: boolean): void {
    if (!Phase.isUnderWay(call.phase)) return;
    if (call.endpoint !== null) {
      abandoned(call.endpoint);
      if (blamed) this.#judge(call, 'failure', 0);
      else this.#leaveBreaker(call);
    }
    this.#withoutResponse(call, error);
  }

  /** The same, also where there was nobody to send it to: that is a failed attempt too. */
  failedOrNone(call: C, error: OutboundError, blamed: boolean): void {
    if (Phase.isUnderWay(call.phase)) this.failed(call, error, blamed);
    else if (call.endpoint === null && call.phase !== Phase.REFUSED) {
      this.#withoutResponse(call, error);
    }
  }

  #withoutResponse(call: C, error: OutboundError): void {
    call.error = error;
    this.#observer.attemptEnd(call, error, this.#nowMs);
    call.phase = Phase.ENDED;
  }
}
