import { WeftError } from '../../../contract/errors.ts';

/** What came of a response; called within `ResponseReader.push`. Chunks are valid only during the call. */
export interface ResponseEvents {
  /** Header names in lower case; of a repeated header the last value. */
  head(status: number, headers: ReadonlyMap<string, string>): void;
  body(chunk: Uint8Array): void;
  complete(): void;
}

/** An API server's heads are below 2 KiB; whoever sends more is none. */
const MAX_HEAD_BYTES = 32 * 1024;
/** A chunk size with extensions. */
const MAX_LINE_BYTES = 4 * 1024;

const LF = 10;
const CR = 13;

type State =
  | 'status'
  | 'headers'
  | 'fixed'
  | 'untilClose'
  | 'chunkSize'
  | 'chunkData'
  | 'chunkEnd'
  | 'trailers'
  | 'done';

/**
 * Reads one HTTP/1.1 response (RFC 9112) to our own request `connection: close`. Enough for an API server: fixed length, chunked, until close.
 * Anything else throws WeftError WEFT_DIRECT_API.
 */
export class ResponseReader {
  readonly #events: ResponseEvents;
  readonly #headers = new Map<string, string>();
  #state: State = 'status';
  #status = 0;
  #line = '';
  #headBytes = 0;
  /** Bytes left of a fixed body or of the present chunk. */
  #left = 0;

  constructor(events: ResponseEvents) {
    this.#events = events;
  }

  push(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length && this.#state !== 'done')
      at = this.#readsData ? this.#data(bytes, at) : this.#text(bytes, at);
  }

  /** The peer has closed: the end of a body without length, a failure anywhere else. */
  end(): void {
    if (this.#state === 'done') return;
    if (this.#state !== 'untilClose') throw malformed('the connection ended inside the response');
    this.#finish();
  }

  get #readsData(): boolean {
    return this.#state === 'fixed' || this.#state === 'untilClose' || this.#state === 'chunkData';
  }

  #data(bytes: Uint8Array, at: number): number {
    const length = this.#state === 'untilClose' ? bytes.length - at : Math.min(this.#left, bytes.length - at);
    this.#events.body(bytes.subarray(at, at + length));
    if (this.#state === 'untilClose') return at + length;
    this.#left -= length;
    if (this.#left === 0) this.#bodyPartEnded();
    return at + length;
  }

  #bodyPartEnded(): void {
    if (this.#state === 'chunkData') this.#state = 'chunkEnd';
    else this.#finish();
  }

  /** Collects one line; its end is LF with an optional CR before it. */
  #text(bytes: Uint8Array, at: number): number {
    const end = bytes.indexOf(LF, at);
    const until = end === -1 ? bytes.length : end;
    this.#line += Buffer.from(bytes.buffer, bytes.byteOffset + at, until - at).toString('latin1');
    const limit = this.#state === 'status' || this.#state === 'headers' ? MAX_HEAD_BYTES : MAX_LINE_BYTES;
    if (this.#headBytes + this.#line.length > limit) throw malformed('a line or the head is too long');
    if (end === -1) return until;
    const line = this.#line.charCodeAt(this.#line.length - 1) === CR ? this.#line.slice(0, -1) : this.#line;
    this.#line = '';
    this.#takeLine(line);
    return end + 1;
  }

  #takeLine(line: string): void {
    switch (this.#state) {
      case 'status':
        this.#takeStatus(line);
        break;
      case 'headers':
        this.#takeHeader(line);
        break;
      case 'chunkSize':
        this.#takeChunkSize(line);
        break;
      case 'chunkEnd':
        if (line !== '') throw malformed('a chunk is longer than its size');
        this.#state = 'chunkSize';
        break;
      default:
        if (line === '') this.#finish();
    }
  }

  #takeStatus(line: string): void {
    const match = /^HTTP\/1\.[01] ([1-5][0-9]{2})(?: |$)/.exec(line);
    if (match === null) throw malformed('no HTTP/1.1 status line');
    this.#status = Number(match[1]);
    this.#state = 'headers';
    this.#headBytes = line.length;
  }

  #takeHeader(line: string): void {
    this.#headBytes += line.length;
    if (line === '') {
      this.#headEnded();
      return;
    }
    const colon = line.indexOf(':');
    if (colon < 1) throw malformed('a header without name');
    this.#headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }

  #headEnded(): void {
    this.#headBytes = 0;
    if (this.#status < 200) {
      this.#headers.clear();
      this.#state = 'status';
      return;
    }
    this.#events.head(this.#status, this.#headers);
    this.#startBody();
  }

  #startBody(): void {
    const coding = this.#headers.get('transfer-encoding');
    const length = this.#headers.get('content-length');
    if (this.#status === 204 || this.#status === 304) this.#finish();
    else if (coding !== undefined) {
      if (coding.toLowerCase() !== 'chunked') throw malformed('an unknown transfer coding');
      this.#state = 'chunkSize';
    } else if (length === undefined) this.#state = 'untilClose';
    else this.#startFixed(length);
  }

  #startFixed(length: string): void {
    if (!/^[0-9]{1,12}$/.test(length)) throw malformed('a wrong content-length');
    this.#left = Number(length);
    this.#state = 'fixed';
    if (this.#left === 0) this.#finish();
  }

  #takeChunkSize(line: string): void {
    const match = /^([0-9a-fA-F]{1,8})[ \t]*(?:;|$)/.exec(line);
    if (match === null) throw malformed('a wrong chunk size');
    this.#left = Number.parseInt(match[1]!, 16);
    this.#state = this.#left === 0 ? 'trailers' : 'chunkData';
  }

  #finish(): void {
    this.#state = 'done';
    this.#events.complete();
  }
}

function malformed(what: string): WeftError {
  return new WeftError('WEFT_DIRECT_API', `malformed response: ${what}`);
}
