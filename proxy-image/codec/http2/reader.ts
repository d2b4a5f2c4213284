import { FRAME_SIZE_ERROR, PROTOCOL_ERROR } from './error-codes.ts';
import { DATA, FRAME_HEADER_BYTES, MAX_FRAME_BYTES, PADDED, uint31 } from './frames.ts';

/** Receives frames as they are read. Bytes are lent for the call. */
export interface FrameSink {
  /** Nothing more is to be read. */
  readonly deaf: boolean;
  /** A DATA frame begins. `flowBytes` counts for flow control, `bodyBytes` without padding. */
  dataBegins(id: number, flowBytes: number, bodyBytes: number, ends: boolean): void;
  dataPiece(bytes: Buffer, from: number, to: number): void;
  dataEnds(ends: boolean): void;
  /** Any other frame, complete: its payload is `bytes[from..to)`. */
  frame(type: number, flags: number, id: number, bytes: Buffer, from: number, to: number): void;
  /** The peer's bytes are no frames: an error code of the connection. */
  unreadable(code: number): void;
}

/** Cuts a connection's bytes into frames. DATA is handed on as it comes; of other frames at most one is kept until it is complete. */
export class FrameReader {
  readonly #sink: FrameSink;
  /** Beginning of a frame, filled up to `#kept`. */
  #stash: Buffer | null = null;
  #kept = 0;
  /** Of the DATA frame that is being read. */
  #inData = false;
  #bodyLeft = 0;
  #paddingLeft = 0;
  #dataFlags = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** A frame other than DATA has begun and is not complete. */
  get partial(): boolean {
    return this.#stash !== null;
  }

  feed(chunk: Buffer, start: number): void {
    let at = this.#stash === null ? start : this.#complete(chunk, start);
    while (at < chunk.length && !this.#sink.deaf) {
      if (this.#inData) at = this.#body(chunk, at);
      else {
        const end = this.#frame(chunk, at, chunk.length);
        if (end === at) {
          this.#keep(chunk, at);
          return;
        }
        at = end;
      }
    }
  }

  /** Position after the frame (of DATA: after what precedes the body), or `at` when more bytes are needed. */
  #frame(bytes: Buffer, at: number, to: number): number {
    if (to - at < FRAME_HEADER_BYTES) return at;
    const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    if (length > MAX_FRAME_BYTES) {
      this.#sink.unreadable(FRAME_SIZE_ERROR);
      return to;
    }
    const type = bytes[at + 3]!;
    const flags = bytes[at + 4]!;
    const id = uint31(bytes, at + 5);
    const from = at + FRAME_HEADER_BYTES;
    if (type === DATA) return this.#beginData(bytes, from, to, flags, id, length);
    if (to - from < length) return at;
    this.#sink.frame(type, flags, id, bytes, from, from + length);
    return from + length;
  }

  #beginData(bytes: Buffer, from: number, to: number, flags: number, id: number, length: number): number {
    let padding = 0;
    let prefix = 0;
    if ((flags & PADDED) !== 0) {
      if (length === 0) {
        this.#sink.unreadable(FRAME_SIZE_ERROR);
        return to;
      }
      if (from === to) return from - FRAME_HEADER_BYTES;
      prefix = 1;
      padding = bytes[from]!;
      if (padding >= length) {
        this.#sink.unreadable(PROTOCOL_ERROR);
        return to;
      }
    }
    this.#inData = true;
    this.#dataFlags = flags;
    this.#bodyLeft = length - prefix - padding;
    this.#paddingLeft = padding;
    this.#sink.dataBegins(id, length, this.#bodyLeft, (flags & 1) !== 0);
    if (this.#bodyLeft + padding === 0) this.#endData();
    return from + prefix;
  }

  #body(chunk: Buffer, at: number): number {
    const piece = Math.min(this.#bodyLeft, chunk.length - at);
    if (piece > 0) {
      this.#bodyLeft -= piece;
      this.#sink.dataPiece(chunk, at, at + piece);
    }
    const padding = Math.min(this.#paddingLeft, chunk.length - at - piece);
    this.#paddingLeft -= padding;
    if (this.#bodyLeft + this.#paddingLeft === 0) this.#endData();
    return at + piece + padding;
  }

  #endData(): void {
    this.#inData = false;
    if (!this.#sink.deaf) this.#sink.dataEnds((this.#dataFlags & 1) !== 0);
  }

  #keep(chunk: Buffer, at: number): void {
    this.#kept = chunk.length - at;
    this.#stash = Buffer.allocUnsafe(Math.max(FRAME_HEADER_BYTES, this.#kept));
    chunk.copy(this.#stash, 0, at);
    this.#grow();
  }

  /** Room for the whole frame, once its length is known. */
  #grow(): void {
    const stash = this.#stash!;
    if (this.#kept < FRAME_HEADER_BYTES) return;
    const length = (stash[0]! << 16) | (stash[1]! << 8) | stash[2]!;
    // Of DATA only the length of the padding is waited for.
    const size = FRAME_HEADER_BYTES + (stash[3] === DATA ? 1 : length);
    if (stash.length >= size || length > MAX_FRAME_BYTES) return;
    this.#stash = Buffer.allocUnsafe(size);
    stash.copy(this.#stash, 0, 0, this.#kept);
  }

  /** Adds to the frame that has begun. Position in the chunk after what it took. */
  #complete(chunk: Buffer, start: number): number {
    let at = start;
    while (this.#stash !== null && at < chunk.length) {
      const size = this.#kept < FRAME_HEADER_BYTES ? FRAME_HEADER_BYTES : this.#stash.length;
      const taken = chunk.copy(this.#stash, this.#kept, at, Math.min(chunk.length, at + size - this.#kept));
      at += taken;
      this.#kept += taken;
      this.#grow();
      const stash = this.#stash;
      // A frame of DATA without padding, or one that is too long, is dealt with as soon as its header is there.
      if (this.#kept < FRAME_HEADER_BYTES) break;
      this.#stash = null;
      if (this.#frame(stash, 0, this.#kept) === 0) this.#stash = stash;
    }
    return at;
  }
}
