import { formatAddress } from '../contract/keys.ts';
import type { OutboundProtocol } from '../contract/resources.ts';
import type { Destination, DestinationEntry, DestinationWatcher, ForbiddenEntry } from '../core/state/entries.ts';
import { protocolOf } from '../core/state/protocol.ts';
import type { HttpConnection } from '../http/connection.ts';
import type { Exchange } from '../http/exchange.ts';
import { lastRecipientAnswer } from '../http/max-forwards.ts';
import { ExtraFields, NO_EXTRA_FIELDS, type RequestView } from '../http/message.ts';
import type { HttpService } from '../http/service.ts';
import type { DetectedProtocol } from '../io/detect/detect.ts';
import type {
  Acceptor,
  Address,
  Connection,
  ConnectionError,
  ConnectionHandler,
  OriginalDestination,
  Timer,
  TimerOwner,
} from '../io/transport/types.ts';
import { type HttpProtocol, type StackContext, serveHttp } from './context.ts';
import { FirstBytes, type FirstBytesOwner } from './first-bytes.ts';
import type { Live } from './live.ts';
import type { CallSource } from './outbound-call.ts';
import type { OutboundCalls } from './outbound-http.ts';
import { passThroughTargets, streamTargets, type TargetChoice } from './outbound-targets.ts';
import { Stream } from './stream.ts';

/**
 * The life of an outbound connection, top to bottom:
 *
 *   accept → original destination → look-up, bounded → protocol → HTTP requests (`outbound-http.ts`), or a stream (`stream.ts`)
 */
export class OutboundAcceptor implements Acceptor {
  readonly #context: StackContext;
  readonly #destination: OriginalDestination;
  readonly #calls: OutboundCalls;

  constructor(context: StackContext, destination: OriginalDestination, calls: OutboundCalls) {
    this.#context = context;
    this.#destination = destination;
    this.#calls = calls;
  }

  accept(connection: Connection): ConnectionHandler {
    const { live, refusals } = this.#context;
    const original = this.#destination.of(connection);
    if (original === null || isOwn(connection, original)) {
      refusals.outbound('not_redirected', '');
      connection.reset();
      return connection.handler;
    }
    if (!live.admits('outbound')) {
      refusals.outbound('connection_limit', formatAddress(original.ip, original.port));
      connection.reset();
      return connection.handler;
    }
    new OutboundConnection(this.#context, this.#calls, connection, original).start();
    return connection.handler;
  }
}

function isKnown(entry: DestinationEntry | null): entry is Exclude<DestinationEntry, ForbiddenEntry> {
  return entry !== null && entry.kind !== 'forbidden';
}

function httpOf(protocol: DetectedProtocol | OutboundProtocol | 'timeout'): HttpProtocol | null {
  return protocol === 'http1' || protocol === 'http2' ? protocol : null;
}

/** Made to the listener itself: nothing was redirected, and following it would never end. */
function isOwn({ local }: Connection, original: Address): boolean {
  return original.port === local.port && original.ip === local.ip;
}

/** One connection of the application. */
class OutboundConnection
  implements CallSource, ConnectionHandler, DestinationWatcher, FirstBytesOwner, HttpService, Live, TimerOwner
{
  readonly tellsErrors = true;
  readonly takesConnect = true;
  readonly side = 'outbound';
  /** All of them are the pod's own application. */
  readonly from = '';
  slot = 0;
  arrival = 0;
  readonly #context: StackContext;
  readonly #calls: OutboundCalls;
  readonly #connection: Connection;
  readonly #original: Address;
  readonly #destination: Destination;
  readonly #timer: Timer;
  #waiting = false;
  #draining = false;
  #detecting: FirstBytes | null = null;
  #http: HttpConnection | null = null;
  #stream: Stream | null = null;
  #released = false;
  /** `l5d-dst-canonical`, made once per answer of the control plane. */
  #extra: ExtraFields = NO_EXTRA_FIELDS;
  #sourceIp: string | null = null;
  #extraOf: DestinationEntry | null = null;

  constructor(context: StackContext, calls: OutboundCalls, connection: Connection, original: Address) {
    this.#context = context;
    this.#calls = calls;
    this.#connection = connection;
    this.#original = original;
    this.#timer = context.options.transport.timers.create(this, 'peer');
    this.#destination = context.options.state.destination(original.ip, original.port);
  }

  /** 1. What is the address that the application wanted? */
  start(): void {
    const { live, limits, options } = this.#context;
    this.#connection.handler = this;
    live.add(this);
    live.opened(this.#connection, this.#labels());
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
      this.drain();
      this.closeIdle();
      return;
    }
    if (destination.entry === null) return;
    this.#stopWaiting();
    this.#answered(destination.entry);
  }

  /** A client that waits for a server which speaks first need not be listened to any longer. */
  protocolChanged(): void {
    const { entry } = this.#destination;
    if (isKnown(entry) && protocolOf(entry) === 'opaque') this.#detecting?.giveUp();
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
    const fields = { destination: this.#text };
    if (options.state.settings.requireIdentity) {
      options.recorder.unseenRefused();
      options.log.warn('destination not known in time: connection refused', fields);
      this.#connection.reset();
      return;
    }
    options.recorder.unseenPassedThrough();
    options.log.warn('destination not known in time: passed through without TLS', fields);
    this.#splice(passThroughTargets(this.#original));
  }

  /** 2. What is there, and what does it speak? */
  #answered(entry: DestinationEntry): void {
    if (entry.kind === 'forbidden') this.#forbid(entry.reason);
    else if (protocolOf(entry) === 'opaque') this.#splice(streamTargets(entry, this.#context.options));
    else this.#detect();
  }

  #forbid(why: string): void {
    this.#context.refusals.outbound('forbidden', this.#text, why);
    this.#connection.reset();
  }

