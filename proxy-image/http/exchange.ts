import type { HeaderChanges } from '../contract/policy/filter.ts';
import { NO_GRPC_STATUS } from '../contract/policy/grpc-status.ts';
import type { Outbox } from '../io/tcp/outbox.ts';
import type { Timers } from '../io/transport/types.ts';
import type { Answer } from './answer.ts';
import type { BodyMeter } from './body-meter.ts';
import type { Bridge } from './bridge.ts';
import type { AttemptFailure, ExchangeEnd, HttpCall } from './call.ts';
import { interimAllowance, interimCost } from './interim.ts';
import type {
  ExtraFields,
  RequestFraming,
  RequestMessage,
  ResponseMessage,
  ResponseView,
  Trailers,
} from './message.ts';
import type { PreparedHead } from './prepared-head.ts';
import { ReplayBuffer, type ReplayMemory } from './replay.ts';

/** The client's side of an exchange: the connection (HTTP/1) or stream (HTTP/2) that the request came on. */
export interface ExchangeServer {
  readonly protocol: 'http1' | 'http2';
  /** The client understands the chunked coding: bodies of HTTP/1 pass with their framing. */
  readonly framed: boolean;
  /** Within the reading of a chunk: what an exchange has to send waits for its end. */
  readonly reading: boolean;
  /** Stop and go on reading the request's body. */
  holdRequest(): void;
  resumeRequest(): void;
  interim(head: ResponseMessage): void;
  /** The head of the final response. What is composed may wait for the first bytes of the body, until `flush`. `ends`: no body follows, or an empty one. */
  respond(head: ResponseMessage, ends: boolean): void;
  /** Bytes of the response body; false = the client does not take them fast enough. */
  write(bytes: Buffer, from: number, to: number): boolean;
  /** Writes what waits. False as with `write`. */
  flush(): boolean;
  /** Drops a head that waits; false = it has been written already. */
  takeBack(): boolean;
  endResponse(trailers: Trailers | null): void;
  /** A whole response. True: the exchange is over; false: the rest of the request is read and dropped first (`finishAnswered`). */
  writeAnswer(answer: Answer): boolean;
  tunnel(upstream: Outbox, bytes: Buffer, from: number, to: number): void;
  exchangeEnded(exchange: Exchange, end: ExchangeEnd): void;
}

/** … and the connection or stream that carries an attempt. */
export interface ExchangeUpstream {
  begin(exchange: Exchange): void;
  /**
   * The head and the first bytes of the body; `end`: all of it, without trailers. False = no room: feed no more until `upstreamDrained`.
   */
  writeHead(bytes: Buffer, from: number, to: number, end: boolean): boolean;
  write(bytes: Buffer, from: number, to: number): boolean;
  /** The request is complete. Not called where `writeHead` was told so. */
  finish(trailers: Trailers | null): void;
  /** The client takes bytes again. */
  resume(): void;
  /** The exchange has ended before its response: what is still to come is for nobody. */
  abandon(): void;
}

/** What is shared by all exchanges of a process. */
export interface ExchangeContext {
  readonly timers: Timers;
  readonly replay: ReplayMemory;
  readonly bridge: Bridge;
}

/** What an exchange knows of its request beside the head. */
type RequestFacts = Pick<
  RequestMessage,
  'isHead' | 'isGrpc' | 'idempotent' | 'connect' | 'upgrade' | 'tunnels' | 'framing' | 'lacksHost' | 'maxForwards'
>;

/** No stream was reset. */
export const NO_RESET = -1;

/**
 * One request and its response between a client and, one after the other, its attempts, whatever version of HTTP either side speaks. Holds the head as it is
 * sent on and, where it must, the body, so that another attempt can be made. Pooled: `ExchangePool`.
 */
export class Exchange {
  call: HttpCall = NO_CALL;
  server: ExchangeServer | null = null;
  upstream: ExchangeUpstream | null = null;

