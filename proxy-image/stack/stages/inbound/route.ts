import type { PortPolicyEntry } from '../../../core/policy/policy.ts';
import type { RouteEntry } from '../../../core/route/table.ts';
import type { RequestView } from '../../../http/message.ts';
import { routeOf } from '../../call/route-of.ts';
import { Stage } from '../../call/stage.ts';

interface Routed {
  readonly head: RequestView;
  readonly policy: PortPolicyEntry;
  route: RouteEntry;
}

/** Which route of the profile it is counted for. */
export class Route<C extends Routed> extends Stage<C> {
  run(call: C): void {
    call.route = routeOf(call.policy.routes, call.head);
    this.next.run(call);
  }
}