  #detect(): void {
    const { gates, options } = this.#context;
    const around = {
      timers: options.transport.timers,
      timeoutMs: options.state.settings.detectTimeoutMs,
      gate: gates.outbound.detections,
    };
    this.#detecting = new FirstBytes(this.#connection, around, this.from, this);
  }

  keptSilent(): void {
    this.#context.refusals.outbound('detection_limit', this.#text);
    this.#connection.reset();
  }

  requestRefused(answer: string, reason: string): void {
    this.#context.refusals.request('outbound', answer, reason, '');
  }

  headShed(): void {
    this.#context.refusals.outbound('head_limit', this.#text);
  }

  get #text(): string {
    return formatAddress(this.#original.ip, this.#original.port);
  }

  /** What is declared to be HTTP is nothing else, but which version the client tells: a gRPC client needs no declaration, and a declared one may not be one. */
  detected(protocol: DetectedProtocol | 'timeout', bytes: Buffer, ended: boolean): void {
    this.#detecting = null;
    const { entry } = this.#destination;
    const known = isKnown(entry);
    const declared = known ? protocolOf(entry) : 'detect';
    const http = httpOf(protocol) ?? httpOf(declared);
    if (http === null) {
      this.#splice(
        known ? streamTargets(entry, this.#context.options) : passThroughTargets(this.#original),
        bytes,
        ended,
      );
      return;
    }
    const serving = this.#serveHttp(http);
    if (bytes.length > 0) serving.onData(this.#connection, bytes);
    if (ended) this.#connection.close();
  }

  /** 3a. Requests: one after the other (HTTP/1), or many at once (HTTP/2). */
  #serveHttp(protocol: HttpProtocol): HttpConnection {
    const http = serveHttp(protocol, this.#connection, this, this.#context.http.outbound);
    this.#http = http;
    if (this.#draining) http.drain();
    return http;
  }

  /** Each request is judged by what is known at that time. */
  begin(exchange: Exchange, head: RequestView): void {
    if (exchange.maxForwards === 0) {
      exchange.answer(lastRecipientAnswer(head.method));
      return;
    }
    const entry = this.#destination.entry;
    if (entry?.kind === 'service') {
      const extra = this.#extraFor(entry, entry.authority);
      this.#calls.toService(exchange, head, entry, extra, this);
    } else if (entry?.kind === 'pod' || entry?.kind === 'unknown') this.#calls.toEndpoint(exchange, entry.endpoint);
    else if (entry?.kind === 'forbidden') this.#forbid(entry.reason);
    else this.#calls.toAddress(exchange, this.#original);
  }

  /** Of the application's address; a runtime may have to make the text anew each time. */
  get sourceIp(): string {
    this.#sourceIp ??= this.#connection.remote.ip;
    return this.#sourceIp;
  }

  #extraFor(entry: DestinationEntry, authority: string): ExtraFields {
    if (this.#extraOf !== entry) {
      this.#extraOf = entry;
      this.#extra = new ExtraFields([['l5d-dst-canonical', authority]]);
    }
    return this.#extra;
  }

  /** 3b. Bytes. */
  #splice(choice: TargetChoice, firstBytes?: Buffer, ended = false): void {
    const { outboundDial, options, live } = this.#context;
    this.#stream = new Stream(this.#connection, outboundDial, choice, { options, live, direction: 'outbound' }, () =>
      this.released(),
    );
    this.#stream.start(firstBytes, ended);
  }

  /** A client that has not said anything yet is expendable too. */
  get expendable(): boolean {
    return this.#http === null ? this.#stream === null : this.#http.expendable;
  }

  makeRoom(): void {
    this.#context.refusals.outbound('made_room', this.#text);
    if (this.#http !== null) this.#http.makeRoom();
    else this.#connection.close();
  }

  drain(): void {
    this.#draining = true;
    this.#http?.drain();
  }

  closeIdle(): void {
    if (this.#http !== null) this.#http.closeIdle();
    else if (this.#stream === null) this.#connection.close();
  }

  abort(): void {
    if (this.#stream !== null) this.#stream.abort();
    else if (this.#http !== null) this.#http.abort();
    else this.#connection.reset();
  }

  /** The connection is gone, in whatever stage it was. */
  released(): void {
    if (this.#released) return;
    this.#released = true;
    const { live, options } = this.#context;
    options.transport.timers.clear(this.#timer);
    options.state.unwatch(this.#destination, this);
    live.remove(this);
    live.closed(this.#connection, null);
  }

  lost(): void {
    this.released();
  }

  /** Handler only while the destination is looked up. */
  onConnect(): void {}
  onSecure(): void {}
  onData(): void {}
  onDrain(): void {}
  onEnd(): void {}

  onClose(_: Connection, _error: ConnectionError | null): void {
    this.released();
  }

  #labels() {
    return {
      direction: 'outbound',
      peer: 'src',
      targetAddr: this.#text,
      tls: 'no_identity',
      noTlsReason: 'loopback',
      identity: '',
      dst: {},
      authority: '',
    } as const;
  }
}
