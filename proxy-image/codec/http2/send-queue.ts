/** Small pieces share a chunk, so that a body in single bytes does not cost an object for each. */
const CHUNK_BYTES = 4096;

/** Bytes of a body that wait to be sent, in order. */
export class SendQueue {
  length = 0;
  readonly #chunks: Buffer[] = [];
  /** Start in the first chunk, end in the last. */
  #start = 0;
  #end = 0;

  push(bytes: Buffer, from: number, to: number): void {
    let at = from;
    const last = this.#chunks.at(-1);
    if (last !== undefined) {
      const copied = bytes.copy(last, this.#end, at, to);
      this.#end += copied;
      at += copied;
    }
    if (at < to) {
      const chunk = Buffer.allocUnsafeSlow(Math.max(to - at, CHUNK_BYTES));
      this.#end = bytes.copy(chunk, 0, at, to);
      this.#chunks.push(chunk);
    }
    this.length += to - from;
  }

  get first(): Buffer {
    return this.#chunks[0]!;
  }

  get firstFrom(): number {
    return this.#start;
  }

  get firstTo(): number {
    return this.#chunks.length === 1 ? this.#end : this.#chunks[0]!.length;
  }

  /** The first `count` bytes, no more than the first chunk has, are sent. */
  drop(count: number): void {
    const done = this.#start + count === this.firstTo;
    this.length -= count;
    this.#start += count;
    if (!done) return;
    this.#chunks.shift();
    this.#start = 0;
    if (this.#chunks.length === 0) this.#end = 0;
  }
}
