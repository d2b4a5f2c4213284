import { NO_GRPC_STATUS } from '../../../contract/policy/grpc-status.ts';
import type { RetryPolicy } from '../../../contract/policy/retry.ts';
import type { NoEndpointReason } from '../../../core/balance/pick.ts';
import { retryBackoffMs } from '../../../core/retry/plan.ts';
import { type AttemptEnd, type EndedAttempt, endedAttempt, recover } from '../../../core/retry/recover.ts';
import { refusesRetries } from '../../../core/retry/retry-after.ts';
import type { AttemptFailure } from '../../../http/call.ts';
import { FAILURES, type Failure } from '../../../http/failures.ts';
import type { ResponseView } from '../../../http/message.ts';
import type { OutboundError } from '../../../io/telemetry/recorder.ts';
import { ATTEMPT, type CallDeadlines, HEAD, PAUSE } from '../../call/call-deadlines.ts';
import type { CallObserver } from '../../call/observer.ts';
import { Stage } from '../../call/stage.ts';
import type { EndpointLink } from '../../endpoints/endpoint-hosts.ts';
import type { StackOptions } from '../../shared/options.ts';
import { identityFailure, isUnreached } from '../../shared/unreached.ts';
import type { Attempted, Attempts } from './attempts.ts';

interface Retried extends Attempted {
  readonly link: EndpointLink | null;
  readonly deadlines: CallDeadlines | null;
  retryPolicy: RetryPolicy | null;
  retries: number;
  repeats: number;
  setDeadline(kind: number, delayMs: number): void;
  placeAgain(): void;
  cancelPlace(): void;
  answer(failure: Failure, detail?: string): void;
  fail(failure: Failure): void;
}

/** Where an attempt goes that nothing has been processed of. */
interface Repeater<C> {
  /** To another endpoint, each at most once. False: there is no other. */
  elsewhere(call: C): boolean;
  /** To the same place on another connection. */
  again(call: C): void;
}

/** Whether there is another attempt when one has ended (`core/retry/recover.ts` decides), and what the client is told when there is not. */
export class Retry<C extends Retried> extends Stage<C> {
  repeater!: Repeater<C>;
  readonly #options: StackOptions;
  readonly #attempts: Attempts<C>;
  readonly #observer: CallObserver<C, OutboundError>;
  readonly #ended = endedAttempt();

  constructor(options: StackOptions, attempts: Attempts<C>, observer: CallObserver<C, OutboundError>) {
    super();
    this.#options = options;
    this.#attempts = attempts;
    this.#observer = observer;
  }

  run(call: C): void {
    const { exchange } = call;
    call.retryPolicy = call.route.policy.retry;
    exchange.peeks = exchange.isGrpc && call.retryPolicy !== null;
    this.next.run(call);
  }

