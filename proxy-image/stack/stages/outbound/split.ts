import type { EndpointState } from '../../../core/balance/endpoint.ts';
import type { Rng } from '../../../core/rng.ts';
import { NO_SHARE, pickShare } from '../../../core/split/split.ts';
import type { BackendEntry, BalanceEntry } from '../../../core/state/entries.ts';
import { FAILURES, type Failure } from '../../../http/failures.ts';
import type { OutboundError } from '../../../io/telemetry/recorder.ts';
import { Stage } from '../../call/stage.ts';
import type { Attempted, Attempts } from './attempts.ts';

interface Shared extends Attempted {
  backend: BackendEntry | null;
  balance: BalanceEntry | null;
  endpoint: EndpointState | null;
  readonly tried: EndpointState[];
  answer(failure: Failure): void;
}

type Refusal = Failure & { error: OutboundError };

/** Whose share is it. Every retry draws anew (Linkerd). */
export class Split<C extends Shared> extends Stage<C> {
  /** Of a backend that is one address. */
  toEndpoint!: Stage<C>;
  readonly #rng: Rng;
  readonly #attempts: Attempts<C>;

  constructor(rng: Rng, attempts: Attempts<C>) {
    super();
    this.#rng = rng;
    this.#attempts = attempts;
  }

  run(call: C): void {
    const { shares, split } = call.route.policy.distribution;
    const picked = pickShare(split, this.#rng);
    if (call.tried.length > 0) call.tried.length = 0;
    if (picked === NO_SHARE) {
      this.#refuse(call, FAILURES.no_backend);
      return;
    }
    const { backend, filters } = shares[picked]!;
    const { dispatch } = backend;
    call.backend = backend;
    call.balance = dispatch.type === 'balance' ? dispatch : null;
    // Until filters are carried out: what is asked for is never left out.
    if (filters.length > 0) this.#refuse(call, FAILURES.invalid_backend);
    else if (dispatch.type === 'balance') this.next.run(call);
    else if (dispatch.type === 'address') this.#toEndpoint(call, dispatch.endpoint);
    else this.#refuse(call, dispatch.status === 503 ? FAILURES.no_such_backend : FAILURES.invalid_backend);
  }

  #toEndpoint(call: C, endpoint: EndpointState): void {
    call.endpoint = endpoint;
    this.toEndpoint.run(call);
  }

  /** Nobody is even asked. */
  #refuse(call: C, refusal: Refusal): void {
    call.endpoint = null;
    this.#attempts.failedOrNone(call, refusal.error, false);
    call.answer(refusal);
  }
}
