import type { EndpointState } from '../core/balance/endpoint.ts';
import { abandoned, connected, connectFailed, finished, pickEndpoint, started, whyNone } from '../core/balance/pick.ts';
import { isFailure } from '../core/classify/classify.ts';
import { decideRetry } from '../core/retry/decide.ts';
import { NO_ROUTES, type RouteEntry } from '../core/route/table.ts';
import { pickShare } from '../core/split/split.ts';
import type { BackendEntry, PodEntry, ServiceEntry } from '../core/state/entries.ts';
import { errorAnswer } from '../io/http/answer.ts';
import type { ExchangeEnd, HttpCall, TryFailure } from '../io/http/call.ts';
import type { Exchange, ExchangeUpstream } from '../io/http/exchange.ts';
import { type ExtraFields, NO_EXTRA_FIELDS, type RequestView, type ResponseView } from '../io/http/message.ts';
import { REPLAY_LIMITS } from '../io/http/replay.ts';
import type { DialError } from '../io/pool/dial.ts';
import type { Host, Waiter } from '../io/pool/host.ts';
import type { OutboundError } from '../io/telemetry/recorder.ts';
import type { Address } from '../io/transport/types.ts';
import { EndpointHosts, protocolFor, type StackContext } from './context.ts';
import { routeOf } from './route-of.ts';
import { CONNECT_ERROR, CONNECT_TIMED_OUT, isUnreached } from './unreached.ts';

/** Kept connections that turn out to be closed by the other side are replaced so often per request; then it is an error like any other. */
const MAX_STALE = 3;
const MAX_IDLE_CALLS = 256;

/** Makes the calls of all outbound requests. */
export class OutboundCalls {
  readonly context: StackContext;
  readonly hosts: EndpointHosts;
  readonly #idle: OutboundCall[] = [];

  constructor(context: StackContext) {
    this.context = context;
    this.hosts = new EndpointHosts(context.outboundPool);
  }

  toService(exchange: Exchange, head: RequestView, entry: ServiceEntry, extra: ExtraFields): void {
    this.#take(exchange).startService(head, entry, extra);
  }

  toPod(exchange: Exchange, entry: PodEntry): void {
    this.#take(exchange).startPod(entry);
  }

  /** The destination has become something else while the connection was open. */
  toAddress(exchange: Exchange, address: Address): void {
    this.#take(exchange).startAddress(address);
  }

  #take(exchange: Exchange): OutboundCall {
    const call = this.#idle.pop() ?? new OutboundCall(this);
    call.exchange = exchange;
    exchange.call = call;
    return call;
  }

  give(call: OutboundCall): void {
    if (this.#idle.length < MAX_IDLE_CALLS) this.#idle.push(call);
  }
}

/**
 * One outbound request, top to bottom: route → timeout → split → endpoint → connection → response → retry.
 */
export class OutboundCall implements HttpCall, Waiter {
  exchange!: Exchange;
  readonly #calls: OutboundCalls;
  readonly #tried: EndpointState[] = [];
  #entry: ServiceEntry | null = null;
  #route: RouteEntry = NO_ROUTES.fallback;
  #backend: BackendEntry | null = null;
  #endpoint: EndpointState | null = null;
  #host: Host | null = null;
  /** In a queue for a connection. */
  #waiting = false;
  /** Counted as under way at `#endpoint`. */
  #started = false;
  #stale = 0;
  #tryMs = 0;
  /** Of the present try: whether its response is a failure; judged when its head comes, recorded when it ends. */
  #judged = false;
  #failure = false;

  constructor(calls: OutboundCalls) {
    this.#calls = calls;
  }

  startService(head: RequestView, entry: ServiceEntry, extra: ExtraFields): void {
    const { exchange } = this;
    const { recorder } = this.#calls.context.options;
    this.#reset(entry);
    const route = routeOf(entry.routes, head);
    this.#route = route;
    recorder.routeRequest(route);
    // Short bodies are kept on every route: an endpoint whose application is gone has not seen them.
    exchange.retain = head.contentLength <= REPLAY_LIMITS.requestBytes;
    exchange.peeks = exchange.isGrpc && route.isRetryable;
    if (route.timeoutMs > 0) exchange.setDeadline(route.timeoutMs);
    exchange.prepare(extra);
    this.#tryService();
  }

  startPod(entry: PodEntry): void {
    this.#reset(null);
    this.#endpoint = entry.endpoint;
    this.exchange.prepare(NO_EXTRA_FIELDS);
    this.#tryEndpoint(entry.endpoint);
  }

