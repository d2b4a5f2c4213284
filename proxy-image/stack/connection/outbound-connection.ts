import { formatAddress } from '../../contract/keys.ts';
import type { OutboundProtocol } from '../../contract/policy/protocol.ts';
import type {
  Destination,
  DestinationEntry,
  DestinationWatcher,
  ForbiddenEntry,
  ServiceEntry,
} from '../../core/state/entries.ts';
import { protocolAtFirst, protocolOf } from '../../core/state/protocol.ts';
import type { Exchange } from '../../http/exchange.ts';
import { ExtraFields, NO_EXTRA_FIELDS, type RequestView } from '../../http/message.ts';
import type { DialContext } from '../../io/pool/dial.ts';
import type { ConnectionRecorder, Detection, StreamError } from '../../io/telemetry/connection-recorder.ts';
import type { TransportLabels } from '../../io/telemetry/recorder.ts';
import type { Acceptor, Address, Connection, ConnectionHandler, Timer, TimerOwner } from '../../io/transport/types.ts';
import type { ForbiddenCall, OutboundClient } from '../call/outbound-call.ts';
import * as Phase from '../call/outbound-phase.ts';
import type { StackContext } from '../shared/context.ts';
import type { Listener } from '../shared/listeners.ts';
import { outboundLabels } from '../shared/transport-labels.ts';
import { ClientConnection, type ConnectionPlan, type Requests } from './client-connection.ts';
import type { StreamTargets } from './stream.ts';
import { passThroughTargets, streamTargets } from './targets.ts';

type TransparentListener = Extract<Listener, { kind: 'transparent' }>;

/**
 * The life of an outbound connection, top to bottom:
 *
 *   accept → original destination → look-up, bounded → protocol → HTTP requests (`stack/outbound.ts`), or a stream (`stream.ts`)
 */
export class OutboundAcceptor implements Acceptor {
  readonly #context: StackContext;
  readonly #listener: TransparentListener;
  readonly #calls: Requests<OutboundClient>;

  constructor(context: StackContext, listener: TransparentListener, calls: Requests<OutboundClient>) {
    this.#context = context;
    this.#listener = listener;
    this.#calls = calls;
  }

  accept(connection: Connection): ConnectionHandler {
    const original = this.#listener.identifier.of(connection);
    if (original === null || isOwn(connection, original)) this.#refuse(connection, 'not_redirected', '');
    else if (!this.#context.live.admits('outbound')) {
      this.#refuse(connection, 'connection_limit', formatAddress(original.ip, original.port));
    } else new OutboundConnection(this.#context, this.#calls, this.#listener, connection, original).start();
    return connection.handler;
  }

  #refuse(connection: Connection, why: 'not_redirected' | 'connection_limit', destination: string): void {
    this.#context.refusals.outbound(why, destination);
    connection.reset();
  }
}

function isKnown(entry: DestinationEntry | null): entry is Exclude<DestinationEntry, ForbiddenEntry> {
  return entry !== null && entry.kind !== 'forbidden';
}

/** Made to the listener itself: nothing was redirected, and following it would never end. */
function isOwn({ local }: Connection, original: Address): boolean {
  return original.port === local.port && original.ip === local.ip;
}

/** Where a connection of the application goes. */
class OutboundConnection implements ConnectionPlan, DestinationWatcher, OutboundClient, TimerOwner {
  readonly tellsErrors = true;
  readonly side = 'outbound';
  /** All of them are the pod's own application. */
  readonly from = '';
  readonly client = '';
  readonly dial: DialContext;
  readonly #context: StackContext;
  readonly #calls: Requests<OutboundClient>;
  readonly #listener: TransparentListener;
  readonly #connection: Connection;
  readonly #life: ClientConnection;
  readonly original: Address;
  readonly #destination: Destination;
  readonly #timer: Timer;
  #waiting = false;
  /** It is carried as bytes. */
  #streams = false;
  /** `l5d-dst-canonical`, made once per answer of the control plane. */
  #extra: ExtraFields = NO_EXTRA_FIELDS;
  #sourceIp: string | null = null;
  #extraOf: DestinationEntry | null = null;

  constructor(
    context: StackContext,
    calls: Requests<OutboundClient>,
    listener: TransparentListener,
    connection: Connection,
    original: Address,
  ) {
    this.#listener = listener;
    this.#context = context;
    this.#calls = calls;
    this.#connection = connection;
    this.original = original;
    this.dial = context.outboundDial;
    this.#timer = context.options.transport.timers.create(this, 'peer');
    this.#destination = listener.resolver.resolve(original, context.options.state);
    this.#life = new ClientConnection(context, connection, this);
  }

