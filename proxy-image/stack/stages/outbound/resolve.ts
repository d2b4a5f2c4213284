import { formatAddress } from '../../../contract/keys.ts';
import type { EndpointState } from '../../../core/balance/endpoint.ts';
import type { Destination, ServiceEntry } from '../../../core/state/entries.ts';
import { protocolOfNextHop } from '../../../core/state/protocol.ts';
import type { Exchange } from '../../../http/exchange.ts';
import { NO_EXTRA_FIELDS, type RequestView } from '../../../http/message.ts';
import type { Host } from '../../../io/pool/host.ts';
import type { OutboundError } from '../../../io/telemetry/recorder.ts';
import type { CallObserver } from '../../call/observer.ts';
import type { ForbiddenCall, OutboundClient } from '../../call/outbound-call.ts';
import { Stage } from '../../call/stage.ts';
import type { StackContext } from '../../shared/context.ts';

interface Resolved extends ForbiddenCall {
  readonly exchange: Exchange;
  readonly head: RequestView;
  readonly client: OutboundClient;
  readonly destination: Destination;
  entry: ServiceEntry | null;
  endpoint: EndpointState | null;
  host: Host | null;
}

/** What is there, by what is known at this time: a service, whose calls go on through the list; or one endpoint and no other, or nothing that is known. */
export class Resolve<C extends Resolved> extends Stage<C> {
  /** For calls to one endpoint, and for those to an address. */
  toEndpoint!: Stage<C>;
  toAddress!: { direct(call: C): void };
  readonly #context: StackContext;
  readonly #observer: CallObserver<C, OutboundError>;

  constructor(context: StackContext, observer: CallObserver<C, OutboundError>) {
    super();
    this.#context = context;
    this.#observer = observer;
  }

  run(call: C): void {
    const { entry } = call.destination;
    if (entry?.kind === 'service') {
      call.entry = entry;
      this.next.run(call);
    } else if (entry?.kind === 'pod' || entry?.kind === 'unknown') this.#toEndpoint(call, entry.endpoint);
    else if (entry?.kind === 'forbidden') call.client.forbid(call, entry.reason);
    else this.#toAddress(call);
  }

  /** A pod, or an address outside the cluster. */
  #toEndpoint(call: C, endpoint: EndpointState): void {
    const { address, port } = endpoint.facts;
    this.#prepareFor(call, address, port);
    call.endpoint = endpoint;
    this.toEndpoint.run(call);
  }

  /** Nobody could say in time what it is, or does any more: an answer that was taken back says no more than one that has not come. */
  #toAddress(call: C): void {
    const { exchange, client } = call;
    const { options, outboundPool } = this.#context;
    if (options.state.settings.requireIdentity) {
      options.recorder.unseenRefused();
      client.forbid(call, 'the destination is not known');
      return;
    }
    const address = client.original;
    this.#prepareFor(call, address.ip, address.port);
    const session = protocolOfNextHop(exchange, 'detect', exchange.server!.protocol);
    call.host = outboundPool.host({ address, identity: null, port: address.port, session });
    this.toAddress.direct(call);
  }

  #prepareFor(call: C, ip: string, port: number): void {
    const { exchange } = call;
    exchange.retain = true;
    exchange.prepare(NO_EXTRA_FIELDS, exchange.lacksHost ? formatAddress(ip, port) : '');
    this.#observer.requestHead(call, call.head);
  }
}
