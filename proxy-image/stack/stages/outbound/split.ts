import type { EndpointState } from '../../../core/balance/endpoint.ts';
import type { Rng } from '../../../core/rng.ts';
import { pickShare } from '../../../core/split/split.ts';
import type { BackendEntry } from '../../../core/state/entries.ts';
import { FAILURES, type Failure } from '../../../http/failures.ts';
import { Stage } from '../../call/stage.ts';
import type { Attempted, Attempts } from './attempts.ts';

interface Shared extends Attempted {
  backend: BackendEntry | null;
  endpoint: EndpointState | null;
  readonly tried: EndpointState[];
  answer(failure: Failure): void;
}

/** Whose share is it. Every retry draws anew (Linkerd). */
export class Split<C extends Shared> extends Stage<C> {
  readonly #rng: Rng;
  readonly #attempts: Attempts<C>;

  constructor(rng: Rng, attempts: Attempts<C>) {
    super();
    this.#rng = rng;
    this.#attempts = attempts;
  }

  run(call: C): void {
    const { split, backends } = call.entry!;
    const backend = backends[pickShare(split, this.#rng)]!;
    call.backend = backend;
    if (call.tried.length > 0) call.tried.length = 0;
    if (backend.unavailable) this.#refuse(call);
    else this.next.run(call);
  }

  /** Nobody is even asked. */
  #refuse(call: C): void {
    call.endpoint = null;
    this.#attempts.failedOrNone(call, FAILURES.no_such_backend.error, false);
    call.answer(FAILURES.no_such_backend);
  }
}
