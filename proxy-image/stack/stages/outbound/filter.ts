import type { ServiceEntry } from '../../../core/state/entries.ts';
import type { Exchange } from '../../../http/exchange.ts';
import type { OutboundClient } from '../../call/outbound-call.ts';
import { Stage } from '../../call/stage.ts';

interface Filtered {
  readonly exchange: Exchange;
  readonly client: OutboundClient;
  readonly entry: ServiceEntry | null;
}

/** The head as it goes on, for every attempt. */
export class Filter<C extends Filtered> extends Stage<C> {
  run(call: C): void {
    const entry = call.entry!;
    call.exchange.prepare(call.client.extraFor(entry), entry.authority);
    this.next.run(call);
  }
}
