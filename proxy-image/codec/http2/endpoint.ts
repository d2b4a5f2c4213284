import type { Connection } from '../../io/transport/types.ts';
import { Budget } from './budget.ts';
import { ClosedStreams, type Closure, ENDED, RESET_BY_PEER, RESET_BY_US } from './closed-streams.ts';
import type { Flushable } from './flush.ts';
import type { Http2Context, Http2Limits } from './limits.ts';
import { Output } from './output.ts';
import { Sender, type SenderOwner } from './sender.ts';
import { EngineStream, type StreamOwner } from './stream.ts';
import type { StreamEnd } from './types.ts';

/** Useful work of a stream pays for frames that move nothing. */
const EARNED_PER_STREAM = 4;
/** Half of a peer's streams may be reset without counting. */
const RESETS_EARNED_PER_STREAM = 0.5;

/** What both roles do with their streams: sending, receive windows, ends. */
export abstract class Endpoint implements StreamOwner, SenderOwner, Flushable {
  readonly connection: Connection;
  /** Nothing more is read. */
  deaf = false;
  protected readonly context: Http2Context;
  protected readonly limits: Readonly<Http2Limits>;
  protected readonly output: Output;
  protected readonly sender: Sender;
  protected readonly streams: Map<number, EngineStream> = new Map();
  protected readonly closedStreams: ClosedStreams = new ClosedStreams();
  protected readonly overhead: Budget;
  readonly #resets: Budget;
  /** What the peer may send on all streams. */
  #receiveWindow: number;
  #uncreditedBytes = 0;

  constructor(connection: Connection, context: Http2Context) {
    const { timers, flush, limits } = context;
    this.connection = connection;
    this.context = context;
    this.limits = limits;
    this.output = new Output(connection, flush, this);
    this.overhead = new Budget(timers, limits.overheadBurst, limits.overheadPerSecond);
    this.#resets = new Budget(timers, limits.resetBurst, limits.resetsPerSecond);
    this.sender = new Sender(this.output, this, this.overhead, new EngineStream(this, 0));
    this.#receiveWindow = limits.connectionWindowBytes;
  }

  abstract flush(): void;
  /** Something waits to be sent. */
  protected abstract waits(): void;
  /** A connection error: GOAWAY and the end. */
  protected abstract fail(code: number): void;
  /** The peer spends more of this side's time than it may. */
  protected abstract calm(): void;
  /** END_STREAM is sent, but the peer has not ended. */
  protected abstract sentBeforePeer(stream: EngineStream): void;
  /** It is closed. `inCall`: by a call of whoever uses it, who must not be called back. */
  protected abstract streamGone(stream: EngineStream, inCall: boolean): void;

  // What streams ask for.

  sendHeaders(stream: EngineStream, block: Buffer, end: boolean): void {
    this.output.headers(stream.id, block, end);
    if (!end) return;
    stream.ending = true;
    stream.localEnded = true;
    this.localEnded(stream);
  }

  sendData(stream: EngineStream, bytes: Buffer, from: number, to: number): boolean {
    if (this.sender.data(stream, bytes, from, to)) return true;
    this.waits();
    return false;
  }

  sendEnd(stream: EngineStream, trailers: Buffer | null): void {
    this.sender.end(stream, trailers);
  }

  resetStream(stream: EngineStream, code: number): void {
    if (stream.id !== 0) this.output.reset(stream.id, code);
    this.forget(stream, RESET_BY_US);
    this.streamGone(stream, true);
  }

  streamConsumed(stream: EngineStream): void {
    const bytes = stream.heldBytes;
    stream.heldBytes = 0;
    this.#creditStream(stream, bytes);
    this.credit(bytes);
  }

  localEnded(stream: EngineStream): void {
    if (!stream.peerEnded) {
      this.sentBeforePeer(stream);
      return;
    }
    this.forget(stream, ENDED);
    this.streamGone(stream, true);
  }

  // What the peer does to them.

  protected opened(): void {
    this.#resets.earn(RESETS_EARNED_PER_STREAM);
    this.overhead.earn(EARNED_PER_STREAM);
  }

  /** A frame that moves nothing. */
  protected spend(tokens: number): void {
    if (!this.overhead.spend(tokens)) this.calm();
  }

  protected spendReset(): void {
    if (!this.#resets.spend(1)) this.calm();
  }

  /** False: the peer has sent more than the connection's window. */
  protected charge(flowBytes: number): boolean {
    this.#receiveWindow -= flowBytes;
    return this.#receiveWindow >= 0;
  }

  /** Bytes are dealt with: the peer may send as many again, which it is told when that is half a window. */
  protected credit(bytes: number): void {
    this.#uncreditedBytes += bytes;
    if (this.#uncreditedBytes * 2 < this.limits.connectionWindowBytes || this.deaf) return;
    this.output.windowUpdate(0, this.#uncreditedBytes);
    this.#receiveWindow += this.#uncreditedBytes;
    this.#uncreditedBytes = 0;
  }

  #creditStream(stream: EngineStream, bytes: number): void {
    stream.uncreditedBytes += bytes;
    if (stream.peerEnded || stream.uncreditedBytes * 2 < this.limits.streamWindowBytes) return;
    this.output.windowUpdate(stream.id, stream.uncreditedBytes);
    stream.receiveWindow += stream.uncreditedBytes;
    stream.uncreditedBytes = 0;
  }

  /** Padding of DATA. */
  protected creditBoth(stream: EngineStream, bytes: number): void {
    this.#creditStream(stream, bytes);
    this.credit(bytes);
  }

  protected deliver(stream: EngineStream, bytes: Buffer, from: number, to: number): void {
    const size = to - from;
    stream.receivedBytes += size;
    const taken = stream.handler.onData(stream, bytes, from, to);
    if (stream.closed) this.credit(size);
    else if (taken) this.creditBoth(stream, size);
    else stream.heldBytes += size;
  }

  /** END_STREAM. */
  protected lengthMatches(stream: EngineStream): boolean {
    return stream.expectedBytes === -1 || stream.receivedBytes === stream.expectedBytes;
  }

  /** The peer has ended, and its handler has heard of it. */
  protected afterPeerEnd(stream: EngineStream): void {
    if (stream.closed || !stream.localEnded) return;
    this.forget(stream, ENDED);
    this.streamGone(stream, false);
  }

  /** A mistake of the peer that concerns one stream. */
  protected streamError(stream: EngineStream, code: number): void {
    this.output.reset(stream.id, code);
    this.lose(stream, RESET_BY_US, { code, unprocessed: false, byPeer: false });
    this.spendReset();
  }

  protected lose(stream: EngineStream, closure: Closure, end: StreamEnd): void {
    this.forget(stream, closure);
    stream.handler.onReset(stream, end);
    this.streamGone(stream, false);
  }

  protected resetByPeer(stream: EngineStream, end: StreamEnd): void {
    this.lose(stream, RESET_BY_PEER, end);
  }

  /** Takes it out of all tables. What its handler kept does not narrow the connection's window any more. */
  protected forget(stream: EngineStream, closure: Closure): void {
    stream.closed = true;
    if (this.streams.delete(stream.id)) this.closedStreams.add(stream.id, closure);
    this.sender.forget(stream);
    this.credit(stream.heldBytes);
    stream.heldBytes = 0;
  }
}