  isHead = false;
  isGrpc = false;
  /** RFC 9110 section 9.2.2: sending it twice does what sending it once does. */
  idempotent = false;
  /** Asks for another protocol (HTTP/1 `Upgrade`), or for a tunnel (HTTP/2 extended CONNECT). */
  upgrade = false;
  tunnels = false;
  /** CONNECT of HTTP/1: `upgrade` too, for it becomes a tunnel by a response as an upgrade does. */
  connect = false;
  framing: RequestFraming = 'length';
  /** The request names no host, which HTTP/1.0 and an empty `Host` may do. */
  lacksHost = false;
  /** RFC 9110 section 7.6.2: hops that OPTIONS or TRACE may still make; -1 = any number, 0 = none: whoever has it answers. */
  maxForwards = -1;
  /** The request has been read to its end. */
  requestDone = false;
  /** A response head has been passed on or an answer written: no further attempt. */
  responding = false;
  /** Keep the body for another attempt where the limits allow it. Set by the call. */
  retain = false;
  /** The response head of a gRPC call waits for what follows it, so that a status in its trailers can be judged before anything is passed on. Set by the call. */
  peeks = false;
  /** `l5d-proxy-error` of the response is passed on. Set by the call in `responded`. */
  tellsProxyError = false;
  /** What filters change of the response head; `null` = nothing. Set by the call in `responded`. */
  responseChanges: readonly HeaderChanges[] | null = null;
  /** Of the response; 0 = none yet. */
  status = 0;
  /** Of the response head or its trailers; NO_GRPC_STATUS = none (yet). */
  grpcStatus: number = NO_GRPC_STATUS;
  /** Error code with which the server has reset the present attempt (HTTP/2); NO_RESET otherwise. */
  resetCode: number = NO_RESET;
  /** Time of the request head, and of the first byte of the response body (or its end); monotonic milliseconds. */
  startedMs = 0;
  firstByteMs = 0;
  requestBytes = 0;
  responseBytes = 0;
  /** Told of every piece of the request's body, and of the response's that is passed on; `null` = nobody wants to know. Set by observers. */
  requestMeter: BodyMeter | null = null;
  responseMeter: BodyMeter | null = null;

  /** As it is sent on, by `prepare`. */
  readonly head: PreparedHead;
  readonly #context: ExchangeContext;
  readonly #body: ReplayBuffer;
  #headSent = false;
  /** The upstream has no room. */
  #held = false;
  #collecting = false;
  #halfEnded = false;
  #interimCost = 0;
  #trailers: Trailers | null = null;

  constructor(context: ExchangeContext) {
    this.#context = context;
    this.#body = new ReplayBuffer(context.replay);
    this.head = context.bridge.preparedHead();
  }

  get bridge(): Bridge {
    return this.#context.bridge;
  }

  /** `head` is valid during the event: `prepare` must follow within it, where the request is to go on. */
  begin(server: ExchangeServer, head: RequestMessage): void {
    this.head.take(head);
    this.#begin(server, head);
  }

  /** Makes `copy` the same request, complete, for `server`. Only while this one is `replayable`. */
  copyTo(copy: Exchange, server: ExchangeServer): void {
    copy.head.copy(this.head);
    copy.#begin(server, this);
    copy.retain = true;
    copy.#body.append(this.#body.bytes, 0, this.#body.length, false);
    copy.requestBytes = this.requestBytes;
    copy.requestDone = true;
    copy.#trailers = this.#trailers;
  }

