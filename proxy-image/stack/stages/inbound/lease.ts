import type { PortPolicyEntry } from '../../../core/policy/policy.ts';
import { type EndedAttempt, endedAttempt, recover } from '../../../core/retry/recover.ts';
import { protocolOfNextHop } from '../../../core/state/protocol.ts';
import type { AttemptFailure, ExchangeEnd } from '../../../http/call.ts';
import type { Exchange, ExchangeUpstream } from '../../../http/exchange.ts';
import { FAILURES, type Failure } from '../../../http/failures.ts';
import type { RequestView } from '../../../http/message.ts';
import { REPLAY_LIMITS } from '../../../http/replay.ts';
import type { DialError } from '../../../io/pool/dial.ts';
import type { Host, Waiter } from '../../../io/pool/host.ts';
import type { InboundError } from '../../../io/telemetry/recorder.ts';
import type { Timers } from '../../../io/transport/types.ts';
import type { InboundClient } from '../../call/inbound-call.ts';
import * as Phase from '../../call/inbound-phase.ts';
import type { CallObserver } from '../../call/observer.ts';
import { Stage } from '../../call/stage.ts';

interface Leased extends Waiter {
  readonly exchange: Exchange;
  readonly head: RequestView;
  readonly client: InboundClient;
  readonly policy: PortPolicyEntry;
  phase: Phase.InboundPhase;
  host: Host | null;
  repeats: number;
  sentMs: number;
  answer(failure: Failure): void;
  fail(failure: Failure): void;
}

/** A connection to the application, or a stream of one, on which it is sent: again where nothing of it was processed (`core/retry/recover.ts`). */
export class Lease<C extends Leased> extends Stage<C> {
  readonly #timers: Timers;
  readonly #observer: CallObserver<C, InboundError>;
  readonly #ended = endedAttempt();

  constructor(timers: Timers, observer: CallObserver<C, InboundError>) {
    super();
    this.#timers = timers;
    this.#observer = observer;
  }

  run(call: C): void {
    const { exchange, client, policy } = call;
    const protocol = protocolOfNextHop(exchange, policy.protocol, exchange.server!.protocol);
    // An application that restarts says GOAWAY: what it has not processed goes to its next connection.
    exchange.retain = protocol === 'http2' && call.head.contentLength <= REPLAY_LIMITS.requestBytes;
    this.#lease(call, client.host(protocol));
  }

  #lease(call: C, host: Host): void {
    call.host = host;
    if (host.overloaded) {
      this.#failed(call, FAILURES.loadshed.error);
      call.answer(FAILURES.loadshed);
      return;
    }
    const upstream = host.lease(call);
    if (upstream === null) call.phase = Phase.LEASING;
    else this.leased(call, upstream);
  }

  leased(call: C, upstream: ExchangeUpstream): void {
    call.phase = Phase.SENT;
    this.#observer.attemptStart(call);
    call.exchange.send(upstream);
  }

  requestSent(call: C): void {
    call.sentMs = this.#timers.nowMs();
  }

  leaseFailed(call: C, error: DialError): void {
    const failure = error.failure === 'timeout' ? FAILURES.connect_timed_out : FAILURES.connect_error;
    this.#failed(call, failure.error);
    call.answer(failure);
  }

  attemptFailed(call: C, failure: AttemptFailure): void {
    const { exchange, client, policy } = call;
    const { plan, reason } = recover(null, null, this.#endedAs(call, failure), this.#timers.nowMs());
    if (plan === 'again') {
      call.repeats++;
      this.#lease(call, client.host(protocolOfNextHop(exchange, policy.protocol, exchange.server!.protocol)));
      return;
    }
    this.#failed(call, 'i/o');
    if (reason === 'unsupported') call.answer(FAILURES.no_tunnel);
    else call.fail(reason === 'not_a_response' ? FAILURES.malformed_response : FAILURES.connection_lost);
  }

  #endedAs({ exchange, repeats }: C, end: AttemptFailure): EndedAttempt {
    const ended = this.#ended;
    ended.end = end;
    ended.repeats = repeats;
    ended.replayable = exchange.replayable;
    ended.kept = exchange.kept;
    ended.idempotent = exchange.idempotent;
    return ended;
  }

  #failed(call: C, error: InboundError): void {
    this.#observer.attemptEnd(call, error, this.#timers.nowMs());
    call.phase = Phase.FAILED;
  }

  ended(call: C, end: ExchangeEnd): void {
    const { phase } = call;
    if (phase === Phase.LEASING) call.host!.cancel(call);
    if (phase === Phase.FAILED) return;
    if (end !== 'complete') this.#failed(call, end === 'cancelled' ? 'unexpected' : 'i/o');
    else if (phase === Phase.SENT || phase === Phase.RESPONDING)
      this.#observer.attemptEnd(call, null, call.exchange.firstByteMs);
  }
}
