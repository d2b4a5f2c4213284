import type { InboundPeer } from '../../core/policy/authorize.ts';
import type { PolicyDecision, PortPolicyEntry } from '../../core/policy/policy.ts';
import type { RateLimitScope } from '../../core/policy/rate-limit.ts';
import { NO_ROUTE } from '../../core/route/profile.ts';
import type { RouteEntry } from '../../core/route/table.ts';
import type { InboundPort } from '../../core/state/entries.ts';
import type { HttpProtocol } from '../../core/state/protocol.ts';
import { errorAnswer } from '../../http/answer.ts';
import type { AttemptFailure, ExchangeEnd, HttpCall } from '../../http/call.ts';
import type { Exchange, ExchangeUpstream } from '../../http/exchange.ts';
import type { Failure } from '../../http/failures.ts';
import type { ExtraFields, RequestView, ResponseView } from '../../http/message.ts';
import type { DialError } from '../../io/pool/dial.ts';
import type { Host, Waiter } from '../../io/pool/host.ts';
import type { InboundError } from '../../io/telemetry/recorder.ts';
import * as Phase from './inbound-phase.ts';
import type { CallObserver } from './observer.ts';
import type { Stage } from './stage.ts';

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

export type InboundObserver = CallObserver<InboundCall, InboundError>;

/** The stages that something comes back to. */
export interface InboundStages {
  readonly identify: Stage<InboundCall>;
  readonly lease: {
    leased(call: InboundCall, upstream: ExchangeUpstream): void;
    requestSent(call: InboundCall): void;
    leaseFailed(call: InboundCall, error: DialError): void;
    attemptFailed(call: InboundCall, failure: AttemptFailure): void;
    ended(call: InboundCall, end: ExchangeEnd): void;
  };
  readonly observer: InboundObserver;
  /** All is over: the record may be used again. */
  ended(call: InboundCall): void;
}

/** The record of one inbound call: what the stages know of it. Reused from call to call; what comes in for it is handed to the stage that waits for it. */
export class InboundCall implements HttpCall, Waiter {
  exchange!: Exchange;
  client!: InboundClient;
  /** Valid until the first stage has returned. */
  head!: RequestView;
  phase: Phase.InboundPhase = Phase.JUDGING;

  // identify
  policy!: PortPolicyEntry;

  // route: the profile's, for metrics and for what counts as a failure
  route: RouteEntry = NO_ROUTE;

  // authorize, rate limit
  decision!: PolicyDecision;
  /** Whose share of the rate limit is used up; `null` = it is not limited. */
  limitedBy: RateLimitScope | null = null;

  // lease
  host: Host | null = null;
  repeats = 0;
  /** When the application had all of the request, where a rule has let it in; monotonic, 0 = never. */
  sentMs = 0;

  readonly #stages: InboundStages;

  constructor(stages: InboundStages) {
    this.#stages = stages;
  }

  start(exchange: Exchange, head: RequestView, client: InboundClient): void {
    this.exchange = exchange;
    this.client = client;
    this.head = head;
    this.phase = Phase.JUDGING;
    this.limitedBy = null;
    this.host = null;
    this.repeats = 0;
    this.sentMs = 0;
    exchange.call = this;
    this.#stages.identify.run(this);
  }

  get tunnels(): boolean {
    return this.exchange.tunnels;
  }

  /** There is one application. */
  get patient(): boolean {
    return true;
  }

  leased(upstream: ExchangeUpstream): void {
    this.#stages.lease.leased(this, upstream);
  }

  leaseDelayed(): void {}

  leaseFailed(error: DialError): void {
    this.#stages.lease.leaseFailed(this, error);
  }

  /** The clock is looked at only where it is counted. */
  requestSent(): void {
    if (this.decision.rule !== null) this.#stages.lease.requestSent(this);
  }

  responded(head: ResponseView): boolean {
    this.phase = Phase.RESPONDING;
    this.#stages.observer.responseHead(this, head);
    return true;
  }

  firstByte(): void {
    this.#stages.observer.firstByte(this);
  }

  attemptFailed(failure: AttemptFailure): void {
    this.#stages.lease.attemptFailed(this, failure);
  }

  answer(failure: Failure, detail = ''): void {
    this.exchange.answer(errorAnswer(failure, this.client.tellsErrors, detail));
  }

  /** The same after an attempt, whose reset a client that knows resets is to hear. */
  fail(failure: Failure): void {
    this.exchange.fail(errorAnswer(failure, this.client.tellsErrors));
  }

  ended(end: ExchangeEnd): void {
    this.#stages.lease.ended(this, end);
    this.#stages.observer.end(this, end);
    this.#stages.ended(this);
  }
}