  /** `request`: what came, or an exchange that carries it. */
  #begin(server: ExchangeServer, request: RequestFacts): void {
    this.isHead = request.isHead;
    this.isGrpc = request.isGrpc;
    this.idempotent = request.idempotent;
    this.connect = request.connect;
    this.upgrade = request.upgrade || request.connect;
    this.tunnels = request.tunnels;
    this.framing = request.framing;
    this.lacksHost = request.lacksHost;
    this.maxForwards = request.maxForwards;
    this.server = server;
    this.requestDone = false;
    this.responding = false;
    this.retain = false;
    this.peeks = false;
    this.tellsProxyError = false;
    this.responseChanges = null;
    this.status = 0;
    this.grpcStatus = NO_GRPC_STATUS;
    this.resetCode = NO_RESET;
    this.startedMs = this.#context.timers.nowMs();
    this.firstByteMs = 0;
    this.requestBytes = 0;
    this.responseBytes = 0;
    this.requestMeter = null;
    this.responseMeter = null;
    this.#interimCost = 0;
    this.#headSent = false;
    this.#held = false;
    this.#collecting = false;
    this.#halfEnded = false;
    this.#trailers = null;
  }

  /**
   * Takes the head for the next hop, with `extra`. Valid until the exchange ends, for every attempt. `authority` (host with port) is what the client has reached:
   * the name of a request that `lacksHost`.
   */
  prepare(extra: ExtraFields, authority: string): void {
    this.head.prepare(extra, authority);
  }

  /** Writes the head as HTTP/1 into `out` at `at`, which has room for the longest; returns the position after it. */
  writeHttp1Head(out: Buffer, at: number): number {
    return this.head.writeHttp1(out, at, this.rechunks, this.requestDone);
  }

  /** Bytes of a body of HTTP/2 that HTTP/1 has to put into chunks: its length was not announced, and it is not empty. */
  get rechunks(): boolean {
    return this.head.isOpenEnded && (!this.requestDone || this.requestBytes > 0 || this.#trailers !== null);
  }

  /** What has come of the body is at hand from its beginning: another attempt may have it, and what is still to come. */
  get kept(): boolean {
    return !this.#body.overflowed && this.#body.length === this.requestBytes;
  }

  /** … and all of it has come. */
  get replayable(): boolean {
    return this.requestDone && this.kept;
  }

  /** Makes `upstream` carry the request. Written at the end of the event, so that head and first bytes of the body go together. */
  send(upstream: ExchangeUpstream): void {
    this.upstream = upstream;
    this.status = 0;
    this.grpcStatus = NO_GRPC_STATUS;
    this.resetCode = NO_RESET;
    this.#headSent = false;
    upstream.begin(this);
    if (this.server !== null && !this.server.reading) this.flushRequest();
  }

  /** Bytes of the request body, framed as `framing` says. */
  requestRange(bytes: Buffer, from: number, to: number): void {
    this.requestBytes += to - from;
    this.requestMeter?.piece(to - from);
    // After an answer of our own the rest is only read to keep the connection usable.
    if (this.responding && this.upstream === null) return;
    const upstream = this.upstream;
    if (upstream === null || this.#body.length > 0 || this.retain) {
      this.#body.append(bytes, from, to, upstream !== null);
    }
    if (this.#collecting) return;
    if (upstream === null) this.server!.holdRequest();
    else if (this.#headSent) this.#forward(upstream.write(bytes, from, to));
    else if (this.#body.length > 0 && this.#body.length !== to - from) this.flushRequest();
    else this.#sendHead(upstream, bytes, from, to);
  }

  requestEnded(trailers: Trailers | null = null): void {
    this.requestDone = true;
    this.#trailers = trailers;
    if (this.#collecting) this.#collected();
    else if (this.#headSent && this.upstream !== null) {
      this.upstream.finish(trailers);
      this.call.requestSent?.();
    }
    if (this.#halfEnded) {
      this.upstream = null;
      this.#end('complete');
    }
  }

  /** Gathers a body of `length` bytes (-1 = unknown) for `call.collected`, if it is at most `maxBytes`. */
  collect(length: number, maxBytes: number): void {
    if (length < 0 || length > maxBytes) {
      this.call.collected?.(null);
      return;
    }
    this.#collecting = true;
    if (this.requestDone) this.#collected();
  }

  #collected(): void {
    this.#collecting = false;
    this.call.collected?.(this.#body.bytes.subarray(0, this.#body.length));
  }

  /** Sends what waits: the head, and a body that came before the connection did. */
  flushRequest(): void {
    const upstream = this.upstream;
    if (upstream === null || this.#headSent) return;
    this.#sendHead(upstream, this.#body.bytes, 0, this.#body.length);
    if (!this.retain) this.#forget();
    if (!this.#held) this.server?.resumeRequest();
  }

  #sendHead(upstream: ExchangeUpstream, bytes: Buffer, from: number, to: number): void {
    this.#headSent = true;
    this.#held = false;
    const isWhole = this.requestDone && this.#trailers === null;
    this.#forward(upstream.writeHead(bytes, from, to, isWhole));
    if (!this.requestDone) return;
    if (!isWhole) upstream.finish(this.#trailers);
    this.call.requestSent?.();
  }

  /** The body has gone to the only attempt it gets: from here on `replayable` is false unless there was none. */
  #forget(): void {
    if (this.#body.length > 0 || this.#body.overflowed) this.#body.clear();
  }

  /** There is no other attempt once a response is passed on: what long streams send must not fill the memory that others need for theirs. */
  #passesOn(): void {
    this.responding = true;
    this.retain = false;
    this.#forget();
  }

  #forward(taken: boolean): void {
    if (taken) return;
    this.#held = true;
    this.server?.holdRequest();
  }

  upstreamDrained(): void {
    this.#held = false;
    this.server?.resumeRequest();
  }

  clientDrained(): void {
    this.upstream?.resume();
  }

  /** Whether one more interim response (1xx), of so many bytes, may pass. */
  takesInterim(sizeBytes: number): boolean {
    this.#interimCost += interimCost(sizeBytes);
    return this.#interimCost <= interimAllowance(this.#context.timers.nowMs() - this.startedMs);
  }

  /** Asks the call; true: `passOn` follows. */
  responded(head: ResponseView): boolean {
    this.status = head.status;
    if (head.grpcStatus !== NO_GRPC_STATUS) this.grpcStatus = head.grpcStatus;
    return this.call.responded(head);
  }

  /** `ends`: no body follows, or an empty one. */
  passOn(head: ResponseMessage, ends: boolean): void {
    this.#passesOn();
    const { responseChanges } = this;
    this.server!.respond(responseChanges === null ? head : this.bridge.editedResponse(head, responseChanges), ends);
  }

  /** The client's version of HTTP has no words for the response that was passed on: nothing of it has been written, and there is no other attempt. */
  unspeakable(): void {
    this.responding = false;
    this.dropUpstream();
    this.call.attemptFailed('malformed');
  }

  /** A response of which nothing has been written turned out to be malformed: true, and it counts as a failed attempt; false: it has been written. */
  takeBack(): boolean {
    if (!this.responding || !this.server!.takeBack()) return false;
    this.responding = false;
    return true;
  }

  /** 101 was passed on: both connections belong to the tunnel from here on. */
  switchProtocols(upstream: Outbox, bytes: Buffer, from: number, to: number): void {
    this.upstream = null;
    this.noteFirstByte();
    this.server!.tunnel(upstream, bytes, from, to);
    this.#end('complete');
  }

  /** Bytes of the response; false = the client does not take them fast enough. */
  responseRange(bytes: Buffer, from: number, to: number): boolean {
    if (this.firstByteMs === 0) this.noteFirstByte();
    this.responseBytes += to - from;
    this.responseMeter?.piece(to - from);
    return this.server!.write(bytes, from, to);
  }

  noteFirstByte(): void {
    if (this.firstByteMs !== 0) return;
    this.firstByteMs = this.#context.timers.nowMs();
    this.call.firstByte?.();
  }

  /** The response is complete; `upstream` has been given back already. */
  responseEnded(trailers: Trailers | null): void {
    this.noteFirstByte();
    this.server!.endResponse(trailers);
    this.#end('complete');
  }

  /** A tunnel has ended in the direction to the client; the other goes on. */
  tunnelHalfEnded(): void {
    this.noteFirstByte();
    this.#halfEnded = true;
    this.server!.endResponse(null);
  }

  /** Answers without (or after) an attempt. The rest of a short request body is read and dropped, so that the connection stays usable. */
  answer(answer: Answer): void {
    this.responding = true;
    this.#collecting = false;
    this.status = answer.status;
    this.dropUpstream();
    this.#forget();
    const over = this.server!.writeAnswer(answer);
    this.noteFirstByte();
    if (over) this.#end('complete');
  }

  /** The last attempt has failed: a reset of the server is passed on to a client that knows resets; any other gets the answer. */
  fail(answer: Answer): void {
    if (this.resetCode !== NO_RESET && this.server!.protocol === 'http2') this.truncated();
    else this.answer(answer);
  }

  /** The rest of the body of a request that was answered already has gone by. */
  get answered(): boolean {
    return this.responding && this.upstream === null;
  }

  finishAnswered(): void {
    this.#end('complete');
  }

  attemptFailed(failure: AttemptFailure): void {
    this.upstream = null;
    this.call.attemptFailed(failure);
  }

  /** The response broke off: there is no honest way to go on with this client. */
  truncated(): void {
    this.upstream = null;
    this.#end('truncated');
  }

  /** The client is gone or at fault. */
  cancel(): void {
    this.#end('cancelled');
  }

  /** Lets go of the present attempt, which owes a response that nobody waits for. */
  dropUpstream(): void {
    const upstream = this.upstream;
    this.upstream = null;
    upstream?.abandon();
  }

  /** The response that is being dropped stays with its connection; the next attempt gets another. */
  detachUpstream(): void {
    this.upstream = null;
  }

  /** A response that takes too long ends where it is; gRPC clients are told `grpcStatus`. */
  breakOff(grpcStatus: number): void {
    this.grpcStatus = grpcStatus;
    this.dropUpstream();
    this.#end('truncated');
  }

  #end(end: ExchangeEnd): void {
    const server = this.server;
    if (server === null) return;
    this.dropUpstream();
    this.#forget();
    this.call.ended(end);
    this.call = NO_CALL;
    this.server = null;
    this.head.forget();
    server.exchangeEnded(this, end);
  }
}

/** Between requests. */
const NO_CALL: HttpCall = {
  responded: () => false,
  attemptFailed: () => {},
  ended: () => {},
};
