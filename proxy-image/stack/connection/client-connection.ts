import {
  type declaredHttp,
  type FirstBytesProtocol,
  type HttpProtocol,
  protocolAfterDetection,
} from '../../core/state/protocol.ts';
import type { HttpConnection } from '../../http/connection.ts';
import type { Exchange } from '../../http/exchange.ts';
import type { RequestView } from '../../http/message.ts';
import type { HttpService } from '../../http/service.ts';
import type { DialContext } from '../../io/pool/dial.ts';
import type { Detection, StreamError } from '../../io/telemetry/connection-recorder.ts';
import type { TransportLabels } from '../../io/telemetry/recorder.ts';
import type { Connection, ConnectionHandler } from '../../io/transport/types.ts';
import { type StackContext, serveHttp } from '../shared/context.ts';
import type { Live, Side } from '../shared/live.ts';
import type { ClientRefusal } from '../shared/refusals.ts';
import { FirstBytes, type FirstBytesOwner } from './first-bytes.ts';
import { Stream, type StreamTargets } from './stream.ts';

/** Makes the calls of requests. `C`: what they ask of their client's connection. */
export interface Requests<C> {
  begin(exchange: Exchange, head: RequestView, client: C): void;
}

/** What is particular about a client's connection: where it goes, and whose word counts about that. */
export interface ConnectionPlan {
  readonly side: Side;
  /** On whose account it waits and is counted (`core/overload/peer.ts`); empty = the pod's own application. */
  readonly from: string;
  /** What refusals name: the destination (outbound), the client's address (inbound). */
  readonly subject: string;
  /** Who sent what is no request; empty = the pod's own application. */
  readonly client: string;
  readonly labels: TransportLabels;
  /** Whether the client may read the proxy's reasons. */
  readonly tellsErrors: boolean;
  /** What is declared of where it goes, at this time. */
  readonly declared: Parameters<typeof declaredHttp>[0];
  readonly dial: DialContext;
  /** What came of listening to the client. Once, where it was listened to. */
  detected(result: Detection, tookMs: number): void;
  /** As `HttpService.begin`. */
  begin(exchange: Exchange, head: RequestView): void;
  /** It is carried as bytes: where to. `null` = it may not be, which the plan has reported. */
  streamTargets(): StreamTargets | null;
  /** The connection is gone. Once. `error`: of the stream, where it was carried as bytes. */
  released(error: StreamError): void;
}

/**
 * The life of a client's connection, of either side, once it is known where it goes: told by its first bytes where nothing else tells, then requests or a
 * stream of bytes, until it is gone. It may be told to make room, to drain, to end, whatever it is at.
 */
export class ClientConnection implements ConnectionHandler, FirstBytesOwner, HttpService, Live {
  readonly takesConnect = true;
  slot = 0;
  arrival = 0;
  readonly side: Side;
  readonly connection: Connection;
  readonly #context: StackContext;
  readonly #plan: ConnectionPlan;
  #detecting: FirstBytes | null = null;
  #http: HttpConnection | null = null;
  #stream: Stream | null = null;
  #draining = false;
  #released = false;

  constructor(context: StackContext, connection: Connection, plan: ConnectionPlan) {
    this.#context = context;
    this.connection = connection;
    this.#plan = plan;
    this.side = plan.side;
  }

  /** Takes over the connection's handler: from here on it is counted, and its end noticed. */
  start(): void {
    const { live } = this.#context;
    this.connection.handler = this;
    live.add(this);
    live.opened(this.connection, this.#plan.labels);
  }

  /** What `firstBytes` begin, or what is to come. */
  goOn(protocol: HttpProtocol | 'opaque' | 'detect', firstBytes: Buffer): void {
    if (protocol === 'opaque') this.#splice(firstBytes, false);
    else if (protocol === 'detect') this.#detect(firstBytes);
    else this.#serveHttp(protocol, firstBytes, false);
  }

  #detect(firstBytes: Buffer): void {
    const { gates, options } = this.#context;
    const around = {
      timers: options.transport.timers,
      timeoutMs: options.state.settings.detectTimeoutMs,
      gate: gates[this.side].detections,
    };
    const detecting = new FirstBytes(this.connection, around, this.from, this);
    this.#detecting = detecting;
    if (firstBytes.length > 0) detecting.onData(this.connection, firstBytes);
  }

