import type { PortPolicyEntry } from '../../../core/policy/policy.ts';
import type { InboundClient } from '../../call/inbound-call.ts';
import { Stage } from '../../call/stage.ts';

interface Identified {
  readonly client: InboundClient;
  policy: PortPolicyEntry;
}

/** What the port is for, by the policy of this time. */
export class Identify<C extends Identified> extends Stage<C> {
  run(call: C): void {
    call.policy = call.client.port.policy;
    this.next.run(call);
  }
}
