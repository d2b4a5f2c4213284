import type { RetryPolicy } from '../../../contract/policy/retry.ts';
import { headTimeoutMs } from '../../../core/retry/plan.ts';
import { FAILURES, type Failure } from '../../../http/failures.ts';
import { type CallDeadlines, HEAD, IDLE, REQUEST, RESPONSE } from '../../call/call-deadlines.ts';
import { Stage } from '../../call/stage.ts';
import type { Attempted, Attempts } from './attempts.ts';

/** An idle exchange is noticed after its timeout or up to a quarter of it later: bytes are counted, not timed. */
const IDLE_LOOKS = 4;

interface Timed extends Attempted {
  readonly deadlines: CallDeadlines | null;
  readonly retryPolicy: RetryPolicy | null;
  readonly retries: number;
  responseMs: number;
  idleMs: number;
  attemptTimeoutMs: number;
  idleLooks: number;
  idleBytes: number;
  setDeadline(kind: number, delayMs: number): void;
  answer(failure: Failure): void;
}

/** How long it may take as a whole, and from when on. The time of one attempt is armed here, and judged by `Retry`. */
export class Deadline<C extends Timed> extends Stage<C> {
  readonly #attempts: Attempts<C>;

  constructor(attempts: Attempts<C>) {
    super();
    this.#attempts = attempts;
  }

  run(call: C): void {
    const { requestMs, responseMs, idleMs, attemptMs } = call.route.policy.timeouts;
    call.responseMs = responseMs;
    call.attemptTimeoutMs = attemptMs;
    if (requestMs > 0) call.setDeadline(REQUEST, requestMs);
    if (idleMs > 0) {
      call.idleMs = idleMs;
      call.idleLooks = 0;
      call.idleBytes = 0;
      call.setDeadline(IDLE, idleMs / IDLE_LOOKS);
    }
    this.next.run(call);
  }

  /** All of the request is on its way: what the server takes from here on is its own time. */
  requestSent(call: C): void {
    if (call.responseMs > 0) call.setDeadline(RESPONSE, call.responseMs);
    if (call.retryPolicy === null) return;
    const headMs = headTimeoutMs(call.retryPolicy, call.retries);
    if (headMs > 0) call.setDeadline(HEAD, headMs);
  }

  /** The timeout of a profile is for the answer; the annotation's is for the whole exchange. */
  responded(call: C): void {
    if (call.route.policy.timeouts.untilResponse) call.deadlines?.clear(REQUEST);
  }

  due(call: C, kind: number): void {
    if (kind === IDLE) this.#lookWhetherIdle(call);
    else this.#timedOut(call);
  }

  #lookWhetherIdle(call: C): void {
    const { exchange } = call;
    const bytes = exchange.requestBytes + exchange.responseBytes;
    call.idleLooks = bytes === call.idleBytes ? call.idleLooks + 1 : 0;
    call.idleBytes = bytes;
    if (call.idleLooks >= IDLE_LOOKS) this.#timedOut(call);
    else call.setDeadline(IDLE, call.idleMs / IDLE_LOOKS);
  }

  #timedOut(call: C): void {
    const { exchange } = call;
    if (exchange.responding) {
      exchange.breakOff(FAILURES.response_overran.grpcStatus);
      return;
    }
    this.#attempts.failedOrNone(call, 'response timeout', true);
    call.answer(FAILURES.response_timed_out);
  }
}
