import { requestHash } from '../../../core/balance/hash-key.ts';
import type { Rng } from '../../../core/rng.ts';
import type { OutboundRouteEntry, ServiceEntry } from '../../../core/state/entries.ts';
import type { RequestView } from '../../../http/message.ts';
import type { OutboundError } from '../../../io/telemetry/recorder.ts';
import type { CallObserver } from '../../call/observer.ts';
import type { OutboundClient } from '../../call/outbound-call.ts';
import { routeOf } from '../../call/route-of.ts';
import { Stage } from '../../call/stage.ts';

interface Routed {
  readonly head: RequestView;
  readonly client: OutboundClient;
  readonly entry: ServiceEntry | null;
  route: OutboundRouteEntry;
  hash: number;
}

/** Which rule is it for; and what its balancer will ask of its head, which is gone by then. */
export class Route<C extends Routed> extends Stage<C> {
  readonly #rng: Rng;
  readonly #observer: CallObserver<C, OutboundError>;

  constructor(rng: Rng, observer: CallObserver<C, OutboundError>) {
    super();
    this.#rng = rng;
    this.#observer = observer;
  }

  run(call: C): void {
    const { head } = call;
    const route = routeOf(call.entry!.routes, head);
    const { hashKey } = route.policy.distribution;
    call.route = route;
    if (hashKey !== null) call.hash = requestHash(hashKey, head, call.client.sourceIp, this.#rng);
    this.#observer.requestHead(call, head);
    this.next.run(call);
  }
}