  /** A client that is waited for need not be listened to any longer. */
  stopDetecting(): void {
    this.#detecting?.giveUp();
  }

  detected(detected: FirstBytesProtocol, bytes: Buffer, ended: boolean): void {
    this.#heard(detected);
    const http = protocolAfterDetection(detected, this.#plan.declared);
    if (http === null) this.#splice(bytes, ended);
    else this.#serveHttp(http, bytes, ended);
  }

  #heard(result: Detection): void {
    const detecting = this.#detecting;
    if (detecting === null) return;
    this.#detecting = null;
    this.#plan.detected(result, detecting.tookMs);
  }

  /** Requests: one after the other (HTTP/1), or many at once (HTTP/2). */
  #serveHttp(protocol: HttpProtocol, bytes: Buffer, ended: boolean): void {
    const http = serveHttp(protocol, this.connection, this, this.#context.http[this.side]);
    this.#http = http;
    if (this.#draining) http.drain();
    if (bytes.length > 0) http.onData(this.connection, bytes);
    if (ended) this.connection.close();
  }

  begin(exchange: Exchange, head: RequestView): void {
    this.#plan.begin(exchange, head);
  }

  #splice(firstBytes: Buffer, ended: boolean): void {
    const targets = this.#plan.streamTargets();
    if (targets === null) this.refuse();
    else this.spliceTo(targets, firstBytes, ended);
  }

  spliceTo(targets: StreamTargets, firstBytes?: Buffer, ended = false): void {
    const { options, live } = this.#context;
    const around = { options, live, plan: this.#plan };
    this.#stream = new Stream(this.connection, this.#plan.dial, targets, around, () => this.released());
    this.#stream.start(firstBytes, ended);
  }

  /** Whether it carries anything but requests and responses. */
  get streams(): boolean {
    return this.#stream !== null || this.#http?.tunnelled === true;
  }

  /** Ends what `streams`; requests beside it go on. */
  abortStreams(): void {
    if (this.#http !== null) this.#http.abortTunnels();
    else this.abort();
  }

  /** Ends it at once, by the proxy's own decision. */
  refuse(): void {
    this.connection.reset();
    this.released();
  }

  keptSilent(): void {
    this.#refused('detection_limit');
    this.connection.reset();
  }

  headShed(): void {
    this.#refused('head_limit');
  }

  requestRefused(answer: string, reason: string): void {
    this.#context.refusals.request(this.side, answer, reason, this.#plan.client);
  }

  #refused(refusal: ClientRefusal): void {
    this.#context.refusals.client(this.side, refusal, this.#plan.subject);
  }

  get tellsErrors(): boolean {
    return this.#plan.tellsErrors;
  }

  get from(): string {
    return this.#plan.from;
  }

  /** A client that has not said anything yet is expendable too. */
  get expendable(): boolean {
    return this.#http === null ? this.#stream === null : this.#http.expendable;
  }

  makeRoom(): void {
    this.#refused('made_room');
    if (this.#http !== null) this.#http.makeRoom();
    else this.connection.close();
  }

  drain(): void {
    this.#draining = true;
    this.#http?.drain();
  }

  closeIdle(): void {
    if (this.#http !== null) this.#http.closeIdle();
    else if (this.#stream === null) this.connection.close();
  }

  abort(): void {
    if (this.#stream !== null) this.#stream.abort();
    else if (this.#http !== null) this.#http.abort();
    else this.connection.reset();
  }

  /** The connection is gone, whatever it was at. */
  released(): void {
    if (this.#released) return;
    this.#released = true;
    const { live } = this.#context;
    this.#heard('lost');
    this.#plan.released(this.#stream?.error ?? '');
    live.remove(this);
    live.closed(this.connection);
  }

  lost(): void {
    this.released();
  }

  /** Handler only until something else has taken over. */
  onConnect(): void {}
  onSecure(): void {}
  onData(): void {}
  onDrain(): void {}
  onEnd(): void {}

  onClose(): void {
    this.released();
  }
}
