import type { Outbox } from '../tcp/outbox.ts';
import type { Timer, TimerOwner, Timers } from '../transport/types.ts';
import type { Answer } from './answer.ts';
import type { ExchangeEnd, HttpCall, TryFailure } from './call.ts';
import type { RequestHead, ResponseHead } from './head.ts';
import { ReplayBuffer, type ReplayMemory } from './replay.ts';
import { scratch } from './scratch.ts';
import { type ResponseFraming, writeRequestHead, writeResponseHead, writtenSize } from './serialize.ts';

/** Heads of most requests fit. */
const HEAD_BYTES = 1024;
/** A longer head makes the buffer grow; beyond this it does not outlive the request, so that a few large ones do not become everybody's size. */
const KEPT_HEAD_BYTES = 4096;

/** What an exchange needs of the client's connection. */
export interface ExchangeServer {
  readonly outbox: Outbox;
  /** Within the reading of a chunk: what an exchange has to send waits for its end. */
  readonly reading: boolean;
  readonly draining: boolean;
  /** The rest of the request is short enough to be read and dropped. */
  readonly canSkipRest: boolean;
  /** Stop and go on reading the request's body. */
  holdRequest(): void;
  resumeRequest(): void;
  writeAnswer(answer: Answer, close: boolean, withBody: boolean): void;
  tunnel(upstream: Outbox, bytes: Buffer, from: number, to: number): void;
  exchangeEnded(exchange: Exchange, end: ExchangeEnd): void;
}

/** … and of the connection that carries a try. */
export interface ExchangeUpstream {
  begin(exchange: Exchange): void;
  /** The head and the first bytes of the body. False = the kernel is full: feed no more until `upstreamDrained`. */
  writeHead(head: Buffer, length: number, bytes: Buffer, from: number, to: number): boolean;
  write(bytes: Buffer, from: number, to: number): boolean;
  /** The client takes bytes again. */
  resume(): void;
  /** The exchange has ended before its response: what is still to come could not be told from the next one's. */
  abandon(): void;
}

/** What is shared by all exchanges of a process. */
export interface ExchangeContext {
  readonly timers: Timers;
  readonly replay: ReplayMemory;
}

/**
 * One request and its response between a client's connection and, one after the other, those of its tries. Holds the head as it is sent on and, where
 * it must, the body, so that another try can be made. Pooled: see `ExchangePool`.
 */
export class Exchange implements TimerOwner {
  call: HttpCall = NO_CALL;
  server: ExchangeServer | null = null;
  upstream: ExchangeUpstream | null = null;

  isHead = false;
  /** RFC 9110 section 9.2.2: sending it twice does what sending it once does. */
  idempotent = false;
  upgrade = false;
  /** HTTP/1.0 or 1.1 of the client. */
  clientMinor = 1;
  /** The request has been read to its end. */
  requestDone = false;
  /** A response head has been passed on or an answer written: no further try. */
  responding = false;
  /** The client's connection ends after this response. */
  closes = false;
  /** Keep the body for another try where the limits allow it. Set by the call. */
  retain = false;
  /** Of the response; 0 = none yet. */
  status = 0;
  /** Time of the request head, and of the first byte of the response body (or its end); monotonic milliseconds. */
  startedMs = 0;
  firstByteMs = 0;
  requestBytes = 0;
  responseBytes = 0;

  readonly #context: ExchangeContext;
  readonly #body: ReplayBuffer;
  readonly #framing: ResponseFraming = { close: false, keepAlive: false, unframe: false };
  #head: Buffer = Buffer.allocUnsafeSlow(HEAD_BYTES);
  #headLength = 0;
  #headSent = false;
  #collecting = false;
  #deadline: Timer | null = null;

  constructor(context: ExchangeContext) {
    this.#context = context;
    this.#body = new ReplayBuffer(context.replay);
  }

  begin(server: ExchangeServer, head: RequestHead): void {
    this.server = server;
    this.isHead = head.isHead;
    this.idempotent = head.idempotent;
    this.upgrade = head.upgrade;
    this.clientMinor = head.minorVersion;
    this.requestDone = false;
    this.responding = false;
    this.closes = head.minorVersion === 0 ? !head.keepAlive : head.close;
    this.retain = false;
    this.status = 0;
    this.startedMs = this.#context.timers.nowMs();
    this.firstByteMs = 0;
    this.requestBytes = 0;
    this.responseBytes = 0;
    this.#headLength = 0;
    this.#headSent = false;
    this.#collecting = false;
  }

