import type { Http2Limits } from './limits.ts';

/** A header block that came in several frames, until its last CONTINUATION. */
export class HeaderBlock {
  /** Of the stream whose block is open; 0 = none. No other frame may come then (RFC 9113 section 4.3). */
  streamId = 0;
  ends = false;
  readonly #limits: Readonly<Http2Limits>;
  #parts: Buffer[] = [];
  #sizeBytes = 0;

  constructor(limits: Readonly<Http2Limits>) {
    this.#limits = limits;
  }

  begin(streamId: number, ends: boolean, bytes: Buffer, from: number, to: number): void {
    this.streamId = streamId;
    this.ends = ends;
    this.#parts = [Buffer.from(bytes.subarray(from, to))];
    this.#sizeBytes = to - from;
  }

  /** False: more than any honest block needs (CVE-2024-27983 and its like). */
  add(bytes: Buffer, from: number, to: number): boolean {
    this.#sizeBytes += to - from;
    // The first part is the HEADERS frame's.
    if (this.#parts.length > this.#limits.continuationFrames || this.#sizeBytes > this.#limits.headerBlockBytes)
      return false;
    this.#parts.push(Buffer.from(bytes.subarray(from, to)));
    return true;
  }

  take(): Buffer {
    const block = Buffer.concat(this.#parts, this.#sizeBytes);
    this.#parts = [];
    this.streamId = 0;
    return block;
  }
}