  startAddress(address: Address): void {
    this.#reset(null);
    this.exchange.prepare(NO_EXTRA_FIELDS);
    const session = protocolFor(this.exchange, 'detect');
    const target = { address, identity: null, port: address.port, session } as const;
    this.#lease(this.#calls.context.outboundPool.host(target));
  }

  #reset(entry: ServiceEntry | null): void {
    this.#entry = entry;
    this.#route = NO_ROUTES.fallback;
    this.#tried.length = 0;
    this.#backend = null;
    this.#endpoint = null;
    this.#stale = 0;
    this.#judged = false;
  }

  /** Share, then endpoint. Every retry draws anew (Linkerd). */
  #tryService(): void {
    const entry = this.#entry!;
    const { rng } = this.#calls.context.options;
    const backend = entry.backends[pickShare(entry.split, rng)]!;
    this.#backend = backend;
    this.#tried.length = 0;
    if (backend.unavailable) this.#refuse(503, 'the backend does not exist', 'failfast');
    else this.#tryNextEndpoint(null);
  }

  /** `lastError`: the previous endpoint could not be reached. */
  #tryNextEndpoint(lastError: DialError | null): void {
    const entry = this.#entry;
    const { rng, transport } = this.#calls.context.options;
    const pool = this.#backend?.pool;
    const endpoint =
      entry === null || pool === undefined
        ? null
        : pickEndpoint(pool, entry, this.#tried, rng, transport.timers.nowMs());
    if (endpoint !== null) this.#tryEndpoint(endpoint);
    else if (lastError !== null) this.#unreachable(lastError);
    else this.#refuse(503, `no endpoint: ${whyNone(pool!, entry!).replaceAll('_', ' ')}`, 'failfast');
  }

  #unreachable(error: DialError): void {
    if (error.failure === 'timeout') this.#answer(504, CONNECT_TIMED_OUT);
    else if (error.failure === 'identity') this.#answer(502, 'the endpoint did not prove its identity');
    else if (error.failure === 'no certificate') this.#answer(502, 'the proxy has no certificate yet');
    else this.#answer(502, CONNECT_ERROR);
  }

  #tryEndpoint(endpoint: EndpointState): void {
    const { recorder } = this.#calls.context.options;
    this.#endpoint = endpoint;
    this.#judged = false;
    started(endpoint);
    this.#started = true;
    recorder.outboundRequest(this.#authority, endpoint);
    recorder.routeActualRequest(this.#route);
    this.#lease(this.#calls.hosts.of(endpoint, protocolFor(this.exchange, endpoint.facts.protocol)));
  }

  get #authority(): string {
    return this.#backend?.authority ?? '';
  }

  #lease(host: Host): void {
    this.#host = host;
    this.#tryMs = this.#calls.context.options.transport.timers.nowMs();
    if (host.overloaded) {
      this.#failed('loadshed');
      this.#answer(503, 'too many requests are waiting');
      return;
    }
    const upstream = host.lease(this);
    if (upstream === null) this.#waiting = true;
    else this.exchange.send(upstream);
  }

  leased(upstream: ExchangeUpstream): void {
    this.#waiting = false;
    if (this.#endpoint !== null) connected(this.#endpoint);
    this.exchange.send(upstream);
  }

  /** No byte of the request was sent: another endpoint gets it, outside the budget, each at most once. */
  leaseFailed(error: DialError): void {
    this.#waiting = false;
    const endpoint = this.#endpoint;
    this.#failed(error.failure === 'identity' || error.failure === 'no certificate' ? 'identity required' : 'connect');
    if (endpoint !== null) this.#avoid(endpoint, error);
    this.#tryNextEndpoint(error);
  }

  #avoid(endpoint: EndpointState, error: DialError): void {
    const { options } = this.#calls.context;
    connectFailed(endpoint, options.rng, options.transport.timers.nowMs());
    this.#tried.push(endpoint);
    options.log.debug('could not connect', { peer: endpoint.id, failure: error.failure, detail: error.detail });
  }

  responded(head: ResponseView): boolean {
    const { options } = this.#calls.context;
    const isMeshed = this.#endpoint !== null && this.#endpoint.facts.identity !== null;
    if (isMeshed && this.#entry !== null && isUnreached(head) && this.exchange.replayable) return this.#unreached();
    const nowMs = options.transport.timers.nowMs();
    const failure = isFailure(this.#route, head.status, this.exchange.grpcStatus);
    this.#failure = failure;
    this.#judged = true;
    this.#sampled(nowMs);
    // A reason of the other side's proxy is passed on to the application; anybody else's is no reason of the mesh.
    this.exchange.tellsProxyError = isMeshed;
    if (this.#entry === null || !this.#route.isRetryable) return true;
    const reason = decideRetry(this.#route, failure, this.exchange.replayable, this.#entry.budget, nowMs);
    if (reason === 'no_budget') options.recorder.routeRetryable(this.#route, true);
    if (reason !== 'retried') return true;
    options.recorder.routeRetryable(this.#route, false);
    this.#recordTry(nowMs - this.#tryMs);
    this.exchange.detachUpstream();
    this.#tryService();
    return false;
  }

  /** The endpoint's proxy could not reach its application: as if it had not been reached itself. */
  #unreached(): false {
    const error: DialError = { failure: 'refused', detail: 'the application behind the proxy' };
    this.exchange.detachUpstream();
    this.leaseFailed(error);
    return false;
  }

  /** The endpoint's latency sample: time to the response head. */
  #sampled(nowMs: number): void {
    if (!this.#started) return;
    this.#started = false;
    if (this.#endpoint!.connectFailures > 0) connected(this.#endpoint!);
    const balancer = this.#entry?.balancer;
    if (balancer === undefined) abandoned(this.#endpoint!);
    else finished(this.#endpoint!, balancer, nowMs - this.#tryMs, nowMs);
  }

  #recordTry(latencyMs: number): void {
    const { recorder } = this.#calls.context.options;
    const { status, grpcStatus } = this.exchange;
    this.#judged = false;
    this.#failure = isFailure(this.#route, status, grpcStatus);
    if (this.#endpoint !== null) {
      recorder.outboundResponse(this.#authority, this.#endpoint, status, this.#failure, latencyMs);
    }
    recorder.routeActualResponse(this.#route, status, this.#failure);
  }

  tryFailed(failure: TryFailure): void {
    const { exchange } = this;
    const endpoint = this.#endpoint;
    this.#failed('i/o');
    if (failure === 'unsent' && endpoint !== null && this.#entry !== null) {
      this.#tried.push(endpoint);
      this.#tryNextEndpoint({ failure: 'other', detail: 'the connection was lost' });
      return;
    }
    const again = failure === 'unsent' || (failure === 'stale' && exchange.idempotent && exchange.replayable);
    if (again && this.#stale++ < MAX_STALE) this.#again();
    else if (failure !== 'malformed' && this.#mayRetry()) this.#tryService();
    else
      exchange.fail(errorAnswer(502, failure === 'malformed' ? 'malformed response' : 'the connection was lost', true));
  }

  /** The same endpoint on another connection. */
  #again(): void {
    if (this.#endpoint !== null) this.#tryEndpoint(this.#endpoint);
    else this.#lease(this.#host!);
  }

  /** An endpoint died with the request: retried where the route allows it and the budget holds. */
  #mayRetry(): boolean {
    if (this.#entry === null) return false;
    const { options } = this.#calls.context;
    const nowMs = options.transport.timers.nowMs();
    const reason = decideRetry(this.#route, true, this.exchange.replayable, this.#entry.budget, nowMs);
    if (reason === 'retried' || reason === 'no_budget') {
      options.recorder.routeRetryable(this.#route, reason === 'no_budget');
    }
    return reason === 'retried';
  }

  /** The present try ends without a response. */
  #failed(error: OutboundError): void {
    const { recorder } = this.#calls.context.options;
    const endpoint = this.#endpoint;
    if (this.#started) {
      this.#started = false;
      abandoned(endpoint!);
      recorder.routeActualResponse(this.#route, 0, true);
      recorder.outboundFailed(this.#authority, endpoint!, error);
    } else if (endpoint === null) recorder.outboundError('http', error);
  }

  timedOut(): void {
    this.#cancelLease();
    this.#failed('response timeout');
    this.#answer(504, 'response timed out');
  }

  /** Nobody was even asked. */
  #refuse(status: number, reason: string, error: OutboundError): void {
    this.#endpoint = null;
    this.#calls.context.options.recorder.outboundError('http', error);
    this.#answer(status, reason);
  }

  #answer(status: number, reason: string): void {
    this.exchange.answer(errorAnswer(status, reason, true));
  }

  ended(end: ExchangeEnd): void {
    const { exchange } = this;
    const { recorder } = this.#calls.context.options;
    this.#cancelLease();
    if (this.#judged) this.#recordTry(exchange.firstByteMs - this.#tryMs);
    else if (end !== 'complete') this.#failed(end === 'cancelled' ? 'unexpected' : 'i/o');
    const { status } = exchange;
    const failure = status === 0 || isFailure(this.#route, status, exchange.grpcStatus);
    recorder.routeResponse(this.#route, status, failure, exchange.firstByteMs - exchange.startedMs);
    this.#calls.give(this);
  }

  #cancelLease(): void {
    if (this.#waiting) this.#host!.cancel(this);
    this.#waiting = false;
  }
}
