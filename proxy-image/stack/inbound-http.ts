import { isFailure } from '../core/classify/classify.ts';
import { authorizeRequest, type InboundPeer } from '../core/policy/authorize.ts';
import type { PolicyDecision, PortPolicyEntry } from '../core/policy/policy.ts';
import { NO_ROUTES, type RouteEntry } from '../core/route/table.ts';
import type { InboundPort } from '../core/state/entries.ts';
import { type HttpProtocol, protocolOfNextHop } from '../core/state/protocol.ts';
import { errorAnswer } from '../http/answer.ts';
import type { ExchangeEnd, HttpCall, TryFailure } from '../http/call.ts';
import type { Exchange, ExchangeUpstream } from '../http/exchange.ts';
import { FAILURES, type Failure } from '../http/failures.ts';
import { lastRecipientAnswer } from '../http/max-forwards.ts';
import type { ExtraFields, RequestView } from '../http/message.ts';
import { REPLAY_LIMITS } from '../http/replay.ts';
import type { DialError } from '../io/pool/dial.ts';
import type { Host, Waiter } from '../io/pool/host.ts';
import type { InboundError } from '../io/telemetry/recorder.ts';
import { routeOf } from './call/route-of.ts';
import { AccessRecord } from './observers/access.ts';
import type { StackContext } from './shared/context.ts';

const MAX_STALE = 3;
const MAX_IDLE_CALLS = 256;

/** What a call asks of its client's connection. */
export interface InboundClient {
  /** `l5d-client-id` for the application; only ever from a verified certificate. */
  readonly extra: ExtraFields;
  readonly peer: InboundPeer;
  readonly port: InboundPort;
  /** Connections to the application behind the port. */
  host(protocol: HttpProtocol): Host;
  /** A request that `decision` has let in may become a tunnel, which is judged again when the policy changes. */
  opens(decision: PolicyDecision): void;
  readonly tellsErrors: boolean;
  readonly remotePort: number;
  /** Address and port that the client has reached. */
  readonly authority: string;
}

/** Makes the calls of all inbound requests. */
export class InboundCalls {
  readonly context: StackContext;
  readonly #idle: InboundCall[] = [];

  constructor(context: StackContext) {
    this.context = context;
  }

  begin(exchange: Exchange, head: RequestView, connection: InboundClient): void {
    const call = this.#idle.pop() ?? new InboundCall(this);
    exchange.call = call;
    call.start(exchange, head, connection);
  }

  give(call: InboundCall): void {
    if (this.#idle.length < MAX_IDLE_CALLS) this.#idle.push(call);
  }
}

/** One inbound request, top to bottom: judge → route, for metrics → the application → response. */
class InboundCall implements HttpCall, Waiter {
  readonly #calls: InboundCalls;
  #exchange!: Exchange;
  #connection!: InboundClient;
  #policy!: PortPolicyEntry;
  #decision!: PolicyDecision;
  #route: RouteEntry = NO_ROUTES.fallback;
  #host: Host | null = null;
  #waiting = false;
  #stale = 0;
  #failed = false;
  /** `null` without an access log. */
  #access: AccessRecord | null = null;

  constructor(calls: InboundCalls) {
    this.#calls = calls;
  }

  get tunnels(): boolean {
    return this.#exchange.tunnels;
  }

  start(exchange: Exchange, head: RequestView, connection: InboundClient): void {
    const { recorder, accessLog, wallMs } = this.#calls.context.options;
    const { peer } = connection;
    const { policy } = connection.port;
    this.#access = accessLog && new AccessRecord(accessLog, head, peer, connection.remotePort, wallMs());
    this.#exchange = exchange;
    this.#connection = connection;
    this.#policy = policy;
    this.#host = null;
    this.#stale = 0;
    this.#failed = false;
    this.#route = routeOf(policy.routes, head);
    const decision = authorizeRequest(policy, peer, head);
    this.#decision = decision;
    recorder.inboundAuthorized('http', policy, peer, decision);
    recorder.inboundRequest(policy, peer, decision);
    recorder.routeRequest(this.#route);
    if (!decision.allowed) this.#deny(decision, peer);
    else if (this.#isLimited(policy, peer)) this.#answer(FAILURES.rate_limited);
    else if (exchange.maxForwards === 0) exchange.answer(lastRecipientAnswer(head.method));
    else this.#forward(connection, head.contentLength);
  }

  #isLimited({ limiter }: PortPolicyEntry, peer: InboundPeer): boolean {
    const scope = limiter === null ? null : limiter.take(peer.identity, this.#nowMs);
    if (scope === null) return false;
    this.#calls.context.options.recorder.inboundRateLimited(this.#policy, limiter!, scope);
    return true;
  }

  #deny(decision: PolicyDecision, peer: InboundPeer): void {
    this.#calls.context.options.log.info('request denied', {
      client: peer.address,
      identity: peer.identity,
      port: this.#policy.port,
      server: decision.server.name,
      reason: decision.reason,
    });
    if (decision.reason === 'no_route') this.#answer(FAILURES.no_route);
    else this.#answer(FAILURES.unauthorized, decision.reason.replaceAll('_', ' '));
  }

