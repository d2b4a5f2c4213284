import type { BodySink } from '../../http/body-sink.ts';
import type { AttemptFailure } from '../../http/call.ts';
import type { Exchange, ExchangeUpstream } from '../../http/exchange.ts';
import type { Trailers } from '../../http/message.ts';
import { Outbox } from '../../io/tcp/outbox.ts';
import type { Connection, ConnectionError, ConnectionHandler } from '../../io/transport/types.ts';
import { BodyReader } from './body.ts';
import { chunkOf, lastChunk } from './chunks.ts';
import type { BodyKind, ResponseHead } from './head.ts';
import { INCOMPLETE } from './parse-fields.ts';
import { dropFraming, parseResponse, responseBody } from './parse-response.ts';
import { TOO_MANY_INTERIM, UNASKED_UPGRADE } from './rejection.ts';
import type { Http1Scratch } from './scratch.ts';

/** Where a connection goes between exchanges. */
export interface ClientConnectionOwner {
  /** The response is complete and the connection may carry another. */
  becameIdle(connection: ClientConnection): void;
  /** The connection is of no use any more; also when it was idle. Once. */
  becameUnusable(connection: ClientConnection): void;
}

/** Rest of an unwanted response that is read so that its connection can be used again. */
const MAX_DISCARD_BYTES = 64 * 1024;

/** The proxy's connection to a server: one exchange at a time, kept between them. */
export class ClientConnection implements ConnectionHandler, ExchangeUpstream, BodySink {
  readonly connection: Connection;
  readonly outbox: Outbox;
  readonly #owner: ClientConnectionOwner;
  readonly #body: BodyReader;
  readonly #scratch: Http1Scratch;
  #exchange: Exchange | null = null;
  /** What precedes the first request: the transport header. */
  #prelude: Buffer | null;
  /** A response head has been started but not finished. */
  #partial: Buffer | null = null;
  #inHead = true;
  #answered = 0;
  #heardBytes = false;
  #sentBefore = 0;
  /** The request's body comes without framing and is put into chunks. */
  #chunks = false;
  /** Trailers of the present response, where its framing is taken away. */
  #trailers: Trailers | null = null;
  /** The server wants to keep the connection, … */
  #persistent = true;
  /** … for so long: a second less than it says (`Keep-Alive`), so that no request meets the end of it. */
  keepAliveMs: number = Number.POSITIVE_INFINITY;
  /** 101 has come before the request was complete: it holds from then on. */
  #switchWaits = false;
  #discarding = false;
  #discarded = 0;
  #paused = false;
  #usable = true;

  /** Takes over an established connection. */
  constructor(connection: Connection, prelude: Buffer | null, owner: ClientConnectionOwner, scratch: Http1Scratch) {
    this.connection = connection;
    this.#scratch = scratch;
    this.#body = new BodyReader(scratch.headBytes);
    this.outbox = new Outbox(connection);
    this.#prelude = prelude;
    this.#owner = owner;
    connection.handler = this;
  }

  begin(exchange: Exchange): void {
    this.#exchange = exchange;
    this.#inHead = true;
    this.#switchWaits = false;
    this.#heardBytes = false;
    this.#trailers = null;
    this.#sentBefore = this.connection.bytesWritten;
  }

