import type { Connection } from '../../io/transport/types.ts';
import { type Closure, RESET_BY_PEER } from './closed-streams.ts';
import { Http2Connection } from './connection.ts';
import { KEEP_ALIVE, KEEP_ALIVE_ANSWER } from './deadlines.ts';
import { ENHANCE_YOUR_CALM, NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM } from './error-codes.ts';
import { MAX_31_BIT, PREFACE } from './frames.ts';
import type { HeaderList } from './hpack/header-list.ts';
import type { Http2Context } from './limits.ts';
import { responseOf } from './response.ts';
import { clientOpening, PeerSettings } from './settings.ts';
import { EngineStream } from './stream.ts';
import type { Http2Client, Http2ClientOwner, StreamHandler } from './types.ts';

const PING_DATA = Buffer.from('weftpulse'.slice(0, 8), 'latin1');
const STEP = 2;

/** The client's side of a connection. */
export class Http2ClientConnection extends Http2Connection implements Http2Client {
  readonly #owner: Http2ClientOwner;
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
    super(connection, context, new PeerSettings(false));
    this.#owner = owner;
    this.#base = connection.bytesWritten;
    const opening = clientOpening(context.limits);
    this.output.hold(Buffer.concat(prelude === null ? [PREFACE, opening] : [prelude, PREFACE, opening]));
    // What opens a connection also opens a stream, in the same turn, whose head goes with the preface.
    queueMicrotask(() => this.output.touch());
    if (this.limits.keepAliveMs > 0) this.deadlines.set(KEEP_ALIVE, this.limits.keepAliveMs);
  }

  protected get lastServed(): number {
    return 0;
  }

  get openStreams(): number {
    return this.streams.size + this.#opening.length;
  }

  get capacity(): number {
    if (this.#retired) return 0;
    const announced = this.peer.maxStreams;
    const allowed = this.#settled ? (announced === -1 ? MAX_31_BIT : announced) : this.limits.assumedStreams;
    const left = Math.min(allowed, this.limits.clientStreams) - this.openStreams;
    const ids = (MAX_31_BIT - this.#nextId) / STEP + 1 - this.#opening.length;
    return Math.max(0, Math.min(left, ids));
  }

  get settled(): boolean {
    return this.#settled;
  }

  get allowsConnect(): boolean {
    return this.peer.allowsConnect;
  }

  open(handler: StreamHandler): EngineStream {
    const stream = new EngineStream(this, 0, this.peer.initialWindow, this.limits.streamWindowBytes);
    stream.handler = handler;
    this.#opening.push(stream);
    this.opened();
    return stream;
  }

  override sendHeaders(stream: EngineStream, block: Buffer, end: boolean): void {
    if (stream.id === 0) {
      this.#leaveOpening(stream);
      stream.id = this.#nextId;
      this.#nextId += STEP;
      // INITIAL_WINDOW_SIZE may have changed since it was opened.
      stream.sendWindow = this.peer.initialWindow;
      this.streams.set(stream.id, stream);
      stream.headAt = this.output.totalBytes;
    }
    super.sendHeaders(stream, block, end);
  }

  #leaveOpening(stream: EngineStream): void {
    const opening = this.#opening;
    if (opening.at(-1) === stream) opening.pop();
    else opening.splice(opening.indexOf(stream), 1);
  }

  protected override forget(stream: EngineStream, closure: Closure): void {
    if (stream.id === 0) this.#leaveOpening(stream);
    super.forget(stream, closure);
  }

  retire(): void {
    this.unusable();
    this.#finishIfDone();
  }

  protected override unusable(): void {
    if (this.#retired) return;
    this.#retired = true;
    this.#owner.becameUnusable(this);
  }

  #finishIfDone(): void {
    if (!this.#retired || this.openStreams > 0 || this.deaf) return;
    this.output.goaway(0, NO_ERROR);
    this.finish();
  }

  protected isIdle(id: number): boolean {
    return (id & 1) === 0 || id >= this.#nextId;
  }

  protected override opens(): void {
    this.fail(PROTOCOL_ERROR);
  }

  protected override oversized(_: number, stream: EngineStream | null): void {
    if (stream === null) this.fail(PROTOCOL_ERROR);
    else this.streamError(stream, ENHANCE_YOUR_CALM);
  }

  protected override mayHaveBody(stream: EngineStream): boolean {
    return stream.responded;
  }

  protected override sectionOf(stream: EngineStream, list: HeaderList, ends: boolean): void {
    if (stream.responded) this.trailers(stream, list, ends);
    else this.#response(stream, list, ends);
  }

  #response(stream: EngineStream, list: HeaderList, ends: boolean): void {
    const response = responseOf(list);
    if (typeof response === 'number' || (response.status < 200 && (ends || response.status === 101))) {
      this.streamError(stream, PROTOCOL_ERROR);
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
    if (ends && !this.lengthMatches(stream)) {
      this.streamError(stream, PROTOCOL_ERROR);
      return;
    }
    stream.peerEnded = ends;
    stream.handler.onResponse(stream, response, ends);
    if (ends) this.afterPeerEnd(stream);
  }

  protected override sentBeforePeer(): void {}

  protected override streamGone(_: EngineStream, inCall: boolean): void {
    // Identifiers are used up.
    if (this.#nextId > MAX_31_BIT && !inCall) this.unusable();
    if (!inCall) {
      this.#owner.streamEnded(this);
      this.#finishIfDone();
      return;
    }
    this.#endedUntold++;
    if (this.context.flush.active) this.output.touch();
    else queueMicrotask(() => this.#tellEnded());
  }

  protected override settle(): void {
    if (this.context.flush.active) this.#tellEnded();
  }

  #tellEnded(): void {
    while (this.#endedUntold > 0) {
      this.#endedUntold--;
      this.#owner.streamEnded(this);
    }
    this.#finishIfDone();
  }

  protected override allStreams(): EngineStream[] {
    return [...this.streams.values(), ...this.#opening];
  }

  protected override unsent(stream: EngineStream): boolean {
    return this.connection.bytesWritten - this.#base <= stream.headAt;
  }

  protected override goaway(lastId: number): void {
    this.unusable();
    for (const stream of this.allStreams()) {
      if (stream.closed || (stream.id !== 0 && stream.id <= lastId)) continue;
      this.lose(stream, RESET_BY_PEER, { code: REFUSED_STREAM, unprocessed: true, byPeer: true });
    }
    this.#finishIfDone();
  }

  /** Whom we have dialled is none of the many who come. */
  protected override blockWaits(): void {}

  protected override settingsChanged(): void {
    const isFirst = !this.#settled;
    this.#settled = true;
    if (isFirst || this.capacity > 0) this.#owner.capacityChanged(this);
  }

  protected override keepAlive(answered: boolean): void {
    const heard = this.connection.bytesRead !== this.#bytesReadBefore;
    this.#bytesReadBefore = this.connection.bytesRead;
    if (this.deaf) return;
    if (!heard && answered) {
      this.abort();
      return;
    }
    if (heard) this.deadlines.set(KEEP_ALIVE, this.limits.keepAliveMs);
    else {
      this.output.ping(0, PING_DATA, 0);
      this.deadlines.set(KEEP_ALIVE_ANSWER, this.limits.keepAliveTimeoutMs);
    }
  }

  protected override pingAnswered(): void {}
  protected override drainOver(): void {}

  protected override closed(): void {
    this.#tellEnded();
    this.#owner.closed(this);
  }
}
