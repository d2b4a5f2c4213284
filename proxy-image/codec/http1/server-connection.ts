import { type Answer, errorAnswer } from '../../http/answer.ts';
import type { BodySink } from '../../http/body-sink.ts';
import type { ExchangeEnd } from '../../http/call.ts';
import type { HttpConnection } from '../../http/connection.ts';
import type { Exchange, ExchangeServer } from '../../http/exchange.ts';
import { FAILURES, type Failure } from '../../http/failures.ts';
import type { ResponseMessage, Trailers } from '../../http/message.ts';
import { PartialHead } from '../../http/partial-head.ts';
import type { HttpService } from '../../http/service.ts';
import type { Outbox } from '../../io/tcp/outbox.ts';
import { Splice, type SpliceOwner } from '../../io/tcp/splice.ts';
import type { Connection, ConnectionError, ConnectionHandler, Timer, TimerOwner } from '../../io/transport/types.ts';
import { BodyReader } from './body.ts';
import { ResponseHead } from './head.ts';
import { parseRequest } from './parse-request.ts';
import { responseBody } from './parse-response.ts';
import { CONNECT_DISABLED, rejection } from './rejection.ts';
import { renderAnswer } from './render-answer.ts';
import { ResponseWriter } from './response-writer.ts';
import { KEEP_FRAMING, type ResponseFraming, writeResponseHead } from './serialize.ts';
import type { ServerContext } from './server-context.ts';
import { CHUNKS, framingOf, readTranslated } from './translated-head.ts';

/**
 * `head`: between requests or within a head; `body`: within a request body; `wait`: the request is read, its response is not complete;
 * `closing`: nothing more is answered, what comes is dropped; `tunnel`: a splice has taken over.
 */
type State = 'head' | 'body' | 'wait' | 'closing' | 'tunnel';

/** Rest of a body that is read after an early answer, so that the connection can be kept. */
const MAX_SKIP_BYTES = 64 * 1024;
/** A client that was answered and told to close gets this long to do so before it is cut off: a close with unread bytes would destroy the answer. */
const LINGER_MS = 1000;

