import { formatAddress } from '../contract/keys.ts';
import type { EndpointState } from '../core/balance/endpoint.ts';
import { requestHash } from '../core/balance/hash-key.ts';
import type { NoEndpointReason } from '../core/balance/pick.ts';
import { isFailure } from '../core/classify/classify.ts';
import { NO_GRPC_STATUS } from '../core/classify/grpc-status.ts';
import { retryPolicyFor, type TryEnd, timeoutsFor } from '../core/retry/plan.ts';
import { refusesRetries } from '../core/retry/retry-after.ts';
import { NO_ROUTES, type RouteEntry } from '../core/route/table.ts';
import { pickShare } from '../core/split/split.ts';
import type { BackendEntry, ServiceEntry } from '../core/state/entries.ts';
import { protocolOfNextHop } from '../core/state/protocol.ts';
import { errorAnswer } from '../http/answer.ts';
import type { ExchangeEnd, HttpCall, TryFailure } from '../http/call.ts';
import type { Exchange, ExchangeUpstream } from '../http/exchange.ts';
import { FAILURES, type Failure } from '../http/failures.ts';
import { type ExtraFields, NO_EXTRA_FIELDS, type RequestView, type ResponseView } from '../http/message.ts';
import { REPLAY_LIMITS } from '../http/replay.ts';
import type { DialError } from '../io/pool/dial.ts';
import type { OutboundError } from '../io/telemetry/recorder.ts';
import type { Address } from '../io/transport/types.ts';
import { CallDeadlines, type DeadlineOwner, IDLE, PAUSE, REQUEST, RESPONSE, TRY } from './call-deadlines.ts';
import { CallRetries, type EndedTry } from './call-retries.ts';
import type { EndpointHosts } from './endpoints/endpoint-hosts.ts';
import { type ConnectOwner, OutboundConnect } from './outbound-connect.ts';
import { OutboundTry } from './outbound-try.ts';
import { routeOf } from './route-of.ts';
import type { StackContext } from './shared/context.ts';
import { identityFailure, isUnreached, unreachedAnswer } from './shared/unreached.ts';

/** Kept connections that turn out to be closed by the other side are replaced so often per request; then it is an error like any other. */
const MAX_STALE = 3;
/** An idle exchange is noticed after its timeout or up to a quarter of it later: bytes are counted, not timed. */
const IDLE_LOOKS = 4;

/** Whose request it is. */
export interface CallSource {
  readonly sourceIp: string;
}

/** Who makes the calls, and takes them back. */
export interface OutboundCallOwner {
  readonly context: StackContext;
  readonly hosts: EndpointHosts;
  give(call: OutboundCall): void;
}

/**
 * One outbound request, top to bottom: route → timeouts → split → endpoint → connection → response → retry.
 */