  get #nowMs(): number {
    return this.#options.transport.timers.nowMs();
  }

  /** True: the response is passed on. */
  responded(call: C, head: ResponseView): boolean {
    const { exchange, endpoint } = call;
    const isMeshed = endpoint !== null && endpoint.facts.identity !== null;
    const unreached = isMeshed && call.balance !== null && isUnreached(head);
    if (unreached) {
      call.link!.failed({ failure: 'refused', detail: 'the application behind the proxy' }, true);
      if (this.#unreached(call)) return false;
    }
    const failure = this.#attempts.responded(call, head, !unreached);
    call.deadlines?.clear(HEAD);
    // A reason of the other side's proxy is passed on to the application; anybody else's is no reason of the mesh.
    exchange.tellsProxyError = isMeshed;
    if (call.retryPolicy === null) return true;
    const ended = this.#endedAs(call, 'response', failure, head.status, exchange.grpcStatus);
    ended.refusesRetries = refusesRetries(head);
    if (this.#recover(call).plan !== 'retry') return true;
    call.deadlines?.clear(ATTEMPT);
    this.#attempts.ended(call, this.#nowMs);
    exchange.detachUpstream();
    this.#retry(call);
    return false;
  }

  /** The endpoint's proxy could not reach its application, which has seen nothing of the request. */
  #unreached(call: C): boolean {
    this.#endedAs(call, 'unreached', true, 0, NO_GRPC_STATUS);
    if (this.#recover(call).plan !== 'elsewhere') return false;
    clearAttempt(call);
    call.exchange.detachUpstream();
    this.#attempts.failedOrNone(call, 'connect', false);
    call.placeAgain();
    return true;
  }

  attemptFailed(call: C, failure: AttemptFailure): void {
    clearAttempt(call);
    this.#attempts.failedOrNone(call, 'i/o', failure === 'lost' || failure === 'malformed');
    const told = FAILURES.connection_lost;
    const ended = this.#endedAs(call, failure, true, told.status, this.#grpcStatusOf(call, told));
    let { plan, reason } = this.#recover(call);
    if (plan === 'elsewhere') {
      if (this.repeater.elsewhere(call)) return;
      ended.hasOthers = false;
      ({ plan, reason } = this.#recover(call));
    }
    if (plan === 'again') {
      call.repeats++;
      this.repeater.again(call);
    } else if (plan === 'retry') this.#retry(call);
    else if (reason === 'unsupported') call.answer(FAILURES.no_tunnel);
    else call.fail(reason === 'not_a_response' ? FAILURES.malformed_response : told);
  }

  /** No response head in the time of a retry policy, or no end of the response in that of the route. */
  #attemptTimedOut(call: C, kind: number): void {
    const { exchange } = call;
    if (exchange.responding) {
      if (kind === ATTEMPT) exchange.breakOff(FAILURES.response_overran.grpcStatus);
      return;
    }
    clearAttempt(call);
    call.cancelPlace();
    exchange.dropUpstream();
    this.#attempts.failedOrNone(call, 'response timeout', true);
    if (!this.#retries(call, 'timeout', FAILURES.response_timed_out)) call.answer(FAILURES.response_timed_out);
  }

  /** There has been no endpoint for too long, or too many wait for one. Where their identity is the matter, that is worth another word than "no time". */
  notPlaced(call: C, decision: 'failfast' | 'shed', why: NoEndpointReason): void {
    if (decision === 'shed') {
      this.#attempts.failedOrNone(call, FAILURES.loadshed.error, false);
      call.answer(FAILURES.loadshed);
      return;
    }
    this.#attempts.failedOrNone(call, 'failfast', false);
    if (this.#retries(call, 'failfast', FAILURES.failfast)) return;
    const because = why === 'all_unreachable' ? identityFailure(call.balance!.pool.lastFailure) : undefined;
    if (because !== undefined) call.answer(because);
    else call.answer(FAILURES.failfast, why.replaceAll('_', ' '));
  }

  /** An end without a response, which the client would be told as `failure`: true, and there will be another attempt, or false. */
  #retries(call: C, end: AttemptEnd, failure: Failure): boolean {
    this.#endedAs(call, end, true, failure.status, this.#grpcStatusOf(call, failure));
    if (this.#recover(call).plan !== 'retry') return false;
    this.#retry(call);
    return true;
  }

  #grpcStatusOf({ exchange }: C, failure: Failure): number {
    return exchange.isGrpc ? failure.grpcStatus : NO_GRPC_STATUS;
  }

  #endedAs(call: C, end: AttemptEnd, isFailure: boolean, status: number, grpcStatus: number): EndedAttempt {
    const { exchange } = call;
    const ended = this.#ended;
    ended.end = end;
    ended.isFailure = isFailure;
    ended.status = status;
    ended.grpcStatus = grpcStatus;
    ended.retries = call.retries;
    ended.repeats = call.repeats;
    ended.replayable = exchange.replayable;
    ended.kept = exchange.kept;
    ended.idempotent = exchange.idempotent;
    ended.hasOthers = call.balance !== null;
    ended.refusesRetries = false;
    return ended;
  }

  #recover(call: C) {
    const { entry } = call;
    const recovery = recover(call.retryPolicy, entry === null ? null : entry.budget, this.#ended, this.#nowMs);
    if (recovery.byPolicy) this.#observer.retryDecided(call, recovery.reason);
    return recovery;
  }

  #retry(call: C): void {
    const pauseMs = retryBackoffMs(call.retryPolicy, call.retries++, this.#options.rng);
    if (pauseMs > 0) call.setDeadline(PAUSE, pauseMs);
    else this.next.run(call);
  }

  due(call: C, kind: number): void {
    if (kind === PAUSE) this.next.run(call);
    else this.#attemptTimedOut(call, kind);
  }
}

/** The present attempt is over: its times are not those of the next. */
function clearAttempt({ deadlines }: Retried): void {
  deadlines?.clear(HEAD);
  deadlines?.clear(ATTEMPT);
}
