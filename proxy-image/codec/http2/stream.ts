import { DEFAULT_WINDOW } from './frames.ts';
import type { SendQueue } from './send-queue.ts';
import type { Http2Stream, StreamHandler } from './types.ts';

/** What a stream hands on to its connection. */
export interface StreamOwner {
  sendHeaders(stream: EngineStream, block: Buffer, end: boolean): void;
  sendData(stream: EngineStream, bytes: Buffer, from: number, to: number): boolean;
  sendEnd(stream: EngineStream, trailers: Buffer | null): void;
  resetStream(stream: EngineStream, code: number): void;
  streamConsumed(stream: EngineStream): void;
}

/** Of a stream that nobody has taken, or nobody listens to any more: what comes is dropped. */
export const NO_STREAM_HANDLER: StreamHandler = {
  onResponse: () => {},
  onData: () => true,
  onEnd: () => {},
  onWritable: () => {},
  onReset: () => {},
};

/** One request and its response. Never used again for another: whoever still holds a stream that has ended must not reach a stranger's. */
export class EngineStream implements Http2Stream {
  /** Client role: 0 until the head is sent, because identifiers must go out in order. */
  id: number;
  handler: StreamHandler = NO_STREAM_HANDLER;
  toHead = false;
  readonly #owner: StreamOwner;

  /** No more frames in that direction. */
  localEnded = false;
  peerEnded = false;
  closed = false;

  /** What this side may send; may be negative (RFC 9113 section 6.9.2). */
  sendWindow: number;
  waiting: SendQueue | null = null;
  /** END_STREAM has been asked for; it goes behind what waits. */
  ending = false;
  trailers: Buffer | null = null;
  /** `sendData` has said false, and `onWritable` is due. */
  blocked = false;
  /** Sweeps of the connection during which nothing that waits has moved. */
  stalledSweeps = 0;
  /** Ring of streams that could send if the connection could. Itself = not in it. */
  next: EngineStream = this;
  previous: EngineStream = this;

  /** What the peer may send. */
  receiveWindow: number;
  /** Dealt with, but the peer does not know yet. */
  uncreditedBytes = 0;
  /** The handler keeps them. */
  heldBytes = 0;
  /** Of `content-length`; -1 = unknown. */
  expectedBytes = -1;
  receivedBytes = 0;

  /** Client role. */
  responded = false;
  /** Position of the head among all bytes of the connection. */
  headAt = 0;
  /** Server role: bytes may go on in one direction when the other has ended. */
  tunnel = false;

  constructor(
    owner: StreamOwner,
    id: number,
    sendWindow: number = DEFAULT_WINDOW,
    receiveWindow: number = DEFAULT_WINDOW,
  ) {
    this.#owner = owner;
    this.id = id;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
  }

  get pendingBytes(): number {
    return this.waiting === null ? 0 : this.waiting.length;
  }

  sendHeaders(block: Buffer, end: boolean): void {
    if (!this.closed && !this.ending) this.#owner.sendHeaders(this, block, end);
  }

  sendData(bytes: Buffer, from: number, to: number): boolean {
    if (this.closed || this.ending || from === to) return !this.blocked;
    return this.#owner.sendData(this, bytes, from, to);
  }

  sendEnd(): void {
    if (!this.closed && !this.ending) this.#owner.sendEnd(this, null);
  }

  sendTrailers(block: Buffer): void {
    if (!this.closed && !this.ending) this.#owner.sendEnd(this, block);
  }

  reset(code: number): void {
    if (!this.closed) this.#owner.resetStream(this, code);
  }

  consumed(): void {
    if (!this.closed && this.heldBytes > 0) this.#owner.streamConsumed(this);
  }
}
