import { NO_GRPC_STATUS } from '../../contract/policy/grpc-status.ts';
import type { BodySink } from '../../http/body-sink.ts';
import type { Unframer } from '../../http/bridge.ts';
import type { Exchange, ExchangeUpstream } from '../../http/exchange.ts';
import type { Trailers } from '../../http/message.ts';
import { CANCEL, ENHANCE_YOUR_CALM, NO_ERROR, PROTOCOL_ERROR } from './error-codes.ts';
import type { HeaderList } from './hpack/header-list.ts';
import type { Http2Response } from './response.ts';
import { trailerBlock, trailersOf } from './trailers.ts';
import type { Http2Client, Http2Stream, StreamEnd, StreamHandler } from './types.ts';

/** Who has promised a stream to a request. */
export interface StreamLender {
  /** The stream has been opened, or is not wanted any more. */
  leaseUsed(): void;
}

/** One attempt of an exchange on a stream of HTTP/2. */
export class ClientStream implements ExchangeUpstream, StreamHandler, BodySink {
  readonly #client: Http2Client;
  readonly #lender: StreamLender;
  #exchange: Exchange | null = null;
  #stream: Http2Stream | null = null;
  /** A response head of a gRPC call that waits for what follows it. */
  #peeked: Http2Response | null = null;
  /** Takes the framing off a body that came in chunks. */
  #chunked: Unframer | null = null;
  #requestTrailers: Trailers | null = null;
  #taken = true;
  /** END_STREAM has been sent. */
  #ended = false;
  /** A tunnel that the server does not take. */
  #refused = false;
  /** A tunnel whose server has ended; the client goes on. */
  #halfEnded = false;

  constructor(client: Http2Client, lender: StreamLender) {
    this.#client = client;
    this.#lender = lender;
  }

  begin(exchange: Exchange): void {
    this.#exchange = exchange;
  }

  writeHead(bytes: Buffer, from: number, to: number, end: boolean): boolean {
    const exchange = this.#exchange!;
    if (exchange.tunnels && !this.#client.allowsConnect) {
      this.#refuse();
      return true;
    }
    const stream = this.#client.open(this);
    this.#stream = stream;
    this.#lender.leaseUsed();
    if (exchange.framing === 'chunked') this.#chunked = exchange.bridge.unframer();
    this.#ended = end && to === from && this.#chunked === null;
    stream.toHead = exchange.isHead;
    stream.sendHeaders(exchange.head.http2Block(), this.#ended);
    const taken = to === from || this.write(bytes, from, to);
    if (end) this.finish(null);
    return taken;
  }

  /** Told in another turn: whoever sends is not called back meanwhile. */
  #refuse(): void {
    this.#refused = true;
    this.#lender.leaseUsed();
    queueMicrotask(() => {
      const exchange = this.#exchange;
      this.#exchange = null;
      exchange?.attemptFailed('unsupported');
    });
  }

