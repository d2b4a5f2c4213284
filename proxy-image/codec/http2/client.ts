import type { Connection, ConnectionError } from '../../io/transport/types.ts';
import { RESET_BY_PEER } from './closed-streams.ts';
import { KEEP_ALIVE, KEEP_ALIVE_ANSWER } from './deadlines.ts';
import { Engine, type Role } from './engine.ts';
import { ENHANCE_YOUR_CALM, NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM } from './error-codes.ts';
import type { FlushQueue } from './flush.ts';
import { MAX_31_BIT } from './frames.ts';
import type { HeaderList } from './hpack/header-list.ts';
import type { Http2Context } from './limits.ts';
import { PREFACE } from './preface.ts';
import { responseOf } from './response.ts';
import type { Http2Scratch } from './scratch.ts';
import { clientOpening, PeerSettings } from './settings.ts';
import { EngineStream } from './stream.ts';
import type { Http2Client, Http2ClientOwner, StreamHandler } from './types.ts';

const PING_DATA = Buffer.from('weftpulse'.slice(0, 8), 'latin1');
const STEP = 2;
const SILENT: ConnectionError = { kind: 'timeout', detail: 'no answer to a ping' };

/** The client's side of a connection. */
export class Http2ClientConnection implements Http2Client, Role {
  readonly #owner: Http2ClientOwner;
  readonly #engine: Engine;
  readonly #flushes: FlushQueue;
  /** Position of this connection's first byte among those that the transport counts. */
  readonly #base: number;
  #nextId = 1;
  /** Opened, but their heads are not sent yet. */
  #opening: EngineStream[] = [];
  /** No more streams. */
  #retired = false;
  #settled = false;
  /** Streams that ended in calls of their users, whose owner is told at the end of the event. */
  #endedUntold = 0;
  #bytesReadBefore = 0;

  constructor(connection: Connection, prelude: Buffer | null, owner: Http2ClientOwner, context: Http2Context) {
    this.#owner = owner;
    this.#flushes = context.flush;
    this.#engine = new Engine(connection, context, new PeerSettings(false), this);
    this.#base = connection.bytesWritten;
    const opening = clientOpening(context.limits);
    const { output, limits, lifecycle } = this.#engine;
    output.hold(Buffer.concat(prelude === null ? [PREFACE, opening] : [prelude, PREFACE, opening]));
    // What opens a connection also opens a stream, in the same turn, whose head goes with the preface.
    queueMicrotask(() => output.touch());
    if (limits.keepAliveMs > 0) lifecycle.deadlines.set(KEEP_ALIVE, limits.keepAliveMs);
  }

  get connection(): Connection {
    return this.#engine.connection;
  }

  get scratch(): Http2Scratch {
    return this.#engine.scratch;
  }

  get lastServed(): number {
    return 0;
  }

  get openStreams(): number {
    return this.#engine.streams.open.size + this.#opening.length;
  }

