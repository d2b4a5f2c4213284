import type { Answer } from '../../http/answer.ts';
import type { ExchangeEnd } from '../../http/call.ts';
import { type Exchange, type ExchangeServer, NO_RESET } from '../../http/exchange.ts';
import type { ExchangePool } from '../../http/exchange-pool.ts';
import { FAILURES, type Failure } from '../../http/failures.ts';
import type { ResponseMessage, Trailers } from '../../http/message.ts';
import { CANCEL, INTERNAL_ERROR } from './error-codes.ts';
import { BlockWriter } from './hpack/encode.ts';
import type { HeaderList } from './hpack/header-list.ts';
import { Http2Response } from './response.ts';
import type { Http2Scratch } from './scratch.ts';
import { trailerBlock, trailersOf } from './trailers.ts';
import type { Http2Stream, StreamEnd, StreamHandler } from './types.ts';

/** The connection of a stream. */
export interface ServerStreamOwner {
  readonly exchanges: ExchangePool;
  readonly scratch: Http2Scratch;
  /** The stream's exchange has ended: the record may serve another. */
  streamEnded(serving: ServerStream, isTunnel: boolean): void;
}

/** The client's side of an exchange that came on a stream of HTTP/2. Pooled by its session. */
export class ServerStream implements ExchangeServer, StreamHandler {
  readonly protocol = 'http2';
  readonly framed = false;
  readonly reading = false;
  #session!: ServerStreamOwner;
  #stream!: Http2Stream;
  #exchange: Exchange | null = null;
  /** The next hop does not take the request's bytes: what is handed on is kept there, and not credited to the client. */
  #held = false;
  /** END_STREAM has been sent. */
  #ended = false;
  /** The stream is gone: nothing can be sent or reset any more. */
  #gone = false;

  begin(session: ServerStreamOwner, stream: Http2Stream, exchange: Exchange): void {
    this.#session = session;
    this.#stream = stream;
    this.#exchange = exchange;
    this.#held = false;
    this.#ended = false;
    this.#gone = false;
  }

  onData(_: Http2Stream, bytes: Buffer, from: number, to: number): boolean {
    this.#exchange?.requestRange(bytes, from, to);
    return !this.#held;
  }

  onEnd(_: Http2Stream, trailers: HeaderList | null): void {
    const exchange = this.#exchange;
    if (exchange === null) return;
    const meaning = trailers === null ? null : trailersOf(trailers, this.#session.scratch);
    exchange.requestEnded(typeof meaning === 'number' ? null : meaning);
  }

  onWritable(): void {
    this.#exchange?.clientDrained();
  }

  onReset(_: Http2Stream, _end: StreamEnd): void {
    this.#gone = true;
    this.#exchange?.cancel();
  }

  onResponse(): void {}

  /** Ends the exchange from this side: the policy does not allow it any more. */
  cancel(): void {
    this.#exchange?.cancel();
  }

  holdRequest(): void {
    this.#held = true;
  }

  resumeRequest(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#stream.consumed();
  }

  interim(message: ResponseMessage): void {
    this.#stream.sendHeaders(this.#blockOf(message, false), false);
  }

  respond(message: ResponseMessage, ends: boolean): void {
    this.#ended = ends;
    if (message.status >= 300) this.#stream.tunnel = false;
    this.#stream.sendHeaders(this.#blockOf(message, this.#exchange!.tellsProxyError), ends);
  }

  #blockOf(message: ResponseMessage, tellsError: boolean): Buffer {
    if (message instanceof Http2Response) return message.forwardBlock(tellsError, this.#session.scratch.writer);
    return this.#exchange!.bridge.responseBlock(message);
  }

  write(bytes: Buffer, from: number, to: number): boolean {
    return this.#stream.sendData(bytes, from, to);
  }

  flush(): boolean {
    return true;
  }

  takeBack(): boolean {
    return false;
  }

  endResponse(trailers: Trailers | null): void {
    if (this.#ended) return;
    this.#ended = true;
    if (trailers === null) this.#stream.sendEnd();
    else this.#stream.sendTrailers(trailerBlock(trailers, this.#session.scratch.writer));
  }

  writeAnswer(answer: Answer): boolean {
    const exchange = this.#exchange!;
    const { writer } = this.#session.scratch;
    const body = Buffer.from(exchange.isHead || exchange.isGrpc ? '' : answer.body, 'utf8');
    this.#ended = true;
    this.#stream.tunnel = false;
    this.#stream.sendHeaders(
      exchange.isGrpc ? grpcAnswer(exchange, answer, writer) : httpAnswer(answer, writer),
      body.length === 0,
    );
    if (body.length > 0) {
      this.#stream.sendData(body, 0, body.length);
      this.#stream.sendEnd();
    }
    return true;
  }

  /** Only connections of HTTP/1 switch protocols as a whole; the codec refuses a 101 that was not asked for. */
  tunnel(): void {
    this.#stream.reset(INTERNAL_ERROR);
  }

  exchangeEnded(exchange: Exchange, end: ExchangeEnd): void {
    this.#exchange = null;
    this.#stream.handler = NOBODY;
    if (!this.#gone) {
      if (end === 'cancelled') this.#stream.reset(CANCEL);
      else if (end === 'truncated') this.#breakOff(exchange);
      else if (this.#held) this.#stream.consumed();
    }
    this.#held = false;
    this.#session.exchanges.give(exchange);
    this.#session.streamEnded(this, exchange.tunnels);
  }

  /** A reset of the server is passed on as it is; a gRPC client that has had a head is told the status in trailers otherwise. */
  #breakOff(exchange: Exchange): void {
    if (exchange.resetCode !== NO_RESET) this.#stream.reset(exchange.resetCode);
    else if (exchange.isGrpc && exchange.responding) {
      this.#stream.sendTrailers(exchange.grpcStatus > 0 ? LATE_TRAILERS : LOST_TRAILERS);
    } else this.#stream.reset(INTERNAL_ERROR);
  }
}

/** What a stream hears of whose exchange has ended. */
const NOBODY: StreamHandler = {
  onResponse: () => {},
  onData: () => true,
  onEnd: () => {},
  onWritable: () => {},
  onReset: () => {},
};

/** Of a gRPC call whose server was lost in the middle of its response (linkerd2-proxy: errors/respond, as trailers). */
const LOST_TRAILERS = trailersFor(FAILURES.connection_lost);

/** … or whose time was over. */
const LATE_TRAILERS = trailersFor(FAILURES.response_overran);

function trailersFor({ grpcStatus, text }: Failure): Buffer {
  return new BlockWriter().block(['grpc-status', 'grpc-message'], [String(grpcStatus), text]);
}

function httpAnswer({ status, fields, body }: Answer, writer: BlockWriter): Buffer {
  const names = [':status', 'content-length'];
  const values = [String(status), String(Buffer.byteLength(body))];
  for (const [name, value] of fields) {
    names.push(name);
    values.push(value);
  }
  return writer.block(names, values);
}

/** gRPC clients read the status of a call from `grpc-status`, in a response that is its head only (gRPC over HTTP2: Trailers-Only). */
function grpcAnswer(exchange: Exchange, { grpcStatus, fields, reason }: Answer, writer: BlockWriter): Buffer {
  exchange.grpcStatus = grpcStatus;
  const names = [':status', 'content-type', 'grpc-status'];
  const values = ['200', 'application/grpc', String(grpcStatus)];
  if (reason !== '') {
    names.push('grpc-message');
    values.push(reason);
  }
  for (const [name, value] of fields) {
    names.push(name);
    values.push(value);
  }
  return writer.block(names, values);
}