  write(bytes: Buffer, from: number, to: number): boolean {
    if (this.#refused) return true;
    if (this.#chunked === null) return this.#stream!.sendData(bytes, from, to);
    this.#taken = true;
    this.#chunked.feed(bytes, from, to, this);
    return this.#taken;
  }

  /** Data of the chunks of a request. */
  range(bytes: Buffer, from: number, to: number): void {
    if (!this.#stream!.sendData(bytes, from, to)) this.#taken = false;
  }

  /** Trailers behind the chunks of a request. */
  trailers(section: Buffer): void {
    this.#requestTrailers = this.#exchange?.bridge.trailersOf(section) ?? null;
  }

  finish(trailers: Trailers | null): void {
    if (this.#ended || this.#refused) return;
    this.#ended = true;
    const last = trailers ?? this.#requestTrailers;
    if (last === null) this.#stream!.sendEnd();
    else this.#stream!.sendTrailers(trailerBlock(last, this.#client.scratch.writer));
    // The exchange ends here; what waits for the server is sent without it.
    if (this.#halfEnded) this.#exchange = null;
  }

  resume(): void {
    this.#stream?.consumed();
  }

  abandon(): void {
    this.#exchange = null;
    if (this.#stream !== null) this.#stream.reset(CANCEL);
    else if (!this.#refused) this.#lender.leaseUsed();
  }

  onResponse(_: Http2Stream, response: Http2Response, end: boolean): void {
    const exchange = this.#exchange;
    if (exchange === null) return;
    if (response.status < 200) {
      this.#interim(exchange, response);
      return;
    }
    // A client that has not said all may wait for this head before it does.
    if (exchange.peeks && exchange.replayable && !end && response.grpcStatus === NO_GRPC_STATUS)
      this.#peeked = response;
    else if (this.#respond(exchange, response, end) && end) this.#complete(exchange, null);
  }

  #interim(exchange: Exchange, response: Http2Response): void {
    if (exchange.takesInterim(response.list.sizeBytes)) {
      exchange.server?.interim(response);
      return;
    }
    this.#stream!.reset(ENHANCE_YOUR_CALM);
    this.#fail(exchange, false);
  }

  /** False: nobody wants this response any more. */
  #respond(exchange: Exchange, response: Http2Response, end: boolean): boolean {
    this.#peeked = null;
    if (exchange.responded(response)) {
      exchange.passOn(response, end);
      // The client could not be told.
      return this.#exchange !== null;
    }
    // The call has another plan, or has answered already; then this attempt was abandoned.
    if (this.#exchange !== null) {
      this.#exchange = null;
      this.#leave(end);
    }
    return false;
  }

  /** What is still to come is for nobody. `answered`: nothing is. */
  #leave(answered: boolean): void {
    const stream = this.#stream!;
    if (!answered || !this.#ended || stream.pendingBytes > 0) stream.reset(CANCEL);
  }

  onData(_: Http2Stream, bytes: Buffer, from: number, to: number): boolean {
    const exchange = this.#exchange;
    if (exchange === null) return true;
    if (this.#peeked !== null && !this.#respond(exchange, this.#peeked, false)) return true;
    return exchange.responseRange(bytes, from, to);
  }

  onEnd(_: Http2Stream, list: HeaderList | null): void {
    const exchange = this.#exchange;
    if (exchange === null) return;
    const trailers = list === null ? null : trailersOf(list, this.#client.scratch);
    if (typeof trailers === 'number') {
      this.#stream!.reset(PROTOCOL_ERROR);
      this.#fail(exchange, false);
      return;
    }
    if (trailers !== null && trailers.grpcStatus !== NO_GRPC_STATUS) exchange.grpcStatus = trailers.grpcStatus;
    if (this.#peeked !== null && !this.#respond(exchange, this.#peeked, false)) return;
    this.#complete(exchange, trailers);
  }

  #complete(exchange: Exchange, trailers: Trailers | null): void {
    if (exchange.tunnels && !exchange.requestDone && exchange.status < 300) {
      this.#halfEnded = true;
      exchange.tunnelHalfEnded();
      return;
    }
    this.#exchange = null;
    exchange.detachUpstream();
    // A server that has answered without reading all wants no more of it (RFC 9113 section 8.1).
    this.#leave(true);
    exchange.responseEnded(trailers);
  }

  onWritable(): void {
    this.#exchange?.upstreamDrained();
  }

  onReset(_: Http2Stream, end: StreamEnd): void {
    const exchange = this.#exchange;
    if (exchange === null) return;
    // NO_ERROR would tell the client that nothing is missing (RFC 9113 section 8.1).
    if (end.byPeer && end.code !== NO_ERROR) exchange.resetCode = end.code;
    this.#fail(exchange, end.unprocessed);
  }

  #fail(exchange: Exchange, unprocessed: boolean): void {
    this.#exchange = null;
    if (exchange.responding) exchange.truncated();
    else exchange.attemptFailed(unprocessed ? 'unsent' : this.#isGone() ? 'stale' : 'lost');
  }

  /** The server's machine does not answer any more: it has most likely read nothing of what it has not answered. */
  #isGone(): boolean {
    return this.#client.connection.failure?.kind === 'timeout';
  }
}
