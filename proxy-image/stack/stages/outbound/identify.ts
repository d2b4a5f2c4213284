import type { Destination } from '../../../core/state/entries.ts';
import type { Exchange } from '../../../http/exchange.ts';
import { lastRecipientAnswer } from '../../../http/max-forwards.ts';
import type { RequestView } from '../../../http/message.ts';
import type { OutboundClient } from '../../call/outbound-call.ts';
import { Stage } from '../../call/stage.ts';

interface Identified {
  readonly exchange: Exchange;
  readonly head: RequestView;
  readonly client: OutboundClient;
  destination: Destination;
}

/** What is the request for, as its client says it: by the address of its connection, or by a name. A request that may go no further is answered here. */
export class Identify<C extends Identified> extends Stage<C> {
  run(call: C): void {
    const { exchange, head, client } = call;
    if (exchange.maxForwards === 0) {
      exchange.answer(lastRecipientAnswer(head.method));
      return;
    }
    call.destination = client.destinationOf(head);
    this.next.run(call);
  }
}
