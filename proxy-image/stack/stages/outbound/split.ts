import type { EndpointState } from '../../../core/balance/endpoint.ts';
import type { Rng } from '../../../core/rng.ts';
import { NO_SHARE, pickShare } from '../../../core/split/split.ts';
import type { BackendEntry, DistributionEntry, ShareEntry } from '../../../core/state/entries.ts';
import { FAILURES, type Failure } from '../../../http/failures.ts';
import { Stage } from '../../call/stage.ts';
import type { Attempted, Attempts } from './attempts.ts';

interface Shared extends Attempted {
  share: ShareEntry | null;
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
    const { distribution } = call.route.policy;
    const share = distribution.only ?? this.#draw(distribution);
    if (call.tried.length > 0) call.tried.length = 0;
    if (share === null) {
      call.endpoint = null;
      this.#attempts.failedOrNone(call, FAILURES.no_backend.error, false);
      call.answer(FAILURES.no_backend);
      return;
    }
    call.share = share;
    call.backend = share.backend;
    this.next.run(call);
  }

  #draw({ shares, split }: DistributionEntry): ShareEntry | null {
    const picked = pickShare(split, this.#rng);
    return picked === NO_SHARE ? null : shares[picked]!;
  }
}
