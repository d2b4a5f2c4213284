import type { Failure } from '../../http/failures.ts';
import { FAILURES } from '../../http/failures.ts';
import type { Connection } from '../../io/transport/types.ts';
import { NOT_REMEMBERED, RESET_BY_US } from './closed-streams.ts';
import { Http2Connection } from './connection.ts';
import { DRAIN } from './deadlines.ts';
import { errorName, NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM } from './error-codes.ts';
import { MAX_31_BIT, PREFACE } from './frames.ts';
import { encodeBlock } from './hpack/encode.ts';
import type { HeaderList } from './hpack/header-list.ts';
import type { Http2Context } from './limits.ts';
import { CONNECT_DISABLED } from './rejection.ts';
import { requestOf } from './request.ts';
import { PeerSettings, serverOpening } from './settings.ts';
import { EngineStream, NO_STREAM_HANDLER } from './stream.ts';
import type { Http2Server, Http2ServerOwner, StreamEnd } from './types.ts';

const STREAM_BROKEN_OFF = 'the HTTP/2 stream was broken off';
const PING_DATA = Buffer.from('weftdrai', 'latin1');

/** The server's side of a connection. */
export class Http2ServerConnection extends Http2Connection implements Http2Server {
  readonly #owner: Http2ServerOwner;
  #prefaceBytes = 0;
  /** Highest stream of the peer, whatever became of it. */
  #lastId = 0;
  #draining = false;
  #blockWaits = false;
  /** Streams above came after the last GOAWAY: the peer knows that they are ignored. */
  #finalId = MAX_31_BIT;
  /** Answered completely before the request ended. Put off to the end of the event, because most requests end in it. */
  #early: EngineStream[] = [];
  #earlySpare: EngineStream[] = [];

  constructor(connection: Connection, owner: Http2ServerOwner, context: Http2Context) {
    super(connection, context, new PeerSettings(true));
    this.#owner = owner;
    this.output.hold(serverOpening(context.limits));
    this.output.touch();
  }

  get idle(): boolean {
    return this.streams.size === 0;
  }

