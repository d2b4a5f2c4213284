import { FAILURES, type Failure } from '../../http/failures.ts';
import type { Connection } from '../../io/transport/types.ts';
import { NOT_REMEMBERED, RESET_BY_US } from './closed-streams.ts';
import { DRAIN } from './deadlines.ts';
import { Engine, type Role } from './engine.ts';
import { errorName, NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM } from './error-codes.ts';
import { MAX_31_BIT } from './frames.ts';
import type { HeaderList } from './hpack/header-list.ts';
import type { Http2Context } from './limits.ts';
import { PREFACE } from './preface.ts';
import { CONNECT_DISABLED } from './rejection.ts';
import { requestOf } from './request.ts';
import type { Http2Scratch } from './scratch.ts';
import { PeerSettings, serverOpening } from './settings.ts';
import { EngineStream, NO_STREAM_HANDLER } from './stream.ts';
import type { Http2Server, Http2ServerOwner } from './types.ts';

const STREAM_BROKEN_OFF = 'the HTTP/2 stream was broken off';
const PING_DATA = Buffer.from('weftdrai', 'latin1');

/** The server's side of a connection. */
export class Http2ServerConnection implements Http2Server, Role {
  readonly #owner: Http2ServerOwner;
  readonly #engine: Engine;
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
    this.#owner = owner;
    this.#engine = new Engine(connection, context, new PeerSettings(true), this);
    const { output } = this.#engine;
    output.hold(serverOpening(context.limits));
    output.touch();
  }

  get connection(): Connection {
    return this.#engine.connection;
  }

  get scratch(): Http2Scratch {
    return this.#engine.scratch;
  }

  get idle(): boolean {
    return this.#engine.streams.open.size === 0;
  }

  get lastServed(): number {
    return Math.min(this.#lastId, this.#finalId);
  }

  drain(): void {
    if (this.#draining || this.#engine.flow.deaf) return;
    this.#draining = true;
    this.#engine.output.goaway(MAX_31_BIT, NO_ERROR);
    this.#engine.output.ping(0, PING_DATA, 0);
    this.#engine.lifecycle.deadlines.set(DRAIN, this.#engine.limits.drainPingTimeoutMs);
  }

  pingAnswered(): void {
    if (this.#draining && this.#finalId === MAX_31_BIT) this.drainOver();
  }

  drainOver(): void {
    if (this.#engine.flow.deaf || this.#finalId !== MAX_31_BIT) return;
    this.#engine.lifecycle.deadlines.clear(DRAIN);
    this.#finalId = this.#lastId;
    this.#engine.output.goaway(this.#lastId, NO_ERROR);
    this.#finishIfDrained();
  }

  #finishIfDrained(): void {
    if (this.#finalId !== MAX_31_BIT && this.#engine.streams.open.size === 0) this.#engine.lifecycle.finish();
  }

  closeIdle(): void {
    if (this.#engine.streams.open.size > 0 || this.#engine.flow.deaf) return;
    this.#finalId = this.#lastId;
    this.#engine.output.goaway(this.#lastId, NO_ERROR);
    this.#engine.lifecycle.finish();
  }

  read(chunk: Buffer): void {
    let at = 0;
    while (this.#prefaceBytes < PREFACE.length && at < chunk.length) {
      if (chunk[at++] !== PREFACE[this.#prefaceBytes++]) {
        this.#engine.lifecycle.fail(PROTOCOL_ERROR);
        return;
      }
    }
    this.#engine.frames.reader.feed(chunk, at);
  }

  isIdle(id: number): boolean {
    return (id & 1) === 0 || id > this.#lastId;
  }

  opens(id: number, list: HeaderList, ends: boolean): void {
    if (!this.#begins(id)) return;
    const request = requestOf(list, this.scratch);
    if (typeof request === 'number') {
      if (request === CONNECT_DISABLED) this.#answer(id, FAILURES.no_connect, ends);
      else this.#refuse(id, PROTOCOL_ERROR);
      return;
    }
    if (ends && request.contentLength > 0) {
      this.#refuse(id, PROTOCOL_ERROR);
      return;
    }
    const stream = new EngineStream(
      this.#engine.streams,
      id,
      this.#engine.peer.initialWindow,
      this.#engine.limits.streamWindowBytes,
    );
    stream.expectedBytes = request.contentLength;
    stream.tunnel = request.method === 'CONNECT';
    stream.peerEnded = ends;
    this.#engine.streams.open.set(id, stream);
    this.#owner.streamOpened(stream, request, ends);
  }

  fails(code: number): void {
    this.#owner.requestRefused(errorName(code), 'the HTTP/2 connection was broken off');
  }

  streamFails(code: number): void {
    this.#owner.requestRefused(errorName(code), STREAM_BROKEN_OFF);
  }

  /** False: the stream is refused, or ignored. */
  #begins(id: number): boolean {
    if ((id & 1) === 0) {
      this.#engine.lifecycle.fail(PROTOCOL_ERROR);
      return false;
    }
    this.#lastId = id;
    if (id > this.#finalId) return false;
    this.#engine.budget.opened();
    if (this.#engine.streams.open.size < this.#engine.limits.serverStreams) return true;
    this.#refuse(id, REFUSED_STREAM);
    return false;
  }

  #refuse(id: number, code: number): void {
    this.#owner.requestRefused(errorName(code), STREAM_BROKEN_OFF);
    this.#engine.streams.closed.add(id, RESET_BY_US);
    this.#engine.output.reset(id, code);
    this.#engine.budget.spendReset();
  }

  /** A response without a stream. */
  #answer(id: number, { status, text }: Failure, ends: boolean): void {
    this.#owner.requestRefused(`${status}`, text);
    this.#engine.streams.closed.add(id, RESET_BY_US);
    this.#engine.output.headers(id, this.scratch.writer.block([':status', 'content-length'], [`${status}`, '0']), true);
    if (!ends) this.#engine.output.reset(id, NO_ERROR);
  }

  /** An identifier that was skipped may not be used later (RFC 9113 section 5.1.1). */
  headersOnClosed(id: number): void {
    if (id <= this.#finalId && this.#engine.streams.closed.find(id) === NOT_REMEMBERED)
      this.#engine.lifecycle.fail(PROTOCOL_ERROR);
    else this.#engine.frames.onClosed(id);
  }

  oversized(id: number, stream: EngineStream | null, ends: boolean): void {
    if (stream !== null) this.#engine.streams.fail(stream, PROTOCOL_ERROR);
    else if (this.#begins(id)) this.#answer(id, FAILURES.head_too_large, ends);
  }

  sectionOf(stream: EngineStream, list: HeaderList, ends: boolean): void {
    this.#engine.frames.trailers(stream, list, ends);
  }

  mayHaveBody(): boolean {
    return true;
  }

  streamReset(): void {
    this.#engine.budget.spendReset();
  }

  sentBeforePeer(stream: EngineStream): void {
    if (stream.tunnel) return;
    // Its handler has done its work.
    stream.handler = NO_STREAM_HANDLER;
    this.#early.push(stream);
    this.#engine.output.touch();
  }

  settle(): void {
    if (this.#early.length === 0) return;
    const early = this.#early;
    this.#early = this.#earlySpare;
    this.#earlySpare = early;
    for (const stream of early) stream.reset(NO_ERROR);
    early.length = 0;
  }

  streamGone(): void {
    this.#finishIfDrained();
  }

  unsent(): boolean {
    return false;
  }

  goaway(): void {
    // The client opens no more streams; it closes when it has what it wants.
  }

  blockWaits(waits: boolean): void {
    if (waits === this.#blockWaits) return;
    this.#blockWaits = waits;
    this.#owner.headWaits(waits);
  }

  settingsChanged(): void {}
  keepAlive(): void {}
  unusable(): void {}

  closed(): void {
    this.#owner.closed(this);
  }

  // What one part of the engine asks of another.

  flush(): void {
    this.#engine.lifecycle.flush();
  }

  waits(): void {
    this.#engine.lifecycle.waits();
  }

  calm(): void {
    this.#engine.lifecycle.calm();
  }

  get blockOpen(): boolean {
    return this.#engine.frames.blockOpen;
  }

  blockMoved(): boolean {
    return this.#engine.frames.blockMoved();
  }

  allStreams(): EngineStream[] {
    return [...this.#engine.streams.open.values()];
  }

  abort(): void {
    this.#engine.lifecycle.abort();
  }

  onData(connection: Connection, chunk: Buffer): void {
    this.#engine.lifecycle.onData(connection, chunk);
  }

  // The peer names its streams.

  named(): void {}
  neverNamed(): void {}
}
