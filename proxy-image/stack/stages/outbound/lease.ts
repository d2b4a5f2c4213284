import type { ExchangeUpstream } from '../../../http/exchange.ts';
import { FAILURES, type Failure } from '../../../http/failures.ts';
import type { DialError } from '../../../io/pool/dial.ts';
import type { Host, Waiter } from '../../../io/pool/host.ts';
import { ATTEMPT } from '../../call/call-deadlines.ts';
import * as Phase from '../../call/outbound-phase.ts';
import { Stage } from '../../call/stage.ts';
import type { EndpointLink } from '../../endpoints/endpoint-hosts.ts';
import type { StackContext } from '../../shared/context.ts';
import { unreachedAnswer, unreachedAs } from '../../shared/unreached.ts';
import type { Attempted, Attempts } from './attempts.ts';

interface Leased extends Attempted, Waiter {
  readonly link: EndpointLink | null;
  host: Host | null;
  readonly attemptTimeoutMs: number;
  setDeadline(kind: number, delayMs: number): void;
  placeAgain(): void;
  answer(failure: Failure): void;
  fail(failure: Failure): void;
}

/**
 * A connection, or a stream of one, on which it is sent. What fails or takes long on this way costs no attempt: nothing has been sent, and the request looks for
 * another endpoint of its backend or waits for any, outside of the retry budget.
 */
export class Lease<C extends Leased> extends Stage<C> {
  readonly #context: StackContext;
  readonly #attempts: Attempts<C>;

  constructor(context: StackContext, attempts: Attempts<C>) {
    super();
    this.#context = context;
    this.#attempts = attempts;
  }

  run(call: C): void {
    const host = call.host!;
    if (host.overloaded) {
      this.#attempts.failedOrNone(call, FAILURES.loadshed.error, false);
      call.answer(FAILURES.loadshed);
      return;
    }
    const upstream = host.lease(call);
    if (upstream === null) call.phase = Phase.LEASING;
    else this.leased(call, upstream);
  }

  /** To an address that no resource names. */
  direct(call: C): void {
    this.#attempts.start(call);
    this.run(call);
  }

  directAgain(call: C): void {
    call.host = this.#context.outboundPool.host(call.host!.target);
    this.direct(call);
  }

  leased(call: C, upstream: ExchangeUpstream): void {
    call.link?.connected();
    this.#attempts.sent(call);
    if (call.attemptTimeoutMs > 0) call.setDeadline(ATTEMPT, call.attemptTimeoutMs);
    call.exchange.send(upstream);
  }

  /** The endpoint is being connected to for long: where another can be had it is better, else the first of all that can. */
  leaseDelayed(call: C): void {
    call.link!.connect();
    this.#attempts.unplaced(call);
    call.placeAgain();
  }

  leaseFailed(call: C, error: DialError): void {
    if (call.link === null) this.#context.options.recorder.outboundError('http', unreachedAs(error));
    else call.link.failed(error);
    this.#attempts.unplaced(call);
    if (call.balance !== null) {
      call.placeAgain();
      return;
    }
    const failure = unreachedAnswer(error.failure);
    if (failure === FAILURES.connect_error) call.fail(failure);
    else call.answer(failure);
  }

  /** Wants no connection any more. */
  cancel(call: C): void {
    if (call.phase !== Phase.LEASING) return;
    call.phase = Phase.CHOSEN;
    call.host!.cancel(call);
  }
}
