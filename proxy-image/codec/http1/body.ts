import type { BodySink } from '../../http/body-sink.ts';
import { ChunkedBody } from './chunked.ts';
import type { BodyKind, Head } from './head.ts';

/**
 * Follows one message body through the bytes of its connection: counted, never parsed. Reused for all messages of a connection.
 */
export class BodyReader {
  /** The whole body has gone by. */
  done = true;
  kind: BodyKind = 'none';
  readonly #maxTrailerBytes: number;
  #remaining = 0;
  #chunked: ChunkedBody | null = null;

  constructor(maxTrailerBytes: number) {
    this.#maxTrailerBytes = maxTrailerBytes;
  }

  /** The body that `head` announces. `unframe`: only the data of chunks is wanted, for a recipient that does not know them. */
  begin(kind: BodyKind, head: Head, unframe: boolean): void {
    const length = Math.max(head.contentLength, 0);
    this.kind = kind;
    this.#remaining = length;
    this.done = kind === 'none' || (kind === 'length' && length === 0);
    if (kind !== 'chunked') return;
    this.#chunked ??= new ChunkedBody(this.#maxTrailerBytes);
    this.#chunked.begin(unframe, head.nominated);
  }

  /** Feeds `bytes[from..to)`. Returns where the body ends in them (`to` when it goes on), or a rejection (negative). */
  feed(bytes: Buffer, from: number, to: number, sink: BodySink): number {
    if (this.done) return from;
    if (this.kind === 'chunked') return this.#feedChunked(bytes, from, to, sink);
    if (this.kind === 'until-close') {
      sink.range(bytes, from, to);
      return to;
    }
    const end = Math.min(to, from + this.#remaining);
    this.#remaining -= end - from;
    this.done = this.#remaining === 0;
    if (end > from) sink.range(bytes, from, end);
    return end;
  }

  #feedChunked(bytes: Buffer, from: number, to: number, sink: BodySink): number {
    const chunked = this.#chunked!;
    const end = chunked.feed(bytes, from, to, sink);
    this.done = chunked.done;
    return end;
  }

  /** The connection ended: is the body whole? */
  get endsAtClose(): boolean {
    return this.kind === 'until-close';
  }

  /** Bytes of a counted body still to come; Infinity when unknown. */
  get remaining(): number {
    if (this.done) return 0;
    return this.kind === 'length' ? this.#remaining : Number.POSITIVE_INFINITY;
  }
}