  /** 1. What is the address that the application wanted? */
  start(): void {
    const { limits, options } = this.#context;
    this.#life.start();
    options.state.watch(this.#destination, this);
    const { entry } = this.#destination;
    if (entry !== null) {
      this.#answered(entry);
      return;
    }
    this.#waiting = true;
    this.#connection.pause();
    options.transport.timers.set(this.#timer, limits.lookupTimeoutMs);
  }

  /** The control plane has answered, for the first time or with another kind of thing. */
  destinationChanged(destination: Destination): void {
    if (!this.#waiting) {
      // Made under an answer that does not hold any more: ends at the next message boundary. A stream has none.
      this.#life.drain();
      this.#life.closeIdle();
      return;
    }
    if (destination.entry === null) return;
    this.#stopWaiting();
    this.#answered(destination.entry);
  }

  /** A client that waits for a server which speaks first need not be listened to any longer. */
  protocolChanged(): void {
    if (this.declared === 'opaque') this.#life.stopDetecting();
  }

  #stopWaiting(): void {
    this.#waiting = false;
    this.#context.options.transport.timers.clear(this.#timer);
    this.#connection.resume();
  }

  /** Nobody could say in time: the network's own answer serves, unless the mesh forbids it. */
  onTimer(): void {
    const { options } = this.#context;
    this.#stopWaiting();
    const fields = { destination: this.subject };
    if (options.state.settings.requireIdentity) {
      options.recorder.unseenRefused();
      options.log.warn('destination not known in time: connection refused', fields);
      this.#life.refuse();
      return;
    }
    options.recorder.unseenPassedThrough();
    options.log.warn('destination not known in time: passed through without TLS', fields);
    this.#life.goOn('opaque', NO_BYTES);
  }

  /** 2. What is there, and what does it speak? */
  #answered(entry: DestinationEntry): void {
    if (entry.kind === 'forbidden') {
      this.#refuse(entry.reason);
      return;
    }
    this.#connections.destined(this.#destination, this.declared);
    this.#life.goOn(protocolAtFirst(this.declared, null), NO_BYTES);
  }

  /** All of the connection is for what is forbidden: it ends, as one that was refused before it said anything. */
  forbid(call: ForbiddenCall, why: string): void {
    call.phase = Phase.REFUSED;
    this.#refuse(why);
  }

  #refuse(why: string): void {
    this.#context.refusals.outbound('forbidden', this.subject, why);
    this.#life.refuse();
  }

  get declared(): OutboundProtocol {
    const { protocol } = this.#listener;
    if (protocol !== 'detect') return protocol;
    const { entry } = this.#destination;
    return isKnown(entry) ? protocolOf(entry) : 'detect';
  }

  get #connections(): ConnectionRecorder {
    return this.#context.options.recorder.connections();
  }

  detected(result: Detection, tookMs: number): void {
    this.#connections.outboundDetected(this.#destination, result, tookMs);
  }

  /** 3a. Each request is judged by what is known at that time. */
  begin(exchange: Exchange, head: RequestView): void {
    this.#calls.begin(exchange, head, this);
  }

  destinationOf(): Destination {
    return this.#destination;
  }

  /** Of the application's address; a runtime may have to make the text anew each time. */
  get sourceIp(): string {
    this.#sourceIp ??= this.#connection.remote.ip;
    return this.#sourceIp;
  }

  get sourcePort(): number {
    return this.#connection.remote.port;
  }

  extraFor(entry: ServiceEntry): ExtraFields {
    if (this.#extraOf !== entry) {
      this.#extraOf = entry;
      this.#extra = new ExtraFields([['l5d-dst-canonical', entry.authority]]);
    }
    return this.#extra;
  }

  /** 3b. Bytes. */
  streamTargets(): StreamTargets {
    this.#streams = true;
    this.#connections.streamOpened(this.#destination);
    const { entry } = this.#destination;
    return isKnown(entry) ? streamTargets(entry, this, this.#context.options) : passThroughTargets(this.original);
  }

  released(error: StreamError): void {
    const { options } = this.#context;
    if (this.#streams) this.#connections.streamClosed(this.#destination, error);
    options.transport.timers.clear(this.#timer);
    options.state.unwatch(this.#destination, this);
  }

  get subject(): string {
    return formatAddress(this.original.ip, this.original.port);
  }

  get labels(): TransportLabels {
    return outboundLabels(this.subject);
  }
}

const NO_BYTES = Buffer.alloc(0);