  /** The head and the first bytes of the body, in one write where they fit. False = the kernel is full. */
  writeHead(bytes: Buffer, from: number, to: number, end: boolean): boolean {
    const exchange = this.#exchange!;
    const prelude = this.#prelude;
    const head = exchange.head.http1;
    this.#chunks = exchange.rechunks;
    if (head !== null && prelude === null && from === to) return this.outbox.write(head, 0, exchange.head.length);
    const scratch = this.#scratch;
    let at = 0;
    if (prelude !== null) at = prelude.copy(scratch.bytes, 0);
    this.#prelude = null;
    at = exchange.writeHttp1Head(scratch.bytes, at);
    if (this.#chunks) return this.#writeInChunks(at, bytes, from, to, end);
    const copied = Math.min(to - from, scratch.roomBehind(at));
    at += bytes.copy(scratch.bytes, at, from, from + copied);
    const taken = this.outbox.write(scratch.bytes, 0, at);
    return from + copied === to ? taken : this.outbox.write(bytes, from + copied, to);
  }

  #writeInChunks(headLength: number, bytes: Buffer, from: number, to: number, end: boolean): boolean {
    let taken = this.outbox.write(this.#scratch.bytes, 0, headLength);
    if (to > from) taken = this.write(bytes, from, to);
    if (end) this.finish(null);
    return taken;
  }

  write(bytes: Buffer, from: number, to: number): boolean {
    if (!this.#chunks) return this.outbox.write(bytes, from, to);
    const chunk = chunkOf(bytes, from, to);
    return this.outbox.write(chunk, 0, chunk.length);
  }

  /** A framed body has brought its own end. */
  finish(trailers: Trailers | null): void {
    // In a turn of its own: whoever ends the request is in the middle of reading it.
    if (this.#switchWaits) queueMicrotask(() => this.#switchNow());
    if (!this.#chunks) return;
    this.#chunks = false;
    const last = Buffer.from(lastChunk(trailers), 'latin1');
    this.outbox.write(last, 0, last.length);
  }

  /** The owner lets go of an idle connection. */
  retire(): void {
    if (this.#retire()) this.connection.close();
  }

  /** The exchange has ended before its response: what is still to come could not be told from the next one's. */
  abandon(): void {
    this.#exchange = null;
    this.#discard();
  }

  onConnect(): void {}
  onSecure(): void {}

  onData(_: Connection, chunk: Buffer): void {
    if (!this.#usable) return;
    this.#heardBytes = true;
    const partial = this.#partial;
    this.#partial = null;
    if (partial === null) this.#read(chunk, chunk.length);
    else this.#resume(Buffer.concat([partial, chunk]), partial.length);
  }

  /** Parses a head anew only when another line of it has come. */
  #resume(bytes: Buffer, before: number): void {
    if (bytes.length <= this.#scratch.headBytes && bytes.indexOf(10, before) === -1) this.#partial = bytes;
    else this.#read(bytes, bytes.length);
  }

  #read(bytes: Buffer, to: number): void {
    let at = 0;
    while (at < to) {
      const end = this.#inHead ? this.#readHead(bytes, at, to) : this.#body.feed(bytes, at, to, this);
      if (end < 0) {
        this.#fail('malformed');
        return;
      }
      if (!this.#usable) return;
      if (end === 0) {
        this.#partial = Buffer.from(bytes.subarray(at, to));
        return;
      }
      at = end;
      if (!this.#inHead && this.#body.done) {
        this.#complete(at < to);
        return;
      }
    }
    this.#flush();
    if (this.#discarding && this.#discarded > MAX_DISCARD_BYTES) this.#discard();
  }

  /** Position after the head, 0 when more is needed, or a negative number. */
  #readHead(bytes: Buffer, at: number, to: number): number {
    if (this.#exchange === null) {
      this.#discard();
      return at;
    }
    const head = this.#scratch.response;
    const end = parseResponse(head, bytes, at, to);
    if (end <= 0) return end;
    if (head.status === 101 || this.#connects(head)) return this.#switched(head, bytes, end, to);
    if (head.status < 200) return this.#interimHead(head, end);
    this.#finalHead(head);
    return end;
  }

  #interimHead(head: ResponseHead, end: number): number {
    const exchange = this.#exchange!;
    if (!exchange.takesInterim(end - head.start)) return TOO_MANY_INTERIM;
    exchange.server?.interim(head);
    return end;
  }

  #finalHead(head: ResponseHead): void {
    const exchange = this.#exchange!;
    const kind = responseBody(head, exchange.isHead);
    this.#inHead = false;
    this.#persistent = staysUsable(head, exchange);
    this.keepAliveMs = head.keepAliveS === -1 ? Number.POSITIVE_INFINITY : (head.keepAliveS - 1) * 1000;
    if (exchange.responded(head)) {
      this.#body.begin(kind, head, !exchange.server!.framed);
      passOn(head, exchange, kind);
    } else if (this.#usable) {
      this.#exchange = null;
      this.#discarding = true;
      this.#discarded = 0;
      this.#body.begin(kind, head, false);
    }
  }

  /** RFC 9110 section 9.3.6: any 2xx says that the tunnel is there. */
  #connects({ status }: ResponseHead): boolean {
    return this.#exchange!.connect && status >= 200 && status < 300;
  }

  /** 101: from here on the two connections are one stream. Not before the client has sent all of its request (RFC 9110 section 7.8). */
  #switched(head: ResponseHead, bytes: Buffer, end: number, to: number): number {
    const exchange = this.#exchange!;
    const mayUpgrade = exchange.upgrade && !exchange.connect && head.upgradeField !== -1;
    if (head.status === 101 && !mayUpgrade) return UNASKED_UPGRADE;
    if (!exchange.requestDone) {
      this.#switchWaits = true;
      this.#pause();
      return INCOMPLETE;
    }
    // What a response to CONNECT says of a body means nothing.
    if (exchange.connect) dropFraming(head);
    else head.keep(head.upgradeField);
    if (!exchange.responded(head)) {
      this.#exchange = null;
      this.#discard();
      return to;
    }
    passOn(head, exchange, 'none');
    this.#exchange = null;
    this.#retire();
    exchange.switchProtocols(this.outbox, bytes, end, to);
    return to;
  }

  #switchNow(): void {
    const partial = this.#partial;
    if (partial === null || !this.#switchWaits || this.#exchange === null) return;
    this.#switchWaits = false;
    this.#partial = null;
    this.resume();
    this.#read(partial, partial.length);
  }

  /** Bytes of the response body. */
  range(bytes: Buffer, from: number, to: number): void {
    const exchange = this.#exchange;
    if (exchange === null) {
      this.#discarded += to - from;
      return;
    }
    if (!exchange.responseRange(bytes, from, to)) this.#pause();
  }

  trailers(section: Buffer): void {
    this.#trailers = this.#exchange?.bridge.trailersOf(section) ?? null;
  }

  /** Writes a head that waits, and what was put behind it. */
  #flush(): void {
    if (this.#exchange?.responding === true && !this.#exchange.server!.flush()) this.#pause();
  }

  #pause(): void {
    this.#paused = true;
    this.connection.pause();
  }

  /** The client takes bytes again, or the response that it could not take is all read. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.connection.resume();
  }

  #complete(hasMore: boolean): void {
    const exchange = this.#exchange;
    // Bytes that nobody asked for: the response cannot be trusted either, while it can still be held back. A body where there is none is only dropped: where
    // the response ends is beyond doubt (RFC 9112 section 6.3).
    if (hasMore && this.#body.kind !== 'none' && exchange?.takeBack() === true) {
      this.#fail('malformed');
      return;
    }
    this.#flush();
    this.#exchange = null;
    this.#answered++;
    const reusable =
      this.#persistent && this.keepAliveMs > 0 && !hasMore && (this.#discarding || exchange!.requestDone);
    this.#discarding = false;
    this.#inHead = true;
    this.resume();
    exchange?.detachUpstream();
    if (reusable && this.connection.isOpen) this.#owner.becameIdle(this);
    else if (this.#retire()) this.connection.close();
    exchange?.responseEnded(this.#trailers);
  }

  #fail(failure: AttemptFailure): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    this.#discard();
    if (exchange === null) return;
    // What has not been written yet is taken back: then another answer can be given.
    if (exchange.responding && !exchange.takeBack()) exchange.truncated();
    else exchange.attemptFailed(failure);
  }

  #discard(): void {
    if (this.#retire()) this.connection.reset();
  }

  #retire(): boolean {
    if (!this.#usable) return false;
    this.#usable = false;
    this.#owner.becameUnusable(this);
    return true;
  }

  onDrain(): void {
    if (this.outbox.drain()) this.#exchange?.upstreamDrained();
  }

  onEnd(): void {
    if (!this.#inHead && this.#body.endsAtClose && this.#exchange !== null) this.#completeAtClose();
    else this.#fail(this.#lossOf(null));
  }

  #completeAtClose(): void {
    this.#persistent = false;
    this.#complete(false);
  }

  onClose(_: Connection, error: ConnectionError | null): void {
    // An error in the middle of a body that ends at the close is no end of it.
    if (error !== null || this.#usable) this.#fail(this.#lossOf(error));
  }

  #lossOf(error: ConnectionError | null): AttemptFailure {
    if (this.connection.bytesWritten === this.#sentBefore) return 'unsent';
    // A machine that is gone has most likely read as little as a server that has given the connection up.
    const unread = this.#answered > 0 || error?.kind === 'timeout';
    return unread && !this.#heardBytes ? 'stale' : 'lost';
  }
}

function passOn(head: ResponseHead, exchange: Exchange, body: BodyKind): void {
  head.body = body;
  if (exchange.tellsProxyError) head.keepProxyError();
  exchange.passOn(head, head.ends);
}

/** Whether another response may come behind this one, as far as its head tells. */
function staysUsable(head: ResponseHead, exchange: Exchange): boolean {
  // What a server takes for the body of a refused upgrade, or of a response that has none, may not be what we do.
  if (head.forbiddenBody || exchange.connect || (exchange.upgrade && exchange.requestBytes > 0)) return false;
  return head.minorVersion === 1 ? !head.close : head.keepAlive;
}
