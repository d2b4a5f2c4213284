import type { Http2Limits } from './limits.ts';
import type { Output } from './output.ts';
import type { EngineStream } from './stream.ts';

/** What the peer may send (RFC 9113 section 5.2): the windows that this side opens, for the connection and for each stream. */
export class ReceiveFlow {
  /** Nothing more is read, nor asked for. */
  deaf = false;
  readonly #output: Output;
  readonly #limits: Readonly<Http2Limits>;
  /** What the peer may send on all streams. */
  #window: number;
  #uncreditedBytes = 0;

  constructor(output: Output, limits: Readonly<Http2Limits>) {
    this.#output = output;
    this.#limits = limits;
    this.#window = limits.connectionWindowBytes;
  }

  /** False: the peer has sent more than the connection's window. */
  charge(flowBytes: number): boolean {
    this.#window -= flowBytes;
    return this.#window >= 0;
  }

  /** Bytes are dealt with: the peer may send as many again, which it is told when that is half a window. */
  credit(bytes: number): void {
    this.#uncreditedBytes += bytes;
    if (this.#uncreditedBytes * 2 < this.#limits.connectionWindowBytes || this.deaf) return;
    this.#output.windowUpdate(0, this.#uncreditedBytes);
    this.#window += this.#uncreditedBytes;
    this.#uncreditedBytes = 0;
  }

  /** The same, of bytes of an open stream. */
  creditBoth(stream: EngineStream, bytes: number): void {
    this.#creditStream(stream, bytes);
    this.credit(bytes);
  }

  /** What the stream's handler had kept is dealt with. */
  consumed(stream: EngineStream): void {
    const bytes = stream.heldBytes;
    stream.heldBytes = 0;
    this.creditBoth(stream, bytes);
  }

  /** The stream is closed: what its handler kept does not narrow the connection's window any more. */
  forget(stream: EngineStream): void {
    this.credit(stream.heldBytes);
    stream.heldBytes = 0;
  }

  #creditStream(stream: EngineStream, bytes: number): void {
    stream.uncreditedBytes += bytes;
    if (stream.peerEnded || stream.uncreditedBytes * 2 < this.#limits.streamWindowBytes) return;
    this.#output.windowUpdate(stream.id, stream.uncreditedBytes);
    stream.receiveWindow += stream.uncreditedBytes;
    stream.uncreditedBytes = 0;
  }
}