  /** Writes the head for the next hop. `extra`: whole lines. Valid until the exchange ends, for every try. */
  prepare(head: RequestHead, extra: string): void {
    const needed = writtenSize(head, extra);
    if (needed > this.#head.length) this.#head = Buffer.allocUnsafeSlow(needed);
    this.#headLength = writeRequestHead(this.#head, head, extra);
  }

  /** The body is at hand from its beginning, and all of it: another try may have it. */
  get replayable(): boolean {
    return this.requestDone && !this.#body.overflowed && this.#body.length === this.requestBytes;
  }

  /** Makes `upstream` carry the request. Written at the end of the event, so that head and first bytes of the body go together. */
  send(upstream: ExchangeUpstream): void {
    this.upstream = upstream;
    this.#headSent = false;
    upstream.begin(this);
    if (this.server !== null && !this.server.reading) this.flushRequest();
  }

  /** Bytes of the request body, framing included. */
  requestRange(bytes: Buffer, from: number, to: number): void {
    this.requestBytes += to - from;
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

  requestEnded(): void {
    this.requestDone = true;
    if (this.#collecting) this.#collected();
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
    this.server?.resumeRequest();
  }

  #sendHead(upstream: ExchangeUpstream, bytes: Buffer, from: number, to: number): void {
    this.#headSent = true;
    this.#forward(upstream.writeHead(this.#head, this.#headLength, bytes, from, to));
  }

  /** The body has gone to the only try it gets: from here on `replayable` is false unless there was none. */
  #forget(): void {
    if (this.#body.length > 0) this.#body.clear();
  }

  #forward(taken: boolean): void {
    if (!taken) this.server?.holdRequest();
  }

  upstreamDrained(): void {
    this.server?.resumeRequest();
  }

  clientDrained(): void {
    this.upstream?.resume();
  }

  /** An interim response; HTTP/1.0 clients do not know them. */
  interim(head: ResponseHead): void {
    if (this.clientMinor === 0) return;
    const end = writeResponseHead(scratch, 0, head, KEEP, '');
    this.server!.outbox.write(scratch, 0, end);
  }

  /** Asks the call; true: `passOn` follows. */
  responded(head: ResponseHead): boolean {
    this.status = head.status;
    return this.call.responded(head);
  }

  /** Writes the response head into the scratch buffer; the body's first bytes go behind it. Returns its length. */
  passOn(head: ResponseHead, knownEnd: boolean): number {
    this.responding = true;
    this.#clearDeadline();
    // A client that is still sending when the answer comes is told that the connection ends (RFC 9112 section 9.6).
    if (!knownEnd || !this.requestDone || this.server!.draining) this.closes = true;
    this.#framing.close = this.closes;
    this.#framing.keepAlive = this.clientMinor === 0 && !this.closes;
    this.#framing.unframe = head.chunked && this.clientMinor === 0;
    return writeResponseHead(scratch, 0, head, this.#framing, '');
  }

  /** A response that was about to be passed on, of which nothing has been written, turned out to be malformed. */
  takeBack(): void {
    this.responding = false;
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
    return this.server!.outbox.write(bytes, from, to);
  }

  noteFirstByte(): void {
    if (this.firstByteMs === 0) this.firstByteMs = this.#context.timers.nowMs();
  }

  /** The response is complete; `upstream` has been given back already. */
  responseEnded(): void {
    this.noteFirstByte();
    this.#end('complete');
  }

  /** Answers without (or after) a try. The rest of a short request body is read and dropped, so that the connection stays usable. */
  answer(answer: Answer): void {
    this.responding = true;
    this.status = answer.status;
    this.dropUpstream();
    this.#forget();
    const server = this.server!;
    if (!server.canSkipRest || server.draining) this.closes = true;
    server.writeAnswer(answer, this.closes, !this.isHead);
    this.noteFirstByte();
    if (this.requestDone || this.closes) this.#end('complete');
    else server.resumeRequest();
  }

  /** The rest of the body of a request that was answered already has gone by. */
  get answered(): boolean {
    return this.responding && this.upstream === null;
  }

  finishAnswered(): void {
    this.#end('complete');
  }

  tryFailed(failure: TryFailure): void {
    this.upstream = null;
    this.call.tryFailed(failure);
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

  /** Lets go of the present try; its connection cannot be used again because a response is owed on it. */
  dropUpstream(): void {
    const upstream = this.upstream;
    this.upstream = null;
    upstream?.abandon();
  }

  /** The response that is being dropped stays with its connection; the next try gets another. */
  detachUpstream(): void {
    this.upstream = null;
  }

  /** One deadline for the whole request, all tries included. */
  setDeadline(delayMs: number): void {
    this.#deadline ??= this.#context.timers.create(this);
    this.#context.timers.set(this.#deadline, delayMs);
  }

  onTimer(): void {
    if (this.server !== null && !this.responding) this.call.timedOut();
  }

  #clearDeadline(): void {
    if (this.#deadline !== null) this.#context.timers.clear(this.#deadline);
  }

  #end(end: ExchangeEnd): void {
    const server = this.server;
    if (server === null) return;
    this.#clearDeadline();
    this.dropUpstream();
    this.#forget();
    this.call.ended(end);
    this.call = NO_CALL;
    this.server = null;
    if (this.#head.length > KEPT_HEAD_BYTES) this.#head = Buffer.allocUnsafeSlow(HEAD_BYTES);
    server.exchangeEnded(this, end);
  }
}

const KEEP: ResponseFraming = { close: false, keepAlive: false, unframe: false };

/** Between requests. */
const NO_CALL: HttpCall = {
  responded: () => false,
  tryFailed: () => {},
  timedOut: () => {},
  ended: () => {},
};

/** As many exchanges as were ever under way at once wait here, up to a bound: a burst must not be remembered forever. */
const MAX_IDLE = 256;

export class ExchangePool {
  readonly #context: ExchangeContext;
  readonly #idle: Exchange[] = [];

  constructor(context: ExchangeContext) {
    this.#context = context;
  }

  take(): Exchange {
    return this.#idle.pop() ?? new Exchange(this.#context);
  }

  give(exchange: Exchange): void {
    if (this.#idle.length < MAX_IDLE) this.#idle.push(exchange);
  }
}
