import type { Trailers } from '../../http/message.ts';
import type { Outbox } from '../../io/tcp/outbox.ts';
import { chunkOf, lastChunk } from './chunks.ts';
import type { ResponseHead } from './head.ts';
import type { Http1Scratch } from './scratch.ts';
import { type ResponseFraming, writeResponseHead } from './serialize.ts';

/** Writes the responses of a client's connection: a head and the first bytes of its body in one write. */
export class ResponseWriter {
  readonly #outbox: Outbox;
  readonly #scratch: Http1Scratch;
  /** Bytes in the scratch buffer: a head that waits for the first bytes of its body. */
  #composed = 0;
  /** The body comes without framing and is put into chunks. */
  #chunks = false;

  constructor(outbox: Outbox, scratch: Http1Scratch) {
    this.#outbox = outbox;
    this.#scratch = scratch;
  }

  /** The head waits in the scratch buffer: `write` or `flush` must follow within the event, before anything else is composed. */
  compose(head: ResponseHead, framing: ResponseFraming, chunks: boolean): void {
    this.#chunks = chunks;
    this.#composed = writeResponseHead(this.#scratch.bytes, 0, head, framing, '');
  }

  write(bytes: Buffer, from: number, to: number): boolean {
    if (this.#chunks) return this.#chunk(bytes, from, to);
    if (this.#composed === 0) return this.#outbox.write(bytes, from, to);
    const scratch = this.#scratch;
    const copied = Math.min(to - from, scratch.roomBehind(this.#composed));
    this.#composed += bytes.copy(scratch.bytes, this.#composed, from, from + copied);
    if (from + copied === to) return true;
    this.flush();
    return this.#outbox.write(bytes, from + copied, to);
  }

  #chunk(bytes: Buffer, from: number, to: number): boolean {
    if (to === from) return true;
    this.flush();
    const chunk = chunkOf(bytes, from, to);
    return this.#outbox.write(chunk, 0, chunk.length);
  }

  flush(): boolean {
    const length = this.#composed;
    if (length === 0) return true;
    this.#composed = 0;
    return this.#outbox.write(this.#scratch.bytes, 0, length);
  }

  /** Drops a head of which nothing has been written. */
  takeBack(): boolean {
    if (this.#composed === 0) return false;
    this.#composed = 0;
    return true;
  }

  end(trailers: Trailers | null): void {
    this.flush();
    if (!this.#chunks) return;
    this.#chunks = false;
    const last = Buffer.from(lastChunk(trailers), 'latin1');
    this.#outbox.write(last, 0, last.length);
  }
}
