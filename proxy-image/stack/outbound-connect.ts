import type { EndpointState } from '../core/balance/endpoint.ts';
import type { NoEndpointReason } from '../core/balance/pick.ts';
import { protocolOfNextHop } from '../core/state/protocol.ts';
import type { Exchange, ExchangeUpstream } from '../http/exchange.ts';
import type { DialError } from '../io/pool/dial.ts';
import type { Host, Waiter } from '../io/pool/host.ts';
import type { EndpointHosts, EndpointLink } from './endpoints/endpoint-hosts.ts';
import { Placement, type PlacementOwner } from './endpoints/placement.ts';
import type { OutboundTry, TryPlace } from './outbound-try.ts';
import type { StackContext } from './shared/context.ts';
import { unreachedAs } from './shared/unreached.ts';

/** Whose request it is. */
export interface ConnectOwner extends TryPlace {
  readonly exchange: Exchange;
  readonly context: StackContext;
  readonly hosts: EndpointHosts;
  /** The request may be sent. */
  connected(upstream: ExchangeUpstream): void;
  notPlaced(decision: 'failfast' | 'shed', reason: NoEndpointReason): void;
  /** So many requests wait at the only target that no more should. */
  overloaded(): void;
  /** The pod or address that it is for, and nothing else, could not be connected to. */
  unreachable(error: DialError): void;
}

/**
 * How a request comes to a connection: endpoint → host → connection or stream. What fails or takes long on this way costs no try: nothing has been sent, and
 * the request looks for another endpoint of its backend or waits for any, outside the retry budget. Reused.
 */
export class OutboundConnect implements Waiter, PlacementOwner {
  /** Of the present try; `null` = none, or an address that no resource names. */
  endpoint: EndpointState | null = null;
  readonly #owner: ConnectOwner;
  readonly #try: OutboundTry;
  readonly #placement: Placement;
  /** Endpoints that have refused to process the request. */
  readonly #tried: EndpointState[] = [];
  #hash = 0;
  #link: EndpointLink | null = null;
  #host: Host | null = null;
  /** In a host's queue. */
  #waiting = false;

  constructor(owner: ConnectOwner, present: OutboundTry) {
    this.#owner = owner;
    this.#try = present;
    this.#placement = new Placement(owner.context.options, this);
  }

  /** `hash`: of the request's key, for consistent hashing. */
  reset(hash: number): void {
    this.#hash = hash;
    this.#forget();
    this.clearTried();
  }

  clearTried(): void {
    if (this.#tried.length > 0) this.#tried.length = 0;
  }

  #forget(): void {
    this.endpoint = null;
    this.#link = null;
  }

  /** To an endpoint of the owner's backend, as soon as one can be had. */
  toBackend(): void {
    this.#forget();
    this.#placement.find(this.#owner.entry!, this.#owner.backend!.pool, this.#hash);
  }

  toHost(host: Host): void {
    this.#host = host;
    if (host.overloaded) {
      this.#owner.overloaded();
      return;
    }
    const upstream = host.lease(this);
    if (upstream === null) this.#waiting = true;
    else this.#connected(upstream);
  }

  /** On another connection to the same place. */
  again(): void {
    if (this.endpoint !== null) this.placed(this.endpoint);
    else this.toHost(this.#owner.context.outboundPool.host(this.#host!.target));
  }

  /** The endpoint has not processed the request: another one gets it, whatever it is, each at most once. False: there is no other. */
  elsewhere(): boolean {
    const { entry, backend } = this.#owner;
    if (this.endpoint === null || entry === null || backend === null) return false;
    this.#tried.push(this.endpoint);
    const other = this.#placement.pick(entry, backend.pool, this.#tried, this.#hash);
    if (other === null) return false;
    this.placed(other);
    return true;
  }

  /** The proxy of the endpoint says that it could not connect to the application. */
  applicationUnreached(): void {
    this.#link?.failed({ failure: 'refused', detail: 'the application behind the proxy' }, true);
  }

  placed(endpoint: EndpointState): void {
    this.endpoint = endpoint;
    this.#try.start(this.#owner, endpoint);
    const link = this.#linkOf(endpoint);
    this.#link = link;
    this.toHost(link.host);
  }

  notPlaced(decision: 'failfast' | 'shed', reason: NoEndpointReason): void {
    this.#owner.notPlaced(decision, reason);
  }

  reconnects(endpoint: EndpointState): boolean {
    this.#linkOf(endpoint).connect();
    return true;
  }

  #linkOf(endpoint: EndpointState): EndpointLink {
    const { entry, backend, exchange, hosts } = this.#owner;
    const { protocol } = endpoint.facts;
    // What the endpoint's own Server declares comes before what the Service does.
    const declared = protocol === 'detect' && entry !== null ? entry.protocol : protocol;
    return hosts.of(
      endpoint,
      backend === null ? null : backend.pool,
      protocolOfNextHop(exchange, declared, exchange.server!.protocol),
    );
  }

  get tunnels(): boolean {
    return this.#owner.exchange.tunnels;
  }

  /** For a pod or an address there is no other place. */
  get patient(): boolean {
    return this.#owner.backend === null;
  }

  leased(upstream: ExchangeUpstream): void {
    this.#waiting = false;
    this.#connected(upstream);
  }

  #connected(upstream: ExchangeUpstream): void {
    this.#link?.connected();
    this.#try.sent();
    this.#owner.connected(upstream);
  }

  /** The endpoint is being connected to for long: where another can be had it is better, else the first of all that can. */
  leaseDelayed(): void {
    this.#waiting = false;
    this.#link!.connect();
    this.#try.unplaced();
    this.toBackend();
  }

  leaseFailed(error: DialError): void {
    this.#waiting = false;
    if (this.#link === null) this.#owner.context.options.recorder.outboundError('http', unreachedAs(error));
    else this.#link.failed(error);
    this.#try.unplaced();
    if (this.#owner.backend === null) this.#owner.unreachable(error);
    else this.toBackend();
  }

  /** Wants no connection any more. */
  cancel(): void {
    if (this.#waiting) this.#host!.cancel(this);
    this.#waiting = false;
    this.#placement.cancel();
  }
}