/** A client's connection: requests are read and answered one after the other; what comes too early waits. */
export class ServerConnection
  implements ConnectionHandler, HttpConnection, ExchangeServer, BodySink, SpliceOwner, TimerOwner
{
  readonly protocol = 'http1';
  readonly outbox: Outbox;
  /** Within the reading of a chunk: what an exchange has to send waits for its end. */
  reading = false;
  draining = false;
  readonly #context: ServerContext;
  readonly #service: HttpService;
  readonly #body: BodyReader;
  readonly #writer: ResponseWriter;
  readonly #framing: ResponseFraming = { close: false, keepAlive: false, unframe: false };
  /** HTTP/1.0 or 1.1 of the client. */
  #clientMinor = 1;
  /** The connection ends after the present response. */
  #closes = false;
  #state: State = 'head';
  #exchange: Exchange | null = null;
  /** An unfinished head, or bytes behind the present request. */
  #stash: Buffer | null = null;
  #partial: PartialHead | null = null;
  #paused = false;
  #ended = false;
  #timer: Timer | null = null;
  #timing = false;
  /** Bytes in both directions when a stall was looked for last. */
  #moved = 0;
  #splice: Splice | null = null;

  /** Takes over a connection. `outbox` is its write side. */
  constructor(outbox: Outbox, service: HttpService, context: ServerContext) {
    this.outbox = outbox;
    this.#service = service;
    this.#context = context;
    const { scratch } = context;
    this.#body = new BodyReader(scratch.headBytes);
    this.#writer = new ResponseWriter(outbox, scratch);
    outbox.connection.handler = this;
  }

  get connection(): Connection {
    return this.outbox.connection;
  }

  /** No request is under way and no part of one has come. */
  get idle(): boolean {
    return this.#state === 'head' && this.#stash === null && this.outbox.pendingBytes === 0;
  }

  /** Also in the middle of a head: whoever sends those slowly must not keep others out. */
  get expendable(): boolean {
    return this.#state === 'head' && this.outbox.pendingBytes === 0;
  }

  makeRoom(): void {
    if (this.idle) this.connection.close();
    else this.connection.reset();
  }

  /** Carries another protocol since an upgrade. */
  get tunnelled(): boolean {
    return this.#splice !== null;
  }

  /** Answers what is under way, tells the client to leave, and takes no more. Idle connections are for `closeIdle`. */
  drain(): void {
    this.draining = true;
  }

  closeIdle(): void {
    if (this.idle) this.connection.close();
  }

  abortTunnels(): void {
    if (this.#splice !== null) this.abort();
  }

  abort(): void {
    if (this.#splice !== null) this.#splice.abort();
    else this.connection.reset();
  }

  onConnect(): void {}
  onSecure(): void {}

  onData(_: Connection, chunk: Buffer): void {
    if (this.#state === 'closing') return;
    if (this.#state === 'wait') {
      this.#keep(chunk);
      return;
    }
    const stash = this.#stash;
    if (stash === null) {
      this.#read(chunk);
      return;
    }
    const bytes = Buffer.concat([stash, chunk]);
    // A head is parsed anew only when another line of it has come.
    if (bytes.length <= this.#context.scratch.headBytes && chunk.indexOf(10) === -1) this.#stash = bytes;
    else this.#read(bytes);
  }

  /** Bytes that came before their turn wait, and no more are read. */
  #keep(bytes: Buffer): void {
    this.#stash = this.#stash === null ? Buffer.from(bytes) : Buffer.concat([this.#stash, bytes]);
    this.#pause();
  }

  #read(bytes: Buffer): void {
    this.#stash = null;
    this.reading = true;
    const to = bytes.length;
    let at = 0;
    while (at < to && this.#takesMore()) {
      const end = this.#state === 'head' ? this.#readHead(bytes, at, to) : this.#readBody(bytes, at, to);
      if (end === 0) break;
      at = end;
    }
    this.reading = false;
    this.#exchange?.flushRequest();
    if (at < to && this.#state !== 'closing') this.#keepRest(bytes.subarray(at, to));
  }

  /** A client that does not read its answers is not asked for more questions. */
  #takesMore(): boolean {
    return this.#state === 'body' || (this.#state === 'head' && this.outbox.pendingBytes === 0);
  }

  #keepRest(rest: Buffer): void {
    if (this.#state === 'wait' || this.outbox.pendingBytes > 0) {
      this.#keep(rest);
      return;
    }
    this.#stash = Buffer.from(rest);
    if (!this.#timing) this.#arm(this.#context.headTimeoutMs);
    if (this.#state !== 'head') return;
    this.#partial ??= new PartialHead(this.#context, this.connection, this.#service);
    this.#partial.began();
  }

  /** Position after the head; 0 = unfinished or refused. */
  #readHead(bytes: Buffer, at: number, to: number): number {
    const head = this.#context.scratch.request;
    const end = parseRequest(head, bytes, at, to);
    if (end === 0) return 0;
    this.#disarm();
    this.#partial?.ended();
    if (end < 0 || (head.connect && !this.#service.takesConnect)) {
      this.#reject(Math.min(end, 0) || CONNECT_DISABLED);
      return to;
    }
    const exchange = this.#context.exchanges.take();
    this.#exchange = exchange;
    this.#body.begin(head.chunked ? 'chunked' : 'length', head, false);
    this.#state = this.#body.done ? 'wait' : 'body';
    this.#clientMinor = head.minorVersion;
    // What follows a CONNECT may have been meant for the tunnel: if there is none, it is no request.
    this.#closes = head.connect || (head.minorVersion === 0 ? !head.keepAlive : head.close);
    exchange.begin(this, head);
    if (this.#body.done) exchange.requestEnded();
    else this.#watchStall();
    this.#service.begin(exchange, head);
    return end;
  }

  #readBody(bytes: Buffer, at: number, to: number): number {
    const end = this.#body.feed(bytes, at, to, this);
    if (end < 0) {
      this.#rejectBody(end);
      return to;
    }
    if (this.#body.done) this.#requestEnded();
    return end;
  }

  #requestEnded(): void {
    const exchange = this.#exchange;
    if (exchange === null) return;
    this.#state = 'wait';
    this.#disarm();
    exchange.requestEnded();
    if (this.#exchange === exchange && exchange.answered) exchange.finishAnswered();
  }

  /** Bytes of the request body. */
  range(bytes: Buffer, from: number, to: number): void {
    this.#exchange?.requestRange(bytes, from, to);
  }

  /** Never: what a client of HTTP/1 sends passes with its framing. */
  trailers(): void {}

  #reject(code: number): void {
    this.#writeAnswer(this.#refusal(rejection(code)), true, true);
    this.#finish();
  }

  #refusal(failure: Failure): Answer {
    this.#service.requestRefused(`${failure.status}`, failure.text);
    return errorAnswer(failure, this.#service.tellsErrors);
  }

  /** The request turned out malformed after its head was accepted. */
  #rejectBody(code: number): void {
    this.#breakOff(this.#refusal(rejection(code)));
  }

  /** An answer that has begun cannot become another. */
  #breakOff(answer: Answer): void {
    const exchange = this.#exchange;
    if (exchange === null || exchange.responding) {
      this.connection.reset();
      return;
    }
    this.#closes = true;
    exchange.answer(answer);
  }

  /** HTTP/1.0 knows no chunks. */
  get framed(): boolean {
    return this.#clientMinor === 1;
  }

  interim(message: ResponseMessage): void {
    if (this.#clientMinor === 0) return;
    const { bytes, translated } = this.#context.scratch;
    const head = message instanceof ResponseHead ? message : translated;
    if (head !== message && !readTranslated(translated, this.#exchange!.bridge, message, '')) return;
    this.outbox.write(bytes, 0, writeResponseHead(bytes, 0, head, KEEP_FRAMING, ''));
  }

  respond(message: ResponseMessage, ends: boolean): void {
    if (message instanceof ResponseHead) this.#respond(message, false);
    else this.#respondTranslated(message, ends);
  }

  #respondTranslated(message: ResponseMessage, ends: boolean): void {
    const exchange = this.#exchange!;
    const head = this.#context.scratch.translated;
    const framing = framingOf(message, ends, exchange.isHead, this.framed);
    const chunks = framing === CHUNKS;
    if (!readTranslated(head, exchange.bridge, message, framing)) {
      exchange.unspeakable();
      return;
    }
    if (exchange.tellsProxyError) head.keepProxyError();
    head.body = ends ? 'none' : responseBody(head, exchange.isHead);
    this.#respond(head, chunks);
    // Other streams of the same connection may compose theirs before this one's body comes.
    this.#writer.flush();
  }

  #respond(head: ResponseHead, chunks: boolean): void {
    const { body } = head;
    // A client that is still sending when the answer comes is told that the connection ends (RFC 9112 section 9.6).
    if (body === 'until-close' || !this.#exchange!.requestDone || this.draining) this.#closes = true;
    // HTTP/1.0 knows no chunks: what came in them ends with the connection (section 6.3).
    const unframe = head.chunked && !this.framed;
    if (unframe && body !== 'none') this.#closes = true;
    this.#framing.close = this.#closes && !(this.#exchange!.connect && head.status < 300);
    this.#framing.keepAlive = !this.framed && !this.#closes;
    this.#framing.unframe = unframe;
    this.#writer.compose(head, this.#framing, chunks);
  }

  write(bytes: Buffer, from: number, to: number): boolean {
    return this.#taken(this.#writer.write(bytes, from, to));
  }

  flush(): boolean {
    return this.#taken(this.#writer.flush());
  }

  #taken(taken: boolean): boolean {
    if (!taken) this.#watchStall();
    return taken;
  }

  takeBack(): boolean {
    return this.#writer.takeBack();
  }

  endResponse(trailers: Trailers | null): void {
    this.#writer.end(trailers);
  }

  writeAnswer(answer: Answer): boolean {
    const exchange = this.#exchange!;
    if (this.#body.remaining > MAX_SKIP_BYTES || this.draining) this.#closes = true;
    this.#writeAnswer(answer, this.#closes, !exchange.isHead);
    if (exchange.requestDone || this.#closes) return true;
    this.resumeRequest();
    return false;
  }

  #writeAnswer(answer: Answer, close: boolean, withBody: boolean): void {
    const persistence = close ? 'close' : this.framed ? '' : 'keep-alive';
    const bytes = renderAnswer(answer, persistence, withBody);
    this.outbox.write(bytes, 0, bytes.length);
  }

  /** The next hop does not take the request's bytes. */
  holdRequest(): void {
    this.#pause();
  }

  resumeRequest(): void {
    if (this.#state === 'body' || (this.#state === 'wait' && this.#stash === null)) this.#resume();
  }

  #pause(): void {
    this.#paused = true;
    this.connection.pause();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.connection.resume();
  }

  exchangeEnded(exchange: Exchange, end: ExchangeEnd): void {
    this.#context.exchanges.give(exchange);
    this.#exchange = null;
    if (this.#state === 'tunnel') return;
    if (end !== 'complete') {
      this.connection.reset();
      return;
    }
    // Bytes that came with a refused upgrade may be meant for the other protocol: they are no request.
    if (this.#closes || (exchange.upgrade && this.#stash !== null)) {
      this.#finish();
      return;
    }
    this.#state = 'head';
    if (!this.reading) this.#continue();
  }

  #continue(): void {
    if (this.outbox.pendingBytes > 0) {
      this.#pause();
      this.#watchStall();
      return;
    }
    this.#disarm();
    const stash = this.#stash;
    if (stash !== null) this.#read(stash);
    else if (this.#ended) this.#finish();
    if (this.#state === 'head' || this.#state === 'body') this.#resume();
  }

  /** No more answers: FIN behind the last one, then what the client still sends is dropped until it leaves. */
  #finish(): void {
    this.#state = 'closing';
    this.#partial?.ended();
    this.#stash = null;
    this.#resume();
    if (this.outbox.pendingBytes === 0) this.#leave();
  }

  #leave(): void {
    if (this.#ended) {
      this.connection.close();
      return;
    }
    this.connection.end();
    this.#arm(LINGER_MS);
  }

  /** The exchange's response was 101. */
  tunnel(upstream: Outbox, bytes: Buffer, from: number, to: number): void {
    this.#state = 'tunnel';
    this.#writer.flush();
    if (to > from) this.outbox.write(bytes, from, to);
    const splice = new Splice(this.outbox, upstream, this);
    this.#splice = splice;
    if (this.outbox.pendingBytes === 0) upstream.connection.resume();
    this.#resume();
    const early = this.#stash;
    this.#stash = null;
    if (early !== null) splice.feedFromLeft(early, 0, early.length);
    if (this.#ended) splice.endFromLeft();
  }

  spliceClosed(): void {
    this.#service.released();
  }

  onDrain(): void {
    if (this.outbox.pendingBytes === 0 || !this.outbox.drain()) return;
    if (this.#state === 'closing') this.#leave();
    else if (this.#exchange !== null) this.#exchange.clientDrained();
    else if (this.#state === 'head') this.#continue();
  }

  onEnd(): void {
    this.#ended = true;
    if (this.#state === 'closing') this.connection.close();
    // A request that will never be complete is nobody's.
    else if (this.#state === 'body') this.#exchange?.cancel();
    else if (this.#state === 'head') this.#finish();
  }

  onClose(_: Connection, _error: ConnectionError | null): void {
    this.#disarm();
    this.#partial?.ended();
    this.#state = 'closing';
    this.#exchange?.cancel();
    this.#service.released();
  }

  onTimer(): void {
    this.#timing = false;
    if (this.#state === 'closing') {
      this.connection.close();
      return;
    }
    if (this.#state !== 'head' || this.outbox.pendingBytes > 0) {
      this.#lookForStall();
      return;
    }
    if (this.#stash === null) return;
    this.#writeAnswer(this.#refusal(FAILURES.head_timed_out), true, true);
    this.#finish();
  }

  #watchStall(): void {
    if (this.#timing) return;
    this.#moved = this.connection.bytesRead + this.connection.bytesWritten;
    this.#arm(this.#context.stallTimeoutMs);
  }

  /** The client owes a body or does not take its answer. A body that we do not read ourselves is not its fault. */
  #lookForStall(): void {
    const reading = this.#state === 'body';
    const waits = this.outbox.pendingBytes > 0 || (reading && !this.#paused);
    if ((!waits && !reading) || this.#state === 'tunnel') return;
    if (!waits || this.connection.bytesRead + this.connection.bytesWritten !== this.#moved) {
      this.#watchStall();
      return;
    }
    const owes = this.outbox.pendingBytes > 0 ? FAILURES.answer_not_taken : FAILURES.body_timed_out;
    this.#breakOff(this.#refusal(owes));
  }

  #arm(delayMs: number): void {
    this.#timing = true;
    this.#timer ??= this.#context.timers.create(this, 'peer');
    this.#context.timers.set(this.#timer, delayMs);
  }

  #disarm(): void {
    if (!this.#timing) return;
    this.#timing = false;
    this.#context.timers.clear(this.#timer!);
  }
}
