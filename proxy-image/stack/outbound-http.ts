import type { EndpointState } from '../core/balance/endpoint.ts';
import type { ServiceEntry } from '../core/state/entries.ts';
import type { Exchange } from '../http/exchange.ts';
import type { ExtraFields, RequestView } from '../http/message.ts';
import type { Address } from '../io/transport/types.ts';
import { EndpointHosts } from './endpoints/endpoint-hosts.ts';
import { type CallSource, OutboundCall } from './outbound-call.ts';
import type { StackContext } from './shared/context.ts';

const MAX_IDLE_CALLS = 256;

/** Makes the calls of all outbound requests. */
export class OutboundCalls {
  readonly context: StackContext;
  readonly hosts: EndpointHosts;
  readonly #idle: OutboundCall[] = [];

  constructor(context: StackContext) {
    this.context = context;
    this.hosts = new EndpointHosts(context.options, context.outboundPool);
  }

  toService(exchange: Exchange, head: RequestView, entry: ServiceEntry, extra: ExtraFields, source: CallSource): void {
    this.#take(exchange).startService(head, entry, extra, source);
  }

  /** One endpoint and no other: a pod, or an address outside the cluster. */
  toEndpoint(exchange: Exchange, endpoint: EndpointState): void {
    this.#take(exchange).startEndpoint(endpoint);
  }

  /** The destination has become something else while the connection was open. */
  toAddress(exchange: Exchange, address: Address): void {
    this.#take(exchange).startAddress(address);
  }

  #take(exchange: Exchange): OutboundCall {
    const call = this.#idle.pop() ?? new OutboundCall(this);
    call.exchange = exchange;
    exchange.call = call;
    return call;
  }

  give(call: OutboundCall): void {
    if (this.#idle.length < MAX_IDLE_CALLS) this.#idle.push(call);
  }
}
