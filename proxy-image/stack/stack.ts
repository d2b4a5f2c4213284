import { FixedDestination } from '../io/transport/local-network.ts';
import type { Acceptor, Address, Listener, OriginalDestination } from '../io/transport/types.ts';
import { AdminAcceptor } from './admin.ts';
import { createContext, type StackContext } from './context.ts';
import { InboundMeshAcceptor, InboundPlainAcceptor } from './inbound-accept.ts';
import { InboundCalls } from './inbound-http.ts';
import type { StackOptions } from './options.ts';
import { OutboundAcceptor } from './outbound.ts';
import { OutboundCalls } from './outbound-http.ts';

/** The data plane of one proxy. */
export interface Stack {
  /** Opens the admin port: it answers before anything else is there. */
  startAdmin(): Promise<Address[]>;
  /** Opens inbound and outbound listeners; to be called once there is a certificate. */
  startTraffic(): Promise<TrafficAddresses>;
  /** Resolves when nothing is in flight. Listeners stay open, also afterwards: others may not have heard yet. May be called again. */
  drain(): Promise<void>;
  /** Client connections of both sides since the start. */
  readonly arrivals: number;
  /** Brings the byte counts of open connections up to date: to be called before metrics are written. */
  report(): void;
  /** Closes everything at once. */
  stop(): void;
}

/** Where the listeners are, in the order of the options (ports chosen where 0 was asked for). */
export interface TrafficAddresses {
  outbound: Address[];
  inbound: Address[];
  inboundPlain: Address[];
}

export function createStack(options: StackOptions): Stack {
  return new ProxyStack(options);
}

class ProxyStack implements Stack {
  readonly #context: StackContext;
  readonly #outboundCalls: OutboundCalls;
  readonly #inboundCalls: InboundCalls;
  readonly #listeners: Listener[] = [];

  constructor(options: StackOptions) {
    this.#context = createContext(options);
    this.#outboundCalls = new OutboundCalls(this.#context);
    this.#inboundCalls = new InboundCalls(this.#context);
  }

  startAdmin(): Promise<Address[]> {
    const { listen, admin } = this.#context.options;
    return this.#listenAsOwn(listen.admin, new AdminAcceptor(this.#context, admin));
  }

  async startTraffic(): Promise<TrafficAddresses> {
    const { listen, localNetwork, originalDestination } = this.#context.options;
    const inbound = await this.#listenAsOwn(listen.inbound, new InboundMeshAcceptor(this.#context, this.#inboundCalls));
    const plain = new InboundPlainAcceptor(this.#context, originalDestination, this.#inboundCalls);
    const inboundPlain = await this.#listenAsOwn(listen.inboundPlain, plain);
    if (localNetwork === null) {
      const outbound = await this.#listenAsOwn(listen.outbound, this.#outbound(originalDestination));
      return { outbound, inbound, inboundPlain };
    }
    const outbound: Address[] = [];
    for (const { listen: address, destination } of localNetwork.outbound) {
      outbound.push(...(await this.#listen([address], this.#outbound(new FixedDestination(destination)))));
    }
    return { outbound, inbound, inboundPlain };
  }

  #outbound(destination: OriginalDestination): Acceptor {
    return new OutboundAcceptor(this.#context, destination, this.#outboundCalls);
  }

  /** Embedded mode's outbound listeners are at addresses of their own, whose ports the application may have too; all others are the proxy's. */
  async #listenAsOwn(addresses: Address[], acceptor: Acceptor): Promise<Address[]> {
    const bound = await this.#listen(addresses, acceptor);
    for (const { port } of bound) this.#context.ownPorts.add(port);
    return bound;
  }

  async #listen(addresses: Address[], acceptor: Acceptor): Promise<Address[]> {
    const bound: Address[] = [];
    for (const address of addresses) {
      const listener = await this.#context.options.transport.listen(address, acceptor);
      this.#listeners.push(listener);
      bound.push(listener.address);
    }
    return bound;
  }

  drain(): Promise<void> {
    return this.#context.live.drain();
  }

  get arrivals(): number {
    return this.#context.live.arrivals;
  }

  report(): void {
    this.#context.live.report();
  }

  stop(): void {
    for (const listener of this.#listeners) listener.stop();
    this.#context.live.abort();
  }
}
