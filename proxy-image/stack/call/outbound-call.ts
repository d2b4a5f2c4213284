import { grpcStatusOf } from '../../contract/policy/grpc-status.ts';
import type { RetryPolicy } from '../../contract/policy/retry.ts';
import type { EndpointState } from '../../core/balance/endpoint.ts';
import type { NoEndpointReason } from '../../core/balance/pick.ts';
import type {
  BackendEntry,
  BalanceEntry,
  Destination,
  OutboundRouteEntry,
  ServiceEntry,
  ShareEntry,
} from '../../core/state/entries.ts';
import { NO_OUTBOUND_ROUTE } from '../../core/state/no-route.ts';
import { errorAnswer } from '../../http/answer.ts';
import type { AttemptFailure, ExchangeEnd, HttpCall } from '../../http/call.ts';
import type { Exchange, ExchangeUpstream } from '../../http/exchange.ts';
import type { Failure } from '../../http/failures.ts';
import type { ExtraFields, RequestView, ResponseView } from '../../http/message.ts';
import type { DialError } from '../../io/pool/dial.ts';
import type { Host, Waiter } from '../../io/pool/host.ts';
import type { OutboundError } from '../../io/telemetry/recorder.ts';
import type { Address } from '../../io/transport/types.ts';
import type { EndpointLink } from '../endpoints/endpoint-hosts.ts';
import { Placement, type PlacementOwner } from '../endpoints/placement.ts';
import type { StackOptions } from '../shared/options.ts';
import { ATTEMPT, CallDeadlines, DELAY, type DeadlineOwner, HEAD, PAUSE } from './call-deadlines.ts';
import type { Filtering } from './filtering.ts';
import type { CallObserver } from './observer.ts';
import * as Phase from './outbound-phase.ts';
import type { Stage } from './stage.ts';

/** Whose call it is. */
export interface OutboundClient {
  readonly sourceIp: string;
  readonly sourcePort: number;
  /** What the client wanted to reach. */
  readonly original: Address;
  /** What a request is for. */
  destinationOf(head: RequestView): Destination;
  /** `l5d-dst-canonical`. */
  extraFor(entry: ServiceEntry): ExtraFields;
  /** The mesh forbids the destination: ends the call, by an answer or with the connection. */
  forbid(call: ForbiddenCall, why: string): void;
}

/** A call that goes nowhere, as far as its client ends it. */
export interface ForbiddenCall {
  phase: Phase.OutboundPhase;
  answer(failure: Failure, detail?: string): void;
}

/** The stages that something comes back to. */
export interface OutboundStages {
  readonly identify: Stage<OutboundCall>;
  readonly filter: {
    responded(call: OutboundCall): void;
    due(call: OutboundCall): void;
  };
  readonly deadline: {
    requestSent(call: OutboundCall): void;
    responded(call: OutboundCall): void;
    due(call: OutboundCall, kind: number): void;
  };
  readonly retry: {
    responded(call: OutboundCall, head: ResponseView): boolean;
    attemptFailed(call: OutboundCall, failure: AttemptFailure): void;
    notPlaced(call: OutboundCall, decision: 'failfast' | 'shed', reason: NoEndpointReason): void;
    due(call: OutboundCall, kind: number): void;
  };
  readonly mirror: Stage<OutboundCall>;
  readonly queue: Stage<OutboundCall> & { placed(call: OutboundCall, endpoint: EndpointState): void };
  readonly pick: { reconnects(call: OutboundCall, endpoint: EndpointState): boolean };
  readonly lease: {
    leased(call: OutboundCall, upstream: ExchangeUpstream): void;
    leaseDelayed(call: OutboundCall): void;
    leaseFailed(call: OutboundCall, error: DialError): void;
    cancel(call: OutboundCall): void;
  };
  readonly observer: OutboundObserver;
  readonly attempts: {
    failed(call: OutboundCall, error: OutboundError, blamed: boolean): void;
    failedOrNone(call: OutboundCall, error: OutboundError, blamed: boolean): void;
    ended(call: OutboundCall, endMs: number): void;
    brokenOff(call: OutboundCall, byClient: boolean, endMs: number): void;
  };
  /** All is over: the record may be used again. */
  ended(call: OutboundCall): void;
}

export type OutboundObserver = CallObserver<OutboundCall, OutboundError>;

/** The record of one outbound call: what the stages know of it. Reused from call to call; what comes in for it is handed to the stage that waits for it. */
export class OutboundCall implements DeadlineOwner, HttpCall, PlacementOwner, Waiter {
  exchange!: Exchange;
  client!: OutboundClient;
  /** Valid until the first stage has returned. */
  head!: RequestView;
  phase: Phase.OutboundPhase = Phase.PLACING;

  // identify, resolve
  destination!: Destination;
  /** `null` for a pod or an address. */
  entry: ServiceEntry | null = null;

  // route
  route: OutboundRouteEntry = NO_OUTBOUND_ROUTE;
  /** Of the request's key, for consistent hashing. */
  hash = 0;

  // filter; `null` where nothing is filtered
  filtering: Filtering | null = null;

  // deadline; milliseconds, 0 = none
  deadlines: CallDeadlines | null = null;
  responseMs = 0;
  idleMs = 0;
  attemptTimeoutMs = 0;
  idleLooks = 0;
  idleBytes = 0;

  // retry
  retryPolicy: RetryPolicy | null = null;
  retries = 0;
  repeats = 0;

