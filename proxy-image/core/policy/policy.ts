import type { InboundProtocol } from '../../contract/policy/protocol.ts';
import type { ObjectLabel } from '../../contract/resources.ts';
import type { RequestFacts } from '../route/request.ts';
import type { RouteEntry, RouteTable } from '../route/table.ts';
import type { Gate, PolicyDecision } from './decision.ts';
import type { InboundPeer } from './peer.ts';
import type { RateLimiter } from './rate-limit.ts';

export type { PolicyDecision };

/** The rules of the routes that are attached to a Server, in order of precedence. */
export interface Rules {
  /** By the first rule that matches. */
  decide(peer: InboundPeer, request: RequestFacts): PolicyDecision;
  /** What became a tunnel, which `granted` has let in, by the rules as they are now. */
  decideAgain(peer: InboundPeer, granted: PolicyDecision): PolicyDecision;
}

export interface PortPolicyEntry {
  readonly port: number;
  readonly server: ObjectLabel;
  /** Effective protocol: `opaque` also where the port is in the workload's opaque ranges. */
  readonly protocol: InboundProtocol;
  /** For connections, and for requests where there are no rules. */
  readonly gate: Gate;
  /** `null` = no route is attached: `gate` decides about requests. */
  readonly rules: Rules | null;
  readonly probePaths: ReadonlySet<string>;
  readonly grpcProbe: boolean;
  /** Some request to this port may be a probe: only then is it worth asking which. */
  readonly hasProbes: boolean;
  /** `null` = no limit. Its counts outlive a change of the policy that leaves the limit as it is. */
  readonly limiter: RateLimiter | null;
  /** Routes of a ServiceProfile, for `route_*` metrics and response classes; the empty table where no profile applies. */
  readonly routes: RouteTable<RouteEntry>;
  readonly decisions: { readonly probe: PolicyDecision };
}