  #forward(connection: InboundClient, contentLength: number): void {
    if (this.#exchange.upgrade || this.#exchange.tunnels) connection.opens(this.#decision);
    const protocol = protocolOfNextHop(this.#exchange, this.#policy.protocol, this.#exchange.server!.protocol);
    // An application that restarts says GOAWAY: what it has not processed goes to its next connection.
    this.#exchange.retain = protocol === 'http2' && contentLength <= REPLAY_LIMITS.requestBytes;
    this.#exchange.prepare(connection.extra, this.#exchange.lacksHost ? connection.authority : '');
    this.#lease(connection.host(protocol));
  }

  #hostOf(connection: InboundClient): Host {
    return connection.host(protocolOfNextHop(this.#exchange, this.#policy.protocol, this.#exchange.server!.protocol));
  }

  #lease(host: Host): void {
    this.#host = host;
    if (host.overloaded) {
      this.#fail(FAILURES.loadshed.error);
      this.#answer(FAILURES.loadshed);
      return;
    }
    const upstream = host.lease(this);
    if (upstream === null) this.#waiting = true;
    else this.#send(upstream);
  }

  leased(upstream: ExchangeUpstream): void {
    this.#waiting = false;
    this.#send(upstream);
  }

  #send(upstream: ExchangeUpstream): void {
    this.#access?.sent(this.#nowMs);
    this.#exchange.send(upstream);
  }

  get #nowMs(): number {
    return this.#calls.context.options.transport.timers.nowMs();
  }

  /** There is one application. */
  get patient(): boolean {
    return true;
  }

  leaseDelayed(): void {}

  leaseFailed(error: DialError): void {
    this.#waiting = false;
    const failure = error.failure === 'timeout' ? FAILURES.connect_timed_out : FAILURES.connect_error;
    this.#fail(failure.error);
    this.#answer(failure);
  }

  responded(): boolean {
    this.#access?.answered(this.#nowMs);
    return true;
  }

  tryFailed(failure: TryFailure): void {
    const { idempotent, replayable, kept } = this.#exchange;
    const again = failure === 'unsent' ? kept : failure === 'stale' && idempotent && replayable;
    if (again && this.#stale++ < MAX_STALE) {
      this.#lease(this.#hostOf(this.#connection));
      return;
    }
    this.#fail('i/o');
    if (failure === 'unsupported') {
      this.#answer(FAILURES.no_tunnel);
      return;
    }
    const because = failure === 'malformed' ? FAILURES.malformed_response : FAILURES.connection_lost;
    this.#exchange.fail(errorAnswer(because, this.#connection.tellsErrors));
  }

  #fail(error: InboundError): void {
    this.#failed = true;
    this.#calls.context.options.recorder.inboundFailed(this.#policy, this.#connection.peer, this.#decision, error);
  }

  #answer(failure: Failure, detail = ''): void {
    this.#exchange.answer(errorAnswer(failure, this.#connection.tellsErrors, detail));
  }

  ended(end: ExchangeEnd): void {
    const { recorder } = this.#calls.context.options;
    const { status, grpcStatus, firstByteMs, startedMs } = this.#exchange;
    if (this.#waiting) this.#host!.cancel(this);
    this.#waiting = false;
    if (end !== 'complete' && !this.#failed) this.#fail(end === 'cancelled' ? 'unexpected' : 'i/o');
    const failure = status === 0 || isFailure(this.#route, status, grpcStatus);
    const latencyMs = firstByteMs - startedMs;
    if (!this.#failed) {
      const { peer } = this.#connection;
      recorder.inboundResponse(this.#policy, peer, this.#decision, status, grpcStatus, failure, latencyMs);
    }
    recorder.routeResponse(this.#route, status, grpcStatus, failure, latencyMs);
    this.#access?.ended(this.#exchange, this.#nowMs);
    this.#access = null;
    this.#calls.give(this);
  }
}
