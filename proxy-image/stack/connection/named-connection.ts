import { keepHead } from '../../codec/bridge/kept-head.ts';
import { schemeOf } from '../../codec/bridge/scheme.ts';
import { formatAddress } from '../../contract/keys.ts';
import { HTTP_PORT, HTTPS_PORT, nameOf } from '../../core/resolve/name.ts';
import type { Destination } from '../../core/state/entries.ts';
import type { Exchange } from '../../http/exchange.ts';
import type { RequestView } from '../../http/message.ts';
import type { DialContext } from '../../io/pool/dial.ts';
import type { TransportLabels } from '../../io/telemetry/recorder.ts';
import type { Acceptor, Address, Connection, ConnectionHandler } from '../../io/transport/types.ts';
import type { OutboundClient } from '../call/outbound-call.ts';
import type { StackContext } from '../shared/context.ts';
import type { Listener } from '../shared/listeners.ts';
import { outboundLabels } from '../shared/transport-labels.ts';
import { AwaitedDestination } from './awaited-destination.ts';
import { ClientConnection, type ConnectionPlan, type Requests } from './client-connection.ts';
import { NamedClient, NOWHERE } from './named-client.ts';

type NamedListener = Extract<Listener, { kind: 'named' }>;

/**
 * Connections that are made to the listener itself: what they carry are requests, each of which names what it is for.
 *
 *   accept → protocol → for each request: name → destination → its answer, bounded → `stack/outbound.ts`
 *
 * No proxy of a pod has such a listener: nothing that it loads imports this file.
 */
export class NamedAcceptor implements Acceptor {
  readonly #context: StackContext;
  readonly #listener: NamedListener;
  readonly #calls: Requests<OutboundClient>;

  constructor(context: StackContext, listener: NamedListener, calls: Requests<OutboundClient>) {
    this.#context = context;
    this.#listener = listener;
    this.#calls = calls;
  }

  accept(connection: Connection): ConnectionHandler {
    const { live, refusals } = this.#context;
    const { ip, port } = connection.local;
    if (live.admits('outbound')) {
      new NamedConnection(this.#context, this.#listener, this.#calls, connection).start();
    } else {
      refusals.outbound('connection_limit', formatAddress(ip, port));
      connection.reset();
    }
    return connection.handler;
  }
}

class NamedConnection implements ConnectionPlan {
  readonly tellsErrors = true;
  readonly side = 'outbound';
  /** All of them are the pod's own application. */
  readonly from = '';
  readonly client = '';
  readonly dial: DialContext;
  readonly declared: NamedListener['protocol'];
  readonly #context: StackContext;
  readonly #listener: NamedListener;
  readonly #calls: Requests<OutboundClient>;
  readonly #local: Address;
  readonly #source: Address;
  readonly #life: ClientConnection;
  /** Of the last request: most connections ask for one thing only. */
  #client: NamedClient | null = null;

  constructor(context: StackContext, listener: NamedListener, calls: Requests<OutboundClient>, connection: Connection) {
    this.#context = context;
    this.#listener = listener;
    this.#calls = calls;
    this.#local = connection.local;
    this.#source = connection.remote;
    this.declared = listener.protocol;
    this.dial = context.outboundDial;
    this.#life = new ClientConnection(context, connection, this);
  }

  start(): void {
    this.#life.start();
    this.#life.goOn('detect', NO_BYTES);
  }

  /** Each request is judged by what is known of its destination at that time, for which it waits where nothing is yet. */
  begin(exchange: Exchange, head: RequestView): void {
    const client = this.#clientFor(this.#destinationOf(head));
    if (client.destination.entry !== null) this.#calls.begin(exchange, head, client);
    else new AwaitedDestination(this.#context, this.#calls, client, exchange, keepHead(exchange.head, head)).start();
  }

  #destinationOf(head: RequestView): Destination {
    const name = nameOf(head.host, schemeOf(head) === 'https' ? HTTPS_PORT : HTTP_PORT);
    const destination = name === null ? null : this.#listener.resolver.resolve(name, this.#context.options.state);
    return destination === null || this.#isOwn(destination) ? NOWHERE : destination;
  }

  /** The listener itself: following it would never end. */
  #isOwn({ ip, port }: Destination): boolean {
    return port === this.#local.port && ip === this.#local.ip;
  }

  #clientFor(destination: Destination): NamedClient {
    if (this.#client?.destination !== destination)
      this.#client = new NamedClient(this.#context.options, destination, this.#source);
    return this.#client;
  }

  /** Bytes name nothing. */
  streamTargets(): null {
    this.#context.refusals.outbound('forbidden', this.subject, 'what is no request names nothing');
    return null;
  }

  detected(): void {}
  released(): void {}

  get subject(): string {
    return formatAddress(this.#local.ip, this.#local.port);
  }

  get labels(): TransportLabels {
    return outboundLabels(this.subject);
  }
}

const NO_BYTES = Buffer.alloc(0);
