/** Longest line, bytes. etcd takes objects up to 1.5 MiB; a line ten times that is no event of a watch. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;

const NEWLINE = 0x0a;

/** Cuts a byte stream into lines without copying complete ones. What is pushed may be reused afterwards. */
export class LineSplitter {
  #partial: Buffer[] = [];
  #partialBytes = 0;

  /** Calls `line` with each complete line, without its end. Throws on a line that is too long. */
  push(chunk: Buffer, line: (text: string) => void): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const text = this.#complete(chunk.subarray(start, end));
      start = end + 1;
      if (text !== '') line(text);
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  #complete(end: Buffer): string {
    if (this.#partialBytes === 0) return end.toString('utf8');
    const text = Buffer.concat([...this.#partial, end]).toString('utf8');
    this.#partial = [];
    this.#partialBytes = 0;
    return text;
  }

  #keep(bytes: Buffer): void {
    this.#partial.push(Buffer.from(bytes));
    this.#partialBytes += bytes.length;
    if (this.#partialBytes > MAX_LINE_BYTES) throw new RangeError('a line of the watch is too long');
  }
}