export class OutboundCall implements HttpCall, ConnectOwner, DeadlineOwner {
  exchange!: Exchange;
  entry: ServiceEntry | null = null;
  backend: BackendEntry | null = null;
  route: RouteEntry = NO_ROUTES.fallback;
  readonly #owner: OutboundCallOwner;
  readonly #try: OutboundTry;
  readonly #connect: OutboundConnect;
  readonly #retries: CallRetries;
  readonly #ended: EndedTry = {
    end: 'response',
    isFailure: false,
    status: 0,
    grpcStatus: NO_GRPC_STATUS,
    replayable: false,
    refusesRetries: false,
  };
  #stale = 0;
  #deadlines: CallDeadlines | null = null;
  #responseMs = 0;
  #idleMs = 0;
  #idleLooks = 0;
  #idleBytes = 0;

  constructor(owner: OutboundCallOwner) {
    this.#owner = owner;
    const { options } = owner.context;
    this.#try = new OutboundTry(options);
    this.#connect = new OutboundConnect(this, this.#try);
    this.#retries = new CallRetries(options.recorder, options.rng);
  }

  get context(): StackContext {
    return this.#owner.context;
  }

  get hosts(): EndpointHosts {
    return this.#owner.hosts;
  }

  startService(head: RequestView, entry: ServiceEntry, extra: ExtraFields, source: CallSource): void {
    const { exchange } = this;
    const { recorder, rng } = this.#owner.context.options;
    const hashed = entry.balancer.type === 'consistentHash';
    this.#reset(entry, hashed ? requestHash(entry.balancer.key, head, source.sourceIp, rng) : 0);
    const route = routeOf(entry.routes, head);
    this.route = route;
    recorder.routeRequest(route);
    this.#retries.start(retryPolicyFor(entry, route));
    // Short bodies are kept on every route: an endpoint whose application is gone has not seen them.
    exchange.retain = head.contentLength <= REPLAY_LIMITS.requestBytes;
    exchange.peeks = exchange.isGrpc && this.#retries.possible;
    this.#startTimeouts(entry);
    exchange.prepare(extra, entry.authority);
    this.#tryService();
  }

  startEndpoint(endpoint: EndpointState): void {
    this.#reset(null);
    this.exchange.retain = true;
    const { address, port } = endpoint.facts;
    this.#prepareFor(address, port);
    this.#connect.placed(endpoint);
  }

  startAddress(address: Address): void {
    this.#reset(null);
    this.exchange.retain = true;
    this.#prepareFor(address.ip, address.port);
    const session = protocolOfNextHop(this.exchange, 'detect', this.exchange.server!.protocol);
    const target = { address, identity: null, port: address.port, session } as const;
    this.#connect.toHost(this.#owner.context.outboundPool.host(target));
  }

  #prepareFor(ip: string, port: number): void {
    const { exchange } = this;
    exchange.prepare(NO_EXTRA_FIELDS, exchange.lacksHost ? formatAddress(ip, port) : '');
  }

  #reset(entry: ServiceEntry | null, hash = 0): void {
    this.entry = entry;
    this.backend = null;
    this.route = NO_ROUTES.fallback;
    this.#connect.reset(hash);
    this.#retries.start(null);
    this.#stale = 0;
    this.#responseMs = 0;
    this.#idleMs = 0;
  }

  #startTimeouts(entry: ServiceEntry): void {
    const { requestMs, responseMs, idleMs } = timeoutsFor(entry, this.route);
    this.#responseMs = responseMs;
    if (requestMs > 0) this.#set(REQUEST, requestMs);
    if (idleMs === 0) return;
    this.#idleMs = idleMs;
    this.#idleLooks = 0;
    this.#idleBytes = 0;
    this.#set(IDLE, idleMs / IDLE_LOOKS);
  }

  #set(kind: number, delayMs: number): void {
    this.#deadlines ??= new CallDeadlines(this.#owner.context.options.transport.timers, this);
    this.#deadlines.set(kind, delayMs);
  }

  /** Share, then endpoint. Every retry draws anew (Linkerd). */
  #tryService(): void {
    const entry = this.entry!;
    const backend = entry.backends[pickShare(entry.split, this.#owner.context.options.rng)]!;
    this.backend = backend;
    this.#connect.clearTried();
    if (backend.unavailable) this.#refuse(FAILURES.no_such_backend);
    else this.#connect.toBackend();
  }

  notPlaced(decision: 'failfast' | 'shed', reason: NoEndpointReason): void {
    if (decision === 'shed') this.#refuse(FAILURES.loadshed);
    else this.#failFast(reason);
  }

  get #nowMs(): number {
    return this.#owner.context.options.transport.timers.nowMs();
  }

  unreachable(error: DialError): void {
    const failure = unreachedAnswer(error.failure);
    if (failure === FAILURES.connect_error) this.#fail(failure);
    else this.#answer(failure);
  }

  /** There has been no endpoint for too long. Where their identity is the matter, that is worth another word than "no time". */
  #failFast(reason: NoEndpointReason): void {
    this.#owner.context.options.recorder.outboundError('http', 'failfast');
    this.#retries.foundNone(this.entry);
    if (this.#retriesNow('failfast', FAILURES.failfast)) return;
    const { lastFailure } = this.backend!.pool;
    const because = reason === 'all_unreachable' ? identityFailure(lastFailure) : undefined;
    if (because !== undefined) this.#answer(because);
    else this.#answer(FAILURES.failfast, reason.replaceAll('_', ' '));
  }

  overloaded(): void {
    this.#failed('loadshed', false);
    this.#retries.foundNone(this.entry);
    this.#answer(FAILURES.loadshed);
  }

  connected(upstream: ExchangeUpstream): void {
    this.exchange.send(upstream);
  }

  /** All of the request is on its way: what the server takes from here on is its own time. */
  requestSent(): void {
    if (this.#responseMs > 0) this.#set(RESPONSE, this.#responseMs);
    const { timeoutMs } = this.#retries;
    if (timeoutMs > 0) this.#set(TRY, timeoutMs);
  }

  responded(head: ResponseView): boolean {
    const { exchange } = this;
    const { endpoint } = this.#connect;
    const isMeshed = endpoint !== null && endpoint.facts.identity !== null;
    const unreached = isMeshed && this.backend !== null && isUnreached(head);
    if (unreached) this.#connect.applicationUnreached();
    if (unreached && exchange.replayable) return this.#goesOn();
    const failure = this.#try.responded(head, exchange, !unreached);
    this.#deadlines?.clear(TRY);
    // A reason of the other side's proxy is passed on to the application; anybody else's is no reason of the mesh.
    exchange.tellsProxyError = isMeshed;
    if (this.#retries.possible) {
      const pauseMs = this.#pauseBeforeNext(
        'response',
        failure,
        head.status,
        exchange.grpcStatus,
        refusesRetries(head),
      );
      if (pauseMs >= 0) {
        this.#try.ended(exchange, this.#nowMs);
        exchange.detachUpstream();
        this.#retryAfter(pauseMs);
        return false;
      }
    }
    // The timeout of a profile is for the answer; the annotation's is for the whole exchange.
    if (this.entry !== null && this.route !== this.entry.routes.fallback) this.#deadlines?.clear(REQUEST);
    return true;
  }

  /** The endpoint's proxy could not reach its application, which has seen nothing of the request. */
  #goesOn(): false {
    this.#deadlines?.clear(TRY);
    this.exchange.detachUpstream();
    this.#failed('connect', false);
    this.#connect.toBackend();
    return false;
  }

  /** Whether another try is due: the pause before it, or -1. */
  #pauseBeforeNext(
    end: TryEnd,
    isFailure: boolean,
    status: number,
    grpcStatus: number,
    refusesRetries: boolean,
  ): number {
    const ended = this.#ended;
    ended.end = end;
    ended.isFailure = isFailure;
    ended.status = status;
    ended.grpcStatus = grpcStatus;
    ended.replayable = this.exchange.replayable;
    ended.refusesRetries = refusesRetries;
    return this.#retries.pauseBeforeNext(this.entry, this.route, ended, this.#nowMs);
  }

  /** A try without a response, which the client would be told as `failure`: true, and there will be another, or false. */
  #retriesNow(end: TryEnd, failure: Failure): boolean {
    const { status } = failure;
    const grpcStatus = this.exchange.isGrpc ? failure.grpcStatus : NO_GRPC_STATUS;
    const pauseMs = this.#pauseBeforeNext(end, true, status, grpcStatus, false);
    if (pauseMs >= 0) this.#retryAfter(pauseMs);
    return pauseMs >= 0;
  }

  #retryAfter(pauseMs: number): void {
    if (pauseMs > 0) this.#set(PAUSE, pauseMs);
    else this.#tryService();
  }

  tryFailed(failure: TryFailure): void {
    const { exchange } = this;
    this.#deadlines?.clear(TRY);
    this.#failed('i/o', failure === 'lost' || failure === 'malformed');
    if (failure === 'unsupported') {
      this.#answer(FAILURES.no_tunnel);
      return;
    }
    const unsent = failure === 'unsent' && exchange.kept;
    if (unsent && this.#connect.elsewhere()) return;
    const again = unsent || (failure === 'stale' && exchange.idempotent && exchange.replayable);
    if (again && this.#stale++ < MAX_STALE) this.#connect.again();
    else if (failure === 'malformed') this.#fail(FAILURES.malformed_response);
    else if (!this.#retriesNow('response', FAILURES.connection_lost)) this.#fail(FAILURES.connection_lost);
  }

  /** The present try ends without a response. */
  #failed(error: OutboundError, blamed: boolean): void {
    if (this.#try.underWay) this.#try.failed(error, blamed);
    else if (this.#connect.endpoint === null) this.#owner.context.options.recorder.outboundError('http', error);
  }

  due(kind: number): void {
    if (kind === PAUSE) this.#tryService();
    else if (kind === IDLE) this.#lookWhetherIdle();
    else if (kind === TRY) this.#tryTimedOut();
    else this.#timedOut();
  }

  #lookWhetherIdle(): void {
    const bytes = this.exchange.requestBytes + this.exchange.responseBytes;
    this.#idleLooks = bytes === this.#idleBytes ? this.#idleLooks + 1 : 0;
    this.#idleBytes = bytes;
    if (this.#idleLooks >= IDLE_LOOKS) this.#timedOut();
    else this.#set(IDLE, this.#idleMs / IDLE_LOOKS);
  }

  /** No response head in time, with retries left. */
  #tryTimedOut(): void {
    if (this.exchange.responding) return;
    this.#connect.cancel();
    this.exchange.dropUpstream();
    this.#failed('response timeout', true);
    if (!this.#retriesNow('try_timeout', FAILURES.response_timed_out)) this.#answer(FAILURES.response_timed_out);
  }

  #timedOut(): void {
    const { exchange } = this;
    if (exchange.responding) {
      exchange.breakOff(FAILURES.response_overran.grpcStatus);
      return;
    }
    this.#failed('response timeout', true);
    this.#answer(FAILURES.response_timed_out);
  }

  /** Nobody was even asked. */
  #refuse(failure: Failure & { error: OutboundError }): void {
    this.#owner.context.options.recorder.outboundError('http', failure.error);
    this.#retries.foundNone(this.entry);
    this.#answer(failure);
  }

  #answer(failure: Failure, detail = ''): void {
    this.#stop();
    this.exchange.answer(errorAnswer(failure, true, detail));
  }

  /** The same after a try, whose reset a client that knows resets is to hear. */
  #fail(failure: Failure): void {
    this.#stop();
    this.exchange.fail(errorAnswer(failure, true));
  }

  /** Nothing is waited for any more. An answered exchange may go on for a while, until the rest of its request has gone by. */
  #stop(): void {
    this.#connect.cancel();
    this.#deadlines?.clearAll();
  }

  ended(end: ExchangeEnd): void {
    const { exchange } = this;
    const { recorder } = this.#owner.context.options;
    this.#stop();
    const { status, firstByteMs } = exchange;
    if (end === 'complete') {
      // Answered by the client's connection: the request turned out malformed in its body.
      this.#try.failed('unexpected', false);
      this.#try.ended(exchange, firstByteMs);
    } else {
      this.#failed(end === 'cancelled' ? 'unexpected' : 'i/o', end !== 'cancelled');
      this.#try.brokenOff(exchange, end === 'cancelled', firstByteMs);
    }
    const { grpcStatus } = exchange;
    const failure = status === 0 || isFailure(this.route, status, grpcStatus);
    recorder.routeResponse(this.route, status, grpcStatus, failure, firstByteMs - exchange.startedMs);
    this.#owner.give(this);
  }
}
