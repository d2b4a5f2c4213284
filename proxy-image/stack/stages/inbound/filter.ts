import type { Filter as FilterRow } from '../../../contract/policy/filter.ts';
import { grpcStatusOf } from '../../../contract/policy/grpc-status.ts';
import type { PolicyDecision } from '../../../core/policy/policy.ts';
import type { Rng } from '../../../core/rng.ts';
import type { Exchange } from '../../../http/exchange.ts';
import { FAILURES, type Failure } from '../../../http/failures.ts';
import { lastRecipientAnswer } from '../../../http/max-forwards.ts';
import type { RequestView } from '../../../http/message.ts';
import { loadFilterParts } from '../../../io/filter-parts.ts';
import type { InboundClient } from '../../call/inbound-call.ts';
import { Stage } from '../../call/stage.ts';

interface Filterable {
  readonly exchange: Exchange;
  readonly head: RequestView;
  readonly client: InboundClient;
  readonly decision: PolicyDecision;
  answer(failure: Failure): void;
}

/** The head as it goes on, with what the filters of its rule change. A request that may go no further is answered here. */
export class Filter<C extends Filterable> extends Stage<C> {
  readonly #rng: Rng;

  constructor(rng: Rng) {
    super();
    this.#rng = rng;
  }

  run(call: C): void {
    const { exchange, client, decision } = call;
    if (exchange.maxForwards === 0) {
      exchange.answer(lastRecipientAnswer(call.head.method));
      return;
    }
    if (exchange.upgrade || exchange.tunnels) client.opens(decision);
    exchange.prepare(client.extra, exchange.lacksHost ? client.authority : '');
    if (decision.rule === null || decision.rule.filters.length === 0) this.next.run(call);
    else this.#filter(call, decision.rule.filters);
  }

  /** Those that a route on a Server may have answer, or change fields; others do not come here (`crds/compile/inbound/rules.ts`). */
  #filter(call: C, filters: readonly FilterRow[]): void {
    const { exchange, head } = call;
    const { host, target } = head;
    const { fail, redirect, request, response } = loadFilterParts().applyFilters(filters, { host, target }, this.#rng);
    if (fail !== null) {
      const { status, grpcStatus, message } = fail;
      call.answer({ ...FAILURES.injected, status, grpcStatus, text: message || FAILURES.injected.text });
    } else if (redirect !== null) {
      const { status, location } = redirect;
      exchange.answer({
        status,
        grpcStatus: grpcStatusOf(status),
        fields: [['location', location]],
        body: '',
        reason: '',
      });
    } else {
      if (request.length > 0) exchange.head.edit({ target: '', host: '', changes: request });
      exchange.responseChanges = response.length === 0 ? null : response;
      this.next.run(call);
    }
  }
}
