import type { PolicyDecision } from '../../../core/policy/policy.ts';
import type { Exchange } from '../../../http/exchange.ts';
import { lastRecipientAnswer } from '../../../http/max-forwards.ts';
import type { RequestView } from '../../../http/message.ts';
import type { InboundClient } from '../../call/inbound-call.ts';
import { Stage } from '../../call/stage.ts';

interface Filtered {
  readonly exchange: Exchange;
  readonly head: RequestView;
  readonly client: InboundClient;
  readonly decision: PolicyDecision;
}

/** The head as it goes on. A request that may go no further is answered here. */
export class Filter<C extends Filtered> extends Stage<C> {
  run(call: C): void {
    const { exchange, client } = call;
    if (exchange.maxForwards === 0) {
      exchange.answer(lastRecipientAnswer(call.head.method));
      return;
    }
    if (exchange.upgrade || exchange.tunnels) client.opens(call.decision);
    exchange.prepare(client.extra, exchange.lacksHost ? client.authority : '');
    this.next.run(call);
  }
}