  get capacity(): number {
    if (this.#retired) return 0;
    const announced = this.#engine.peer.maxStreams;
    const allowed = this.#settled ? (announced === -1 ? MAX_31_BIT : announced) : this.#engine.limits.assumedStreams;
    const left = Math.min(allowed, this.#engine.limits.clientStreams) - this.openStreams;
    const ids = (MAX_31_BIT - this.#nextId) / STEP + 1 - this.#opening.length;
    return Math.max(0, Math.min(left, ids));
  }

  get settled(): boolean {
    return this.#settled;
  }

  get allowsConnect(): boolean {
    return this.#engine.peer.allowsConnect;
  }

  open(handler: StreamHandler): EngineStream {
    const { streams, peer, limits, budget } = this.#engine;
    const stream = new EngineStream(streams, 0, peer.initialWindow, limits.streamWindowBytes);
    stream.handler = handler;
    this.#opening.push(stream);
    budget.opened();
    return stream;
  }

  /** Identifiers must go out in order. */
  named(stream: EngineStream): void {
    const { streams, peer, output } = this.#engine;
    this.neverNamed(stream);
    stream.id = this.#nextId;
    this.#nextId += STEP;
    // INITIAL_WINDOW_SIZE may have changed since it was opened.
    stream.sendWindow = peer.initialWindow;
    streams.open.set(stream.id, stream);
    stream.headAt = output.totalBytes;
  }

  neverNamed(stream: EngineStream): void {
    const opening = this.#opening;
    if (opening.at(-1) === stream) opening.pop();
    else opening.splice(opening.indexOf(stream), 1);
  }

  retire(): void {
    this.unusable();
    this.#finishIfDone();
  }

  unusable(): void {
    if (this.#retired) return;
    this.#retired = true;
    this.#owner.becameUnusable(this);
  }

  #finishIfDone(): void {
    if (!this.#retired || this.openStreams > 0 || this.#engine.flow.deaf) return;
    this.#engine.output.goaway(0, NO_ERROR);
    this.#engine.lifecycle.finish();
  }

  isIdle(id: number): boolean {
    return (id & 1) === 0 || id >= this.#nextId;
  }

  opens(): void {
    this.#engine.lifecycle.fail(PROTOCOL_ERROR);
  }

  oversized(_: number, stream: EngineStream | null): void {
    if (stream === null) this.#engine.lifecycle.fail(PROTOCOL_ERROR);
    else this.#engine.streams.fail(stream, ENHANCE_YOUR_CALM);
  }

  mayHaveBody(stream: EngineStream): boolean {
    return stream.responded;
  }

  sectionOf(stream: EngineStream, list: HeaderList, ends: boolean): void {
    if (stream.responded) this.#engine.frames.trailers(stream, list, ends);
    else this.#response(stream, list, ends);
  }

  #response(stream: EngineStream, list: HeaderList, ends: boolean): void {
    const response = responseOf(list, this.scratch);
    if (typeof response === 'number' || (response.status < 200 && (ends || response.status === 101))) {
      this.#engine.streams.fail(stream, PROTOCOL_ERROR);
      return;
    }
    if (response.status < 200) {
      stream.handler.onResponse(stream, response, false);
      return;
    }
    stream.responded = true;
    // The length of what GET would have got (RFC 9110 section 8.6), while nothing follows.
    const empty = stream.toHead || response.status === 304 || response.status === 204;
    stream.expectedBytes = empty ? 0 : response.contentLength;
    if (ends && !this.#engine.streams.lengthMatches(stream)) {
      this.#engine.streams.fail(stream, PROTOCOL_ERROR);
      return;
    }
    stream.peerEnded = ends;
    stream.handler.onResponse(stream, response, ends);
    if (ends) this.#engine.streams.afterPeerEnd(stream);
  }

  sentBeforePeer(): void {}

  streamGone(_: EngineStream, inCall: boolean): void {
    // Identifiers are used up.
    if (this.#nextId > MAX_31_BIT && !inCall) this.unusable();
    if (!inCall) {
      this.#owner.streamEnded(this);
      this.#finishIfDone();
      return;
    }
    this.#endedUntold++;
    if (this.#flushes.active) this.#engine.output.touch();
    else queueMicrotask(() => this.#tellEnded());
  }

  settle(): void {
    if (this.#flushes.active) this.#tellEnded();
  }

  #tellEnded(): void {
    while (this.#endedUntold > 0) {
      this.#endedUntold--;
      this.#owner.streamEnded(this);
    }
    this.#finishIfDone();
  }

  allStreams(): EngineStream[] {
    return [...this.#engine.streams.open.values(), ...this.#opening];
  }

  unsent(stream: EngineStream): boolean {
    return this.#engine.connection.bytesWritten - this.#base <= stream.headAt;
  }

  goaway(lastId: number): void {
    this.unusable();
    for (const stream of this.allStreams()) {
      if (stream.closed || (stream.id !== 0 && stream.id <= lastId)) continue;
      this.#engine.streams.lose(stream, RESET_BY_PEER, { code: REFUSED_STREAM, unprocessed: true, byPeer: true });
    }
    this.#finishIfDone();
  }

  /** Whom we have dialled is none of the many who come. */
  blockWaits(): void {}

  settingsChanged(): void {
    const isFirst = !this.#settled;
    this.#settled = true;
    if (isFirst || this.capacity > 0) this.#owner.capacityChanged(this);
  }

  keepAlive(answered: boolean): void {
    const heard = this.#engine.connection.bytesRead !== this.#bytesReadBefore;
    this.#bytesReadBefore = this.#engine.connection.bytesRead;
    if (this.#engine.flow.deaf) return;
    if (!heard && answered) {
      this.#engine.lifecycle.abort(SILENT);
      return;
    }
    if (heard) this.#engine.lifecycle.deadlines.set(KEEP_ALIVE, this.#engine.limits.keepAliveMs);
    else {
      this.#engine.output.ping(0, PING_DATA, 0);
      this.#engine.lifecycle.deadlines.set(KEEP_ALIVE_ANSWER, this.#engine.limits.keepAliveTimeoutMs);
    }
  }

  pingAnswered(): void {}
  drainOver(): void {}

  closed(): void {
    this.#tellEnded();
    this.#owner.closed(this);
  }

  // What one part of the engine asks of another.

  read(chunk: Buffer): void {
    this.#engine.frames.reader.feed(chunk, 0);
  }

  headersOnClosed(id: number): void {
    this.#engine.frames.onClosed(id);
  }

  get blockOpen(): boolean {
    return this.#engine.frames.blockOpen;
  }

  blockMoved(): boolean {
    return this.#engine.frames.blockMoved();
  }

  flush(): void {
    this.#engine.lifecycle.flush();
  }

  waits(): void {
    this.#engine.lifecycle.waits();
  }

  calm(): void {
    this.#engine.lifecycle.calm();
  }

  // A server that errs has no more to fear than the loss of its streams.

  fails(): void {}
  streamFails(): void {}
  streamReset(): void {}
}