  // split, queue
  share: ShareEntry | null = null;
  backend: BackendEntry | null = null;
  /** Of the backend; `null` for a pod or an address. */
  balance: BalanceEntry | null = null;
  readonly placement: Placement;
  /** Endpoints that have refused to process the request. */
  readonly tried: EndpointState[] = [];

  // pick, lease
  endpoint: EndpointState | null = null;
  link: EndpointLink | null = null;
  host: Host | null = null;

  // the present attempt; see `Attempts`
  attemptMs = 0;
  rttMs = 0;
  isProbe = false;
  unjudged = false;
  error: OutboundError | null = null;

  readonly #stages: OutboundStages;
  readonly #options: StackOptions;

  constructor(options: StackOptions, stages: OutboundStages) {
    this.#options = options;
    this.#stages = stages;
    this.placement = new Placement(options, this);
  }

  start(exchange: Exchange, head: RequestView, client: OutboundClient): void {
    this.head = head;
    this.restart(exchange, client);
    this.#stages.identify.run(this);
  }

  /** A call that nothing has happened to yet. */
  restart(exchange: Exchange, client: OutboundClient): void {
    this.exchange = exchange;
    this.client = client;
    this.phase = Phase.PLACING;
    this.entry = null;
    this.route = NO_OUTBOUND_ROUTE;
    this.hash = 0;
    this.filtering = null;
    this.responseMs = 0;
    this.idleMs = 0;
    this.attemptTimeoutMs = 0;
    this.retryPolicy = null;
    this.retries = 0;
    this.repeats = 0;
    this.backend = null;
    this.balance = null;
    this.endpoint = null;
    this.link = null;
    this.error = null;
    if (this.tried.length > 0) this.tried.length = 0;
    exchange.call = this;
  }

  setDeadline(kind: number, delayMs: number): void {
    this.deadlines ??= new CallDeadlines(this.#options.transport.timers, this);
    this.deadlines.set(kind, delayMs);
  }

  due(kind: number): void {
    if (kind === PAUSE || kind === HEAD || kind === ATTEMPT) this.#stages.retry.due(this, kind);
    else if (kind === DELAY) this.#stages.filter.due(this);
    else this.#stages.deadline.due(this, kind);
  }

  requestSent(): void {
    this.#stages.deadline.requestSent(this);
    if (this.filtering !== null) this.#stages.mirror.run(this);
  }

  responded(head: ResponseView): boolean {
    const { retry, deadline, filter, observer } = this.#stages;
    if (!retry.responded(this, head)) return false;
    deadline.responded(this);
    filter.responded(this);
    observer.responseHead(this, head);
    return true;
  }

  firstByte(): void {
    this.#stages.observer.firstByte(this);
  }

  attemptFailed(failure: AttemptFailure): void {
    this.#stages.retry.attemptFailed(this, failure);
  }

  placed(endpoint: EndpointState): void {
    this.#stages.queue.placed(this, endpoint);
  }

  notPlaced(decision: 'failfast' | 'shed', reason: NoEndpointReason): void {
    this.#stages.retry.notPlaced(this, decision, reason);
  }

  reconnects(endpoint: EndpointState): boolean {
    return this.#stages.pick.reconnects(this, endpoint);
  }

  /** For any endpoint of the backend, as soon as one can be had. */
  placeAgain(): void {
    this.#stages.queue.run(this);
  }

  get tunnels(): boolean {
    return this.exchange.tunnels;
  }

  /** For a pod or an address there is no other place. */
  get patient(): boolean {
    return this.balance === null;
  }

  leased(upstream: ExchangeUpstream): void {
    this.#stages.lease.leased(this, upstream);
  }

  leaseDelayed(): void {
    this.#stages.lease.leaseDelayed(this);
  }

  leaseFailed(error: DialError): void {
    this.#stages.lease.leaseFailed(this, error);
  }

  answer(failure: Failure, detail = ''): void {
    this.stop();
    this.exchange.answer(errorAnswer(failure, true, detail));
  }

  /** Sends the client elsewhere; nobody is asked. */
  redirect(status: number, location: string): void {
    this.stop();
    const grpcStatus = grpcStatusOf(status);
    this.exchange.answer({ status, grpcStatus, fields: [['location', location]], body: '', reason: '' });
  }

  /** The same after an attempt, whose reset a client that knows resets is to hear. */
  fail(failure: Failure): void {
    this.stop();
    this.exchange.fail(errorAnswer(failure, true));
  }

  /** Wants no endpoint and no connection any more. */
  cancelPlace(): void {
    this.#stages.lease.cancel(this);
    this.placement.cancel();
  }

  /** Nothing is waited for any more. An answered exchange may go on for a while, until the rest of its request has gone by. */
  stop(): void {
    this.cancelPlace();
    this.deadlines?.clearAll();
  }

  ended(end: ExchangeEnd): void {
    const { attempts, observer } = this.#stages;
    const { firstByteMs } = this.exchange;
    this.stop();
    if (end === 'complete') {
      // Answered by the client's connection: the request turned out malformed in its body.
      attempts.failed(this, 'unexpected', false);
      attempts.ended(this, firstByteMs);
    } else {
      const byClient = end === 'cancelled';
      attempts.failedOrNone(this, byClient ? 'unexpected' : 'i/o', !byClient);
      attempts.brokenOff(this, byClient, firstByteMs);
    }
    if (this.phase !== Phase.REFUSED) observer.end(this, end);
    this.#stages.ended(this);
  }
}
