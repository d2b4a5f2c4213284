import { ClosedStreams, type Closure, ENDED, RESET_BY_US } from './closed-streams.ts';
import { PROTOCOL_ERROR } from './error-codes.ts';
import type { HeaderList } from './hpack/header-list.ts';
import type { Output } from './output.ts';
import type { PeerBudget } from './peer-budget.ts';
import type { ReceiveFlow } from './receive-flow.ts';
import { Sender, type SenderOwner } from './sender.ts';
import { EngineStream, type StreamOwner } from './stream.ts';
import type { StreamEnd } from './types.ts';

export interface StreamsOwner {
  /** Client role: the head of a stream without an identifier goes out, so that it gets one; … */
  named(stream: EngineStream): void;
  /** … or it is closed before that. */
  neverNamed(stream: EngineStream): void;
  /** Something waits to be sent. */
  waits(): void;
  /** END_STREAM is sent, but the peer has not ended. */
  sentBeforePeer(stream: EngineStream): void;
  /** A mistake of the peer is about to end a stream. */
  streamFails(code: number): void;
  /** It is closed. `inCall`: by a call of whoever uses it, who must not be called back. */
  streamGone(stream: EngineStream, inCall: boolean): void;
}

/** The streams of a connection, from either side, from their first frame to their end. */
export class Streams implements StreamOwner, SenderOwner {
  readonly open: Map<number, EngineStream> = new Map();
  readonly closed: ClosedStreams = new ClosedStreams();
  readonly sender: Sender;
  readonly #output: Output;
  readonly #flow: ReceiveFlow;
  readonly #budget: PeerBudget;
  readonly #owner: StreamsOwner;

  constructor(output: Output, flow: ReceiveFlow, budget: PeerBudget, owner: StreamsOwner) {
    this.#output = output;
    this.#flow = flow;
    this.#budget = budget;
    this.#owner = owner;
    this.sender = new Sender(output, this, budget.overhead, new EngineStream(this, 0));
  }

  // What streams ask for.

  sendHeaders(stream: EngineStream, block: Buffer, end: boolean): void {
    if (stream.id === 0) this.#owner.named(stream);
    this.#output.headers(stream.id, block, end);
    if (!end) return;
    stream.ending = true;
    stream.localEnded = true;
    this.localEnded(stream);
  }

  sendData(stream: EngineStream, bytes: Buffer, from: number, to: number): boolean {
    if (this.sender.data(stream, bytes, from, to)) return true;
    this.#owner.waits();
    return false;
  }

  sendEnd(stream: EngineStream, trailers: Buffer | null): void {
    this.sender.end(stream, trailers);
  }

  resetStream(stream: EngineStream, code: number): void {
    if (stream.id !== 0) this.#output.reset(stream.id, code);
    this.#forget(stream, RESET_BY_US);
    this.#owner.streamGone(stream, true);
  }

  streamConsumed(stream: EngineStream): void {
    this.#flow.consumed(stream);
  }

  localEnded(stream: EngineStream): void {
    if (!stream.peerEnded) {
      this.#owner.sentBeforePeer(stream);
      return;
    }
    this.#forget(stream, ENDED);
    this.#owner.streamGone(stream, true);
  }

  // What the peer does to them.

  deliver(stream: EngineStream, bytes: Buffer, from: number, to: number): void {
    const size = to - from;
    stream.receivedBytes += size;
    const taken = stream.handler.onData(stream, bytes, from, to);
    if (stream.closed) this.#flow.credit(size);
    else if (taken) this.#flow.creditBoth(stream, size);
    else stream.heldBytes += size;
  }

  /** What has come of the body is as long as was announced. */
  lengthMatches(stream: EngineStream): boolean {
    return stream.expectedBytes === -1 || stream.receivedBytes === stream.expectedBytes;
  }

  /** END_STREAM behind a body. */
  peerEnds(stream: EngineStream, trailers: HeaderList | null): void {
    if (!this.lengthMatches(stream)) {
      this.fail(stream, PROTOCOL_ERROR);
      return;
    }
    stream.peerEnded = true;
    stream.handler.onEnd(stream, trailers);
    this.afterPeerEnd(stream);
  }

  /** The peer has ended, and its handler has heard of it. */
  afterPeerEnd(stream: EngineStream): void {
    if (stream.closed || !stream.localEnded) return;
    this.#forget(stream, ENDED);
    this.#owner.streamGone(stream, false);
  }

  /** A mistake of the peer that concerns one stream. */
  fail(stream: EngineStream, code: number): void {
    this.#owner.streamFails(code);
    this.#output.reset(stream.id, code);
    this.lose(stream, RESET_BY_US, { code, unprocessed: false, byPeer: false });
    this.#budget.spendReset();
  }

  lose(stream: EngineStream, closure: Closure, end: StreamEnd): void {
    this.#forget(stream, closure);
    stream.handler.onReset(stream, end);
    this.#owner.streamGone(stream, false);
  }

  /** Takes it out of all tables. */
  #forget(stream: EngineStream, closure: Closure): void {
    if (stream.id === 0) this.#owner.neverNamed(stream);
    stream.closed = true;
    if (this.open.delete(stream.id)) this.closed.add(stream.id, closure);
    this.sender.forget(stream);
    this.#flow.forget(stream);
  }
}
