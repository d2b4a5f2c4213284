import type { PortPolicyEntry } from '../../../core/policy/policy.ts';
import type { RateLimitScope } from '../../../core/policy/rate-limit.ts';
import { FAILURES, type Failure } from '../../../http/failures.ts';
import type { RequestView } from '../../../http/message.ts';
import type { InboundError } from '../../../io/telemetry/recorder.ts';
import type { Timers } from '../../../io/transport/types.ts';
import type { InboundClient } from '../../call/inbound-call.ts';
import type { CallObserver } from '../../call/observer.ts';
import { Stage } from '../../call/stage.ts';

interface Limited {
  readonly head: RequestView;
  readonly client: InboundClient;
  readonly policy: PortPolicyEntry;
  limitedBy: RateLimitScope | null;
  answer(failure: Failure): void;
}

/** Not more often than the port's limit allows. */
export class LimitRate<C extends Limited> extends Stage<C> {
  readonly #timers: Timers;
  readonly #observer: CallObserver<C, InboundError>;

  constructor(timers: Timers, observer: CallObserver<C, InboundError>) {
    super();
    this.#timers = timers;
    this.#observer = observer;
  }

  run(call: C): void {
    const { limiter } = call.policy;
    const scope = limiter === null ? null : limiter.take(call.client.peer.identity, this.#timers.nowMs());
    call.limitedBy = scope;
    this.#observer.requestHead(call, call.head);
    if (scope === null) this.next.run(call);
    else call.answer(FAILURES.rate_limited);
  }
}
