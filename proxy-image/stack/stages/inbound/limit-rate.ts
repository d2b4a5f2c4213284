import type { PortPolicyEntry } from '../../../core/policy/policy.ts';
import type { RateLimitScope } from '../../../core/policy/rate-limit.ts';
import { FAILURES, type Failure } from '../../../http/failures.ts';
import type { Timers } from '../../../io/transport/types.ts';
import type { InboundClient } from '../../call/inbound-call.ts';
import { Stage } from '../../call/stage.ts';

interface Limited {
  readonly client: InboundClient;
  readonly policy: PortPolicyEntry;
  limitedBy: RateLimitScope | null;
  answer(failure: Failure): void;
}

/** Not more often than the port's limit allows. */
export class LimitRate<C extends Limited> extends Stage<C> {
  readonly #timers: Timers;

  constructor(timers: Timers) {
    super();
    this.#timers = timers;
  }

  run(call: C): void {
    const { limiter } = call.policy;
    const scope = limiter === null ? null : limiter.take(call.client.peer.identity, this.#timers.nowMs());
    call.limitedBy = scope;
    if (scope === null) this.next.run(call);
    else call.answer(FAILURES.rate_limited);
  }
}
