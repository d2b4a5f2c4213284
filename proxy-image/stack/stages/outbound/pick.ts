import type { EndpointState } from '../../../core/balance/endpoint.ts';
import { protocolOfNextHop } from '../../../core/state/protocol.ts';
import type { Host } from '../../../io/pool/host.ts';
import { Stage } from '../../call/stage.ts';
import type { EndpointHosts, EndpointLink } from '../../endpoints/endpoint-hosts.ts';
import type { Placement } from '../../endpoints/placement.ts';
import type { Attempted, Attempts } from './attempts.ts';

interface Picked extends Attempted {
  readonly placement: Placement;
  readonly hash: number;
  readonly tried: EndpointState[];
  endpoint: EndpointState | null;
  link: EndpointLink | null;
  host: Host | null;
}

/** The endpoint that gets the attempt, and the version of HTTP that it is spoken to in. */
export class Pick<C extends Picked> extends Stage<C> {
  toAddress!: { directAgain(call: C): void };
  readonly #hosts: EndpointHosts;
  readonly #attempts: Attempts<C>;

  constructor(hosts: EndpointHosts, attempts: Attempts<C>) {
    super();
    this.#hosts = hosts;
    this.#attempts = attempts;
  }

  run(call: C): void {
    this.#attempts.start(call);
    const link = this.#linkOf(call, call.endpoint!);
    call.link = link;
    call.host = link.host;
    this.next.run(call);
  }

  /** The endpoint has not processed the request: another one gets it, whatever it is, each at most once. False: there is no other. */
  elsewhere(call: C): boolean {
    const { balance, endpoint } = call;
    if (endpoint === null || balance === null) return false;
    call.tried.push(endpoint);
    const other = call.placement.pick(balance, call.tried, call.hash);
    if (other === null) return false;
    call.endpoint = other;
    this.run(call);
    return true;
  }

  /** To the same place, on another connection. */
  again(call: C): void {
    if (call.endpoint === null) this.toAddress.directAgain(call);
    else this.run(call);
  }

  /** Makes sure of a connection to it in the background. */
  reconnects(call: C, endpoint: EndpointState): boolean {
    this.#linkOf(call, endpoint).connect();
    return true;
  }

  #linkOf(call: C, endpoint: EndpointState): EndpointLink {
    const { entry, balance, exchange } = call;
    const { protocol } = endpoint.facts;
    // What the endpoint's own Server declares comes before what the Service does.
    const declared = protocol === 'detect' && entry !== null ? entry.protocol : protocol;
    const spoken = protocolOfNextHop(exchange, declared, exchange.server!.protocol);
    return this.#hosts.of(endpoint, balance === null ? null : balance.pool, spoken);
  }
}
