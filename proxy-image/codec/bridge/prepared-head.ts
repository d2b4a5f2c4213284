import { type ExtraFields, NO_EXTRA_FIELDS } from '../../http/message.ts';
import type { RequestHead } from '../http1/head.ts';
import { writeRequestHead, writtenSize } from '../http1/serialize.ts';
import type { Http2Request } from '../http2/request.ts';
import { translation } from './translation.ts';

/** Heads of most requests fit. */
const HEAD_BYTES = 1024;
/** A longer head makes the buffer grow; beyond this it does not outlive the request, so that a few large ones do not become everybody's size. */
const KEPT_HEAD_BYTES = 4096;

/** The head of a request as it goes to the next hop, for every try and in either version. Reused from request to request. */
export class PreparedHead {
  /** The head as it came: by one version or the other. */
  #source: RequestHead | null = null;
  #request: Http2Request | null = null;
  #extra: ExtraFields = NO_EXTRA_FIELDS;
  /** Host of a request that names none. */
  #authority = '';
  #bytes: Buffer = Buffer.allocUnsafeSlow(HEAD_BYTES);
  /** Of the head as HTTP/1 has it, where it came as HTTP/1. */
  length = 0;

  /** `head` is valid during the event: `prepare` must follow within it, where the request is to go on. */
  takeHttp1(head: RequestHead): void {
    this.#source = head;
    this.#request = null;
  }

  takeHttp2(request: Http2Request): void {
    this.#request = request;
  }

  prepare(extra: ExtraFields, authority: string): void {
    this.#extra = extra;
    this.#authority = authority;
    const head = this.#source;
    if (head === null) return;
    this.#source = null;
    const needed = writtenSize(head, extra.lines, authority);
    if (needed > this.#bytes.length) this.#bytes = Buffer.allocUnsafeSlow(needed);
    this.length = writeRequestHead(this.#bytes, head, extra.lines, authority);
  }

  /** Where it came as HTTP/1: nothing has to be written around it. `null` otherwise. */
  get http1(): Buffer | null {
    return this.#request === null ? this.#bytes : null;
  }

  /**
   * Writes it as HTTP/1 into `out` at `at`, which has room for the longest; returns the position after it. Of a body of HTTP/2, `chunks`: it will be put
   * into chunks; `whole`: it has been read.
   */
  writeHttp1(out: Buffer, at: number, chunks: boolean, whole: boolean): number {
    if (this.#request === null) return at + this.#bytes.copy(out, at, 0, this.length);
    return at + out.write(translation().requestTextOf(this.#request, this.#extra, chunks, whole), at, 'latin1');
  }

  /** As HTTP/2 writes it. */
  http2Block(): Buffer {
    if (this.#request !== null) return this.#request.forwardBlock(this.#extra);
    return translation().requestBlockOf(this.#bytes, this.length, this.#extra, this.#authority);
  }

  /** It came as HTTP/2, and the length of its body was not announced. */
  get isOpenEnded(): boolean {
    return this.#request !== null && this.#request.contentLength === -1;
  }

  forget(): void {
    this.#source = null;
    this.#request = null;
    if (this.#bytes.length > KEPT_HEAD_BYTES) this.#bytes = Buffer.allocUnsafeSlow(HEAD_BYTES);
  }
}