  protected get lastServed(): number {
    return Math.min(this.#lastId, this.#finalId);
  }

  drain(): void {
    if (this.#draining || this.deaf) return;
    this.#draining = true;
    this.output.goaway(MAX_31_BIT, NO_ERROR);
    this.output.ping(0, PING_DATA, 0);
    this.deadlines.set(DRAIN, this.limits.drainPingTimeoutMs);
  }

  protected override pingAnswered(): void {
    if (this.#draining && this.#finalId === MAX_31_BIT) this.drainOver();
  }

  protected override drainOver(): void {
    if (this.deaf || this.#finalId !== MAX_31_BIT) return;
    this.deadlines.clear(DRAIN);
    this.#finalId = this.#lastId;
    this.output.goaway(this.#lastId, NO_ERROR);
    this.#finishIfDrained();
  }

  #finishIfDrained(): void {
    if (this.#finalId !== MAX_31_BIT && this.streams.size === 0) this.finish();
  }

  closeIdle(): void {
    if (this.streams.size > 0 || this.deaf) return;
    this.#finalId = this.#lastId;
    this.output.goaway(this.#lastId, NO_ERROR);
    this.finish();
  }

  protected override read(chunk: Buffer): void {
    let at = 0;
    while (this.#prefaceBytes < PREFACE.length && at < chunk.length) {
      if (chunk[at++] !== PREFACE[this.#prefaceBytes++]) {
        this.fail(PROTOCOL_ERROR);
        return;
      }
    }
    this.reader.feed(chunk, at);
  }

  protected isIdle(id: number): boolean {
    return (id & 1) === 0 || id > this.#lastId;
  }

  protected override opens(id: number, list: HeaderList, ends: boolean): void {
    if (!this.#begins(id)) return;
    const request = requestOf(list);
    if (typeof request === 'number') {
      if (request === CONNECT_DISABLED) this.#answer(id, FAILURES.no_connect, ends);
      else this.#refuse(id, PROTOCOL_ERROR);
      return;
    }
    if (ends && request.contentLength > 0) {
      this.#refuse(id, PROTOCOL_ERROR);
      return;
    }
    const stream = new EngineStream(this, id, this.peer.initialWindow, this.limits.streamWindowBytes);
    stream.expectedBytes = request.contentLength;
    stream.tunnel = request.method === 'CONNECT';
    stream.peerEnded = ends;
    this.streams.set(id, stream);
    this.#owner.streamOpened(stream, request, ends);
  }

  protected override fail(code: number): void {
    if (!this.deaf) this.#owner.requestRefused(errorName(code), 'the HTTP/2 connection was broken off');
    super.fail(code);
  }

  protected override streamError(stream: EngineStream, code: number): void {
    this.#owner.requestRefused(errorName(code), STREAM_BROKEN_OFF);
    super.streamError(stream, code);
  }

  /** False: the stream is refused, or ignored. */
  #begins(id: number): boolean {
    if ((id & 1) === 0) {
      this.fail(PROTOCOL_ERROR);
      return false;
    }
    this.#lastId = id;
    if (id > this.#finalId) return false;
    this.opened();
    if (this.streams.size < this.limits.serverStreams) return true;
    this.#refuse(id, REFUSED_STREAM);
    return false;
  }

  #refuse(id: number, code: number): void {
    this.#owner.requestRefused(errorName(code), STREAM_BROKEN_OFF);
    this.closedStreams.add(id, RESET_BY_US);
    this.output.reset(id, code);
    this.spendReset();
  }

  /** A response without a stream. */
  #answer(id: number, { status, text }: Failure, ends: boolean): void {
    this.#owner.requestRefused(`${status}`, text);
    this.closedStreams.add(id, RESET_BY_US);
    this.output.headers(id, encodeBlock([':status', 'content-length'], [`${status}`, '0']), true);
    if (!ends) this.output.reset(id, NO_ERROR);
  }

  /** An identifier that was skipped may not be used later (RFC 9113 section 5.1.1). */
  protected override headersOnClosed(id: number): void {
    if (id <= this.#finalId && this.closedStreams.find(id) === NOT_REMEMBERED) this.fail(PROTOCOL_ERROR);
    else this.onClosed(id);
  }

  protected override oversized(id: number, stream: EngineStream | null, ends: boolean): void {
    if (stream !== null) this.streamError(stream, PROTOCOL_ERROR);
    else if (this.#begins(id)) this.#answer(id, FAILURES.head_too_large, ends);
  }

  protected override sectionOf(stream: EngineStream, list: HeaderList, ends: boolean): void {
    this.trailers(stream, list, ends);
  }

  protected override mayHaveBody(): boolean {
    return true;
  }

  protected override resetByPeer(stream: EngineStream, end: StreamEnd): void {
    super.resetByPeer(stream, end);
    this.spendReset();
  }

  protected override sentBeforePeer(stream: EngineStream): void {
    if (stream.tunnel) return;
    // Its handler has done its work.
    stream.handler = NO_STREAM_HANDLER;
    this.#early.push(stream);
    this.output.touch();
  }

  protected override settle(): void {
    if (this.#early.length === 0) return;
    const early = this.#early;
    this.#early = this.#earlySpare;
    this.#earlySpare = early;
    for (const stream of early) stream.reset(NO_ERROR);
    early.length = 0;
  }

  protected override streamGone(): void {
    this.#finishIfDrained();
  }

  protected override unsent(): boolean {
    return false;
  }

  protected override goaway(): void {
    // The client opens no more streams; it closes when it has what it wants.
  }

  protected override blockWaits(waits: boolean): void {
    if (waits === this.#blockWaits) return;
    this.#blockWaits = waits;
    this.#owner.headWaits(waits);
  }

  protected override settingsChanged(): void {}
  protected override keepAlive(): void {}
  protected override unusable(): void {}

  protected override closed(): void {
    this.#owner.closed(this);
  }
}
