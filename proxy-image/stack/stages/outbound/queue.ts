import type { EndpointState } from '../../../core/balance/endpoint.ts';
import type { BalanceEntry } from '../../../core/state/entries.ts';
import * as Phase from '../../call/outbound-phase.ts';
import { Stage } from '../../call/stage.ts';
import type { EndpointLink } from '../../endpoints/endpoint-hosts.ts';
import type { Placement } from '../../endpoints/placement.ts';

interface Queued {
  readonly balance: BalanceEntry | null;
  readonly hash: number;
  readonly placement: Placement;
  phase: Phase.OutboundPhase;
  endpoint: EndpointState | null;
  link: EndpointLink | null;
}

/** To an endpoint of its backend, as soon as one can be had: what waits for one costs no attempt. */
export class Queue<C extends Queued> extends Stage<C> {
  run(call: C): void {
    call.phase = Phase.PLACING;
    call.endpoint = null;
    call.link = null;
    call.placement.find(call.balance!, call.hash);
  }

  placed(call: C, endpoint: EndpointState): void {
    call.endpoint = endpoint;
    this.next.run(call);
  }
}
