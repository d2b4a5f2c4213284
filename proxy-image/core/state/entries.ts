import type { FailDispatch } from '../../contract/policy/backend.ts';
import type { HashKey } from '../../contract/policy/balancer.ts';
import type { LoadPenalty } from '../../contract/policy/breaker.ts';
import type { Filter } from '../../contract/policy/filter.ts';
import type { Meta } from '../../contract/policy/meta.ts';
import type { InboundProtocol, OutboundProtocol } from '../../contract/policy/protocol.ts';
import type { QueueLimits } from '../../contract/policy/queue.ts';
import type { RetryPolicy } from '../../contract/policy/retry.ts';
import type { RouteTimeouts } from '../../contract/policy/timeouts.ts';
import type { ForbiddenDestination } from '../../contract/resources.ts';
import type { EndpointState } from '../balance/endpoint.ts';
import type { PickRules } from '../balance/pick.ts';
import type { EndpointPool } from '../balance/pool.ts';
import type { PortPolicyEntry } from '../policy/policy.ts';
import type { TpsBudget } from '../retry/budget.ts';
import type { RouteEntry, RouteTable } from '../route/table.ts';
import type { RouteSeries, SeriesHolder } from '../series.ts';
import type { Split } from '../split/split.ts';

/** Endpoints of which each request gets one. `pool` is shared by every entry that names the same endpoints. */
export interface BalanceEntry extends PickRules {
  readonly type: 'balance';
  readonly pool: EndpointPool;
  readonly penalty: LoadPenalty | null;
  readonly queue: QueueLimits;
}

/** One address outside of the mesh. */
export interface AddressEntry {
  readonly type: 'address';
  readonly endpoint: EndpointState;
}

export type DispatchEntry = BalanceEntry | AddressEntry | FailDispatch;

export interface BackendEntry extends SeriesHolder {
  readonly meta: Meta;
  readonly authority: string;
  readonly dispatch: DispatchEntry;
}

export interface ShareEntry {
  /** In its distribution. */
  readonly index: number;
  readonly backend: BackendEntry;
  readonly weight: number;
  readonly filters: readonly Filter[];
}

export interface DistributionEntry {
  /** The one that gets everything, so that nothing need be drawn: the common case of a Service without a split. */
  readonly only: ShareEntry | null;
  readonly shares: readonly ShareEntry[];
  readonly split: Split;
  /** One of the shares has filters. */
  readonly isFiltered: boolean;
  /**
   * What requests are told apart by, where one of the backends balances by it: the key is taken once per request, before a share is drawn. There is one, for all
   * backends are balanced as the Service says that is called (`crds/compile/outbound/backends.ts`).
   */
  readonly hashKey: HashKey | null;
}

/** What is done with the requests of all rules that are treated alike. */
export interface PolicyEntry {
  readonly origin: Meta;
  readonly filters: readonly Filter[];
  readonly distribution: DistributionEntry;
  readonly retry: RetryPolicy | null;
  readonly timeouts: RouteTimeouts;
  /** `null` where requests are counted by the route of a profile, or by none. */
  readonly series: RouteSeries | null;
}

/** One rule, or the fallback. */
export interface OutboundRouteEntry extends RouteEntry {
  readonly policy: PolicyEntry;
}

interface Keyed {
  readonly key: string;
  readonly version: string;
}

/** Everything here is immutable but what the recorder remembers, and `budget`, which outlives the entry while its parameters stay the same. */
export interface ServiceEntry extends Keyed, SeriesHolder {
  readonly kind: 'service';
  readonly namespace: string;
  readonly service: string;
  readonly port: number;
  readonly authority: string;
  readonly protocol: OutboundProtocol;
  readonly routes: RouteTable<OutboundRouteEntry>;
  readonly backends: readonly BackendEntry[];
  /** For connections whose bytes are not HTTP. */
  readonly streams: DistributionEntry;
  readonly budget: TpsBudget;
}

export interface PodEntry extends Keyed {
  readonly kind: 'pod';
  readonly namespace: string;
  readonly pod: string;
  readonly protocol: OutboundProtocol;
  readonly endpoint: EndpointState;
}

/** An address outside the cluster. */
export interface UnknownEntry extends Keyed {
  readonly kind: 'unknown';
  readonly protocol: OutboundProtocol;
  readonly endpoint: EndpointState;
}

export interface ForbiddenEntry extends Keyed {
  readonly kind: 'forbidden';
  readonly reason: ForbiddenDestination['reason'];
}

export type DestinationEntry = ServiceEntry | PodEntry | UnknownEntry | ForbiddenEntry;

/** Called synchronously after a whole batch has taken effect. Implemented by connections: an object, not a closure per connection. */
export interface DestinationWatcher {
  /**
   * The first answer arrived (`previous` null), or the kind of answer or the protocol changed: connections made under `previous` end at
   * the next message boundary. Other changes are not announced: read `destination.entry` per request.
   */
  destinationChanged(destination: Destination, previous: DestinationEntry | null): void;
  /** The endpoints agree on a protocol that they did not have before (`protocol.ts`). It ends nothing that is under way. */
  protocolChanged(destination: Destination): void;
}

/** The place of one original destination: stable while anyone watches it; `entry` is replaced by updates. */
export interface Destination {
  /** `service/<ip>:<port>` */
  readonly key: string;
  readonly ip: string;
  readonly port: number;
  /** `null` = not answered yet ("unseen"). */
  readonly entry: DestinationEntry | null;
}

export interface InboundPortWatcher {
  /** `port.policy` is another one: open TCP streams are judged again. */
  policyChanged(port: InboundPort): void;
}

/** The place of one inbound port of the pod. */
export interface InboundPort {
  readonly port: number;
  readonly policy: PortPolicyEntry;
}

export interface TrustEntry {
  readonly version: string;
  readonly anchorsPem: string;
}

export interface TrustWatcher {
  trustChanged(trust: TrustEntry): void;
}

export type { InboundProtocol };
