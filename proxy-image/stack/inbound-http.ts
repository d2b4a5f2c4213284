import { isFailure } from '../core/classify/classify.ts';
import { authorizeConnection, authorizeRequest, type InboundPeer } from '../core/policy/authorize.ts';
import type { PolicyDecision, PortPolicyEntry } from '../core/policy/policy.ts';
import { NO_ROUTES, type RouteEntry } from '../core/route/table.ts';
import type { InboundPort } from '../core/state/entries.ts';
import { errorAnswer } from '../io/http1/answer.ts';
import type { ExchangeEnd, HttpCall, TryFailure } from '../io/http1/call.ts';
import type { ClientConnection } from '../io/http1/client-connection.ts';
import type { Exchange } from '../io/http1/exchange.ts';
import type { RequestHead, ResponseHead } from '../io/http1/head.ts';
import type { DialError } from '../io/pool/dial.ts';
import type { HostPool, Waiter } from '../io/pool/host-pool.ts';
import type { InboundError } from '../io/telemetry/recorder.ts';
import { AccessRecord } from './access.ts';
import type { StackContext } from './context.ts';
import { CONNECT_ERROR, CONNECT_TIMED_OUT } from './unreached.ts';

const MAX_STALE = 3;
const MAX_IDLE_CALLS = 256;

/** What a call asks of its client's connection. */
export interface InboundClient {
  /** `l5d-client-id` for the application; only ever from a verified certificate. */
  readonly lines: string;
  readonly peer: InboundPeer;
  readonly port: InboundPort;
  /** Connections to the application behind the port. */
  readonly host: HostPool;
  readonly tellsErrors: boolean;
  readonly remotePort: number;
}

/** Makes the calls of all inbound requests. */
export class InboundCalls {
  readonly context: StackContext;
  readonly #idle: InboundCall[] = [];

  constructor(context: StackContext) {
    this.context = context;
  }

  begin(exchange: Exchange, head: RequestHead, connection: InboundClient): void {
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
  #host: HostPool | null = null;
  #waiting = false;
  #stale = 0;
  #failed = false;
  /** `null` without an access log. */
  #access: AccessRecord | null = null;

  constructor(calls: InboundCalls) {
    this.#calls = calls;
  }

  start(exchange: Exchange, head: RequestHead, connection: InboundClient): void {
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
    this.#route = routeOf(policy, head);
    const decision = judge(policy, peer, head);
    this.#decision = decision;
    recorder.inboundAuthorized('http', policy, peer, decision);
    recorder.inboundRequest(policy, peer, decision);
    recorder.routeRequest(this.#route);
    if (decision.allowed) this.#forward(head, connection);
    else this.#deny(decision, peer);
  }

  #deny(decision: PolicyDecision, peer: InboundPeer): void {
    this.#calls.context.options.log.info('request denied', {
      client: peer.address,
      identity: peer.identity,
      port: this.#policy.port,
      server: decision.server.name,
      reason: decision.reason,
    });
    this.#answer(403, `unauthorized: ${decision.reason.replaceAll('_', ' ')}`);
  }

  #forward(head: RequestHead, connection: InboundClient): void {
    this.#exchange.prepare(head, connection.lines);
    this.#lease(connection.host);
  }

  #lease(host: HostPool): void {
    this.#host = host;
    if (host.overloaded) {
      this.#fail('loadshed');
      this.#answer(503, 'too many requests are waiting');
      return;
    }
    const connection = host.lease(this);
    if (connection === null) this.#waiting = true;
    else this.#send(connection);
  }

  leased(connection: ClientConnection): void {
    this.#waiting = false;
    this.#send(connection);
  }

  #send(connection: ClientConnection): void {
    this.#access?.sent(this.#nowMs);
    this.#exchange.send(connection);
  }

  get #nowMs(): number {
    return this.#calls.context.options.transport.timers.nowMs();
  }

  leaseFailed(error: DialError): void {
    this.#waiting = false;
    this.#fail('connect');
    const isTimeout = error.failure === 'timeout';
    this.#answer(isTimeout ? 504 : 502, isTimeout ? CONNECT_TIMED_OUT : CONNECT_ERROR);
  }

  responded(_head: ResponseHead): boolean {
    this.#access?.answered(this.#nowMs);
    return true;
  }

  tryFailed(failure: TryFailure): void {
    const { idempotent, replayable } = this.#exchange;
    const again = failure === 'unsent' ? replayable : failure === 'stale' && idempotent && replayable;
    if (again && this.#stale++ < MAX_STALE) {
      this.#lease(this.#connection.host);
      return;
    }
    this.#fail('i/o');
    this.#answer(502, failure === 'malformed' ? 'malformed response' : 'the connection was lost');
  }

  timedOut(): void {}

  #fail(error: InboundError): void {
    this.#failed = true;
    this.#calls.context.options.recorder.inboundFailed(this.#policy, this.#connection.peer, this.#decision, error);
  }

  #answer(status: number, reason: string): void {
    this.#exchange.answer(errorAnswer(status, reason, this.#connection.tellsErrors));
  }

  ended(end: ExchangeEnd): void {
    const { recorder } = this.#calls.context.options;
    const { status, firstByteMs, startedMs } = this.#exchange;
    if (this.#waiting) this.#host!.cancel(this);
    this.#waiting = false;
    if (end !== 'complete' && !this.#failed) this.#fail(end === 'cancelled' ? 'unexpected' : 'i/o');
    const failure = status === 0 || isFailure(this.#route, status);
    const latencyMs = firstByteMs - startedMs;
    if (!this.#failed) {
      recorder.inboundResponse(this.#policy, this.#connection.peer, this.#decision, status, failure, latencyMs);
    }
    recorder.routeResponse(this.#route, status, failure, latencyMs);
    this.#access?.ended(this.#exchange, this.#nowMs);
    this.#access = null;
    this.#calls.give(this);
  }
}

function routeOf(policy: PortPolicyEntry, head: RequestHead): RouteEntry {
  const { routes } = policy;
  return routes.routes.length === 0 ? routes.fallback : routes.match(head.method, head.target);
}

/** The text of method and target is only made where a probe could be meant. */
function judge(policy: PortPolicyEntry, peer: InboundPeer, head: RequestHead): PolicyDecision {
  if (policy.probePaths.size === 0) return authorizeConnection(policy, peer);
  const decision = authorizeConnection(policy, peer);
  if (decision.allowed && decision.reason !== 'audit') return decision;
  return authorizeRequest(policy, peer, head.method, head.target);
}
