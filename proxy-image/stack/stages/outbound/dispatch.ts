import type { EndpointState } from '../../../core/balance/endpoint.ts';
import type { BalanceEntry } from '../../../core/state/entries.ts';
import { FAILURES, type Failure } from '../../../http/failures.ts';
import type { OutboundError } from '../../../io/telemetry/recorder.ts';
import { Stage } from '../../call/stage.ts';
import type { Attempted, Attempts } from './attempts.ts';

interface Dispatched extends Attempted {
  balance: BalanceEntry | null;
  endpoint: EndpointState | null;
  answer(failure: Failure): void;
}

/** How requests for the backend are carried out: among endpoints, to one address, or not at all. */
export class Dispatch<C extends Dispatched> extends Stage<C> {
  /** Of a backend that is one address. */
  toEndpoint!: Stage<C>;
  readonly #attempts: Attempts<C>;

  constructor(attempts: Attempts<C>) {
    super();
    this.#attempts = attempts;
  }

  run(call: C): void {
    const { dispatch } = call.backend!;
    if (dispatch.type === 'balance') {
      call.balance = dispatch;
      this.next.run(call);
      return;
    }
    call.balance = null;
    if (dispatch.type === 'address') {
      call.endpoint = dispatch.endpoint;
      this.toEndpoint.run(call);
    } else this.#refuse(call, dispatch.status === 503 ? FAILURES.no_such_backend : FAILURES.invalid_backend);
  }

  /** Nobody is even asked. */
  #refuse(call: C, refusal: Failure & { error: OutboundError }): void {
    call.endpoint = null;
    this.#attempts.failedOrNone(call, refusal.error, false);
    call.answer(refusal);
  }
}
