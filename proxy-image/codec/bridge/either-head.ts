import { type ExtraFields, NO_EXTRA_FIELDS, type RequestMessage } from '../../http/message.ts';
import type { HeadEdit, PreparedHead } from '../../http/prepared-head.ts';
import { RequestHead } from '../http1/head.ts';
import { writeRequestHead, writtenSize } from '../http1/serialize.ts';
import type { Translation } from './translate.ts';

/** Who has what translates, once it is needed. */
export interface Translating {
  readonly translation: Translation;
}

/** Heads of most requests fit. */
const HEAD_BYTES = 1024;
/** A longer head makes the buffer grow; beyond this it does not outlive the request, so that a few large ones do not become everybody's size. */
const KEPT_HEAD_BYTES = 4096;
const CRLF_BYTES = 2;

/** A request head that came in one form and can go on in either. */
export class EitherHead implements PreparedHead {
  readonly #translating: Translating;
  /** The head as it came: in one form or the other. */
  #source: RequestHead | null = null;
  #request: RequestMessage | null = null;
  #extra: ExtraFields = NO_EXTRA_FIELDS;
  /** Of this one request, behind `#extra`. */
  #added: ExtraFields = NO_EXTRA_FIELDS;
  /** Host of a request that names none. */
  #authority = '';
  #bytes: Buffer = Buffer.allocUnsafeSlow(HEAD_BYTES);
  #preparedLength = 0;
  /** In place of `#bytes`, or of `#request`, where filters have changed it. */
  #editedBytes: Buffer | null = null;
  #editedRequest: RequestMessage | null = null;
  /** Of the head as HTTP/1 has it, where it came as HTTP/1. */
  length = 0;

  constructor(translating: Translating) {
    this.#translating = translating;
  }

  /** A head of HTTP/1 is in memory that its codec uses again; one of HTTP/2 is not. */
  take(head: RequestMessage): void {
    const isHttp1 = head instanceof RequestHead;
    this.#source = isHttp1 ? head : null;
    this.#request = isHttp1 ? null : head;
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
    this.#preparedLength = this.length;
  }

  add(fields: ExtraFields): void {
    this.#added = fields;
    if (this.#request !== null) return;
    const { lines } = fields;
    const needed = this.length + lines.length;
    if (needed > this.#bytes.length) {
      const longer = Buffer.allocUnsafeSlow(needed);
      this.#bytes.copy(longer, 0, 0, this.length);
      this.#bytes = longer;
    }
    this.length += this.#bytes.write(`${lines}\r\n`, this.length - CRLF_BYTES, 'latin1') - CRLF_BYTES;
    this.#preparedLength = this.length;
  }

  /** Both kinds as one: for where nothing is remembered. */
  get #all(): ExtraFields {
    return this.#added === NO_EXTRA_FIELDS ? this.#extra : this.#extra.with(this.#added);
  }

  edit(edit: HeadEdit | null): void {
    this.#editedBytes = null;
    this.#editedRequest = null;
    this.length = this.#preparedLength;
    if (edit === null) return;
    const { translation } = this.#translating;
    if (this.#request !== null) {
      this.#editedRequest = translation.editedRequest(this.#request, edit);
      return;
    }
    this.#editedBytes = translation.editedHead(this.#bytes, this.length, this.#all, edit);
    this.length = this.#editedBytes.length;
  }

  copy(other: PreparedHead): void {
    if (!(other instanceof EitherHead)) throw new Error('a head of another kind');
    this.#source = null;
    this.#request = other.#request;
    this.#extra = other.#extra;
    this.#added = other.#added;
    this.#authority = other.#authority;
    this.#editedRequest = other.#editedRequest;
    this.#editedBytes = null;
    this.length = other.length;
    this.#preparedLength = this.length;
    if (this.#request !== null) return;
    if (this.length > this.#bytes.length) this.#bytes = Buffer.allocUnsafeSlow(this.length);
    (other.#editedBytes ?? other.#bytes).copy(this.#bytes, 0, 0, this.length);
  }

  get #current(): RequestMessage | null {
    return this.#editedRequest ?? this.#request;
  }

  get http1(): Buffer | null {
    return this.#request === null ? (this.#editedBytes ?? this.#bytes) : null;
  }

  writeHttp1(out: Buffer, at: number, chunks: boolean, whole: boolean): number {
    const request = this.#current;
    if (request === null) return at + (this.#editedBytes ?? this.#bytes).copy(out, at, 0, this.length);
    const { translation } = this.#translating;
    return at + out.write(translation.requestTextOf(request, this.#all, chunks, whole), at, 'latin1');
  }

  http2Block(): Buffer {
    const { translation } = this.#translating;
    const request = this.#current;
    if (request !== null) return translation.forwardBlockOf(request, this.#extra, this.#added);
    return translation.requestBlockOf(this.#editedBytes ?? this.#bytes, this.length, this.#all, this.#authority);
  }

  get isOpenEnded(): boolean {
    return this.#request !== null && this.#request.contentLength === -1;
  }

  forget(): void {
    this.#source = null;
    this.#request = null;
    this.#editedBytes = null;
    this.#editedRequest = null;
    this.#added = NO_EXTRA_FIELDS;
    if (this.#bytes.length > KEPT_HEAD_BYTES) this.#bytes = Buffer.allocUnsafeSlow(HEAD_BYTES);
  }
}
