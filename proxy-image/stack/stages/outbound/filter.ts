import { FAILURES, type Failure } from '../../../http/failures.ts';
import type { OutboundClient } from '../../call/outbound-call.ts';
import { Stage } from '../../call/stage.ts';
import type { Attempted, Attempts } from './attempts.ts';

interface Filtered extends Attempted {
  readonly client: OutboundClient;
  answer(failure: Failure): void;
}

/** The head as it goes on, for every attempt. */
export class Filter<C extends Filtered> extends Stage<C> {
  readonly #attempts: Attempts<C>;

  constructor(attempts: Attempts<C>) {
    super();
    this.#attempts = attempts;
  }

  run(call: C): void {
    const entry = call.entry!;
    call.exchange.prepare(call.client.extraFor(entry), entry.authority);
    if (call.route.policy.filters.length === 0) this.next.run(call);
    else this.#refuse(call);
  }

  /** Until filters are carried out: what a rule asks for is never left out. */
  #refuse(call: C): void {
    this.#attempts.failedOrNone(call, FAILURES.invalid_backend.error, false);
    call.answer(FAILURES.invalid_backend);
  }
}
