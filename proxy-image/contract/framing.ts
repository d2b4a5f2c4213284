import { parseJsonBytes } from '../../lib/json.ts';
import { WeftError } from './errors.ts';

/** Every message is a 4-byte big-endian length and so many bytes of JSON in UTF-8. */
export const FRAME_HEADER_BYTES = 4;

const encoder = new TextEncoder();

/** The length that goes before a message of `sizeBytes`; for senders that keep parts of the message encoded. */
export function frameHeader(sizeBytes: number): Uint8Array {
  const header = new Uint8Array(FRAME_HEADER_BYTES);
  new DataView(header.buffer).setUint32(0, sizeBytes);
  return header;
}

/** One whole frame: header and JSON text of `message`. */
export function encodeFrame(message: unknown): Uint8Array {
  const payload = encoder.encode(JSON.stringify(message));
  const frame = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  new DataView(frame.buffer).setUint32(0, payload.length);
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
}

/** Cuts a byte stream into messages. Holds at most one incomplete message: memory grows with what has arrived, not with what a header announces. */
export class FrameReader {
  readonly #maxMessageBytes: number;
  #chunks: Uint8Array[] = [];
  #bufferedBytes = 0;
  /** Size of the frame in progress, header included; 0 while its header is incomplete. */
  #frameBytes = 0;

  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** True between two messages: an end of the stream here is in order. */
  get idle(): boolean {
    return this.#bufferedBytes === 0;
  }

  /**
   * Takes what a socket delivered (it may reuse the buffer afterwards) and returns the messages that are complete now, parsed.
   * After an error the stream cannot be read on.
   * @throws WeftError WEFT_FRAMING: longer than allowed, not UTF-8, or not JSON
   */
  push(chunk: Uint8Array): unknown[] {
    const messages: unknown[] = [];
    let rest = chunk;
    while (rest.length > 0) {
      const wanted = (this.#frameBytes === 0 ? FRAME_HEADER_BYTES : this.#frameBytes) - this.#bufferedBytes;
      const part = rest.subarray(0, wanted);
      rest = rest.subarray(part.length);
      this.#keep(part, part.length === wanted);
      if (part.length === wanted) this.#advance(messages);
    }
    return messages;
  }

  /** The last part of a frame is read before `push` returns; what waits for more is copied. */
  #keep(part: Uint8Array, completes: boolean): void {
    // `part.slice()` would copy nothing where `part` is a Buffer.
    this.#chunks.push(completes && this.#frameBytes !== 0 ? part : new Uint8Array(part));
    this.#bufferedBytes += part.length;
  }

  /** The header is complete, or the whole frame is. */
  #advance(messages: unknown[]): void {
    if (this.#frameBytes === 0) {
      const header = this.#join();
      const sizeBytes = new DataView(header.buffer, header.byteOffset).getUint32(0);
      if (sizeBytes > this.#maxMessageBytes) {
        throw new WeftError('WEFT_FRAMING', `${sizeBytes} bytes announced, ${this.#maxMessageBytes} allowed`);
      }
      this.#chunks = [header];
      this.#frameBytes = FRAME_HEADER_BYTES + sizeBytes;
    }
    if (this.#bufferedBytes < this.#frameBytes) return;
    const frame = this.#join();
    this.#chunks = [];
    this.#bufferedBytes = 0;
    this.#frameBytes = 0;
    messages.push(parseJson(frame.subarray(FRAME_HEADER_BYTES)));
  }

  #join(): Uint8Array {
    const [only] = this.#chunks;
    if (this.#chunks.length === 1 && only !== undefined) return only;
    const joined = new Uint8Array(this.#bufferedBytes);
    let at = 0;
    for (const chunk of this.#chunks) {
      joined.set(chunk, at);
      at += chunk.length;
    }
    return joined;
  }
}

function parseJson(payload: Uint8Array): unknown {
  try {
    return parseJsonBytes(payload);
  } catch (error) {
    throw new WeftError('WEFT_FRAMING', error instanceof Error ? error.message : String(error), error);
  }
}
