import { HEAD_BYTES } from '../../contract/head-bytes.ts';
import type { BodySink } from '../../http/body-sink.ts';
import { CR, FIELD_VALUE, HEX, isBlank, LF } from '../../http/octets.ts';
import { CHUNK_EXTENSION_BYTES } from './limits.ts';
import { BAD_CHUNK, EXTENSIONS_TOO_LARGE, TRAILERS_TOO_LARGE } from './rejection.ts';
import { filterTrailers } from './trailers.ts';

type State = 'size' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'trailers';

const SEMICOLON = 59;
/** RFC 9112 section 7.1 sets no bound; sixteen digits are 2^64, and leading zeros serve nobody. */
const MAX_DIGITS = 16;
const EMPTY_LINE_BYTES = 2;
const NONE: readonly string[] = [];

/**
 * RFC 9112 section 7.1. Passes the framing on as it came, in as few ranges as possible: extensions are cut out, trailers are held until they are
 * complete and filtered.
 */
export class ChunkedBody {
  done = false;
  readonly #maxTrailerBytes: number;
  #state: State = 'size';
  #size = 0;
  #digits = 0;
  #extensionBytes = 0;
  #unframe = false;
  /** Trailer fields that the head's `Connection` names. */
  #nominated: readonly string[] = NONE;
  #trailers: Buffer | null = null;
  /** Start of what is to be passed on and has not been yet. */
  #run = 0;
  /** Ranges that were passed on of the bytes at hand. */
  #passedCount = 0;
  /** All ranges of the bytes at hand but the first: an extension in every chunk must not make a write of every chunk. */
  #gathered: Buffer | null = null;
  #gatheredLength = 0;

  constructor(maxTrailerBytes: number = HEAD_BYTES.fallback) {
    this.#maxTrailerBytes = maxTrailerBytes;
  }

  begin(unframe: boolean, nominated: readonly string[] = NONE): void {
    this.done = false;
    this.#unframe = unframe;
    this.#nominated = nominated;
    this.#state = 'size';
    this.#size = 0;
    this.#digits = 0;
    this.#extensionBytes = 0;
    this.#trailers = null;
  }

  /** Position after the body, `to` when it goes on, or a rejection. */
  feed(bytes: Buffer, from: number, to: number, sink: BodySink): number {
    this.#passedCount = 0;
    const end = this.#feed(bytes, from, to, sink);
    this.#flush(sink);
    return end;
  }

  #feed(bytes: Buffer, from: number, to: number, sink: BodySink): number {
    this.#run = from;
    let at = from;
    while (at < to) {
      if (this.#state === 'data') {
        at = this.#data(bytes, at, to, sink);
        continue;
      }
      if (this.#state === 'trailers') return this.#trailerSection(bytes, at, to, sink);
      const refused = this.#framing(bytes[at]!, bytes, at, sink);
      if (refused < 0) return refused;
      at++;
    }
    this.#pass(bytes, to, sink);
    return to;
  }

  #data(bytes: Buffer, at: number, to: number, sink: BodySink): number {
    const end = Math.min(to, at + this.#size);
    this.#size -= end - at;
    if (this.#unframe) this.#emit(bytes, at, end, sink);
    if (this.#size === 0) this.#state = 'data-cr';
    return end;
  }

  /** Passes on the framing and data since the last cut. */
  #pass(bytes: Buffer, to: number, sink: BodySink): void {
    // In an extension the run is empty: `#run` waits behind it.
    if (!this.#unframe && this.#state !== 'extension' && to > this.#run) {
      this.#emit(bytes, this.#run, to, sink);
    }
    this.#run = to;
  }

  #emit(bytes: Buffer, from: number, to: number, sink: BodySink): void {
    if (this.#passedCount++ === 0) {
      sink.range(bytes, from, to);
      return;
    }
    this.#gathered ??= Buffer.allocUnsafe(bytes.length - from);
    this.#gatheredLength += bytes.copy(this.#gathered, this.#gatheredLength, from, to);
  }

  #flush(sink: BodySink): void {
    const gathered = this.#gathered;
    if (gathered === null) return;
    const length = this.#gatheredLength;
    this.#gathered = null;
    this.#gatheredLength = 0;
    sink.range(gathered, 0, length);
  }

  #framing(octet: number, bytes: Buffer, at: number, sink: BodySink): number {
    switch (this.#state) {
      case 'size':
        return this.#sizeOctet(octet, bytes, at, sink);
      case 'extension':
        return this.#extensionOctet(octet, at);
      case 'size-lf':
        return this.#endOfSizeLine(octet);
      case 'data-cr':
        this.#state = 'data-lf';
        return octet === CR ? 0 : BAD_CHUNK;
      default:
        this.#state = 'size';
        this.#digits = 0;
        this.#size = 0;
        return octet === LF ? 0 : BAD_CHUNK;
    }
  }

  #sizeOctet(octet: number, bytes: Buffer, at: number, sink: BodySink): number {
    const digit = HEX[octet]!;
    if (digit !== 255) {
      this.#size = this.#size * 16 + digit;
      return ++this.#digits > MAX_DIGITS || this.#size > Number.MAX_SAFE_INTEGER ? BAD_CHUNK : 0;
    }
    if (this.#digits === 0) return BAD_CHUNK;
    if (octet === CR) {
      this.#state = 'size-lf';
      return 0;
    }
    if (octet !== SEMICOLON && !isBlank(octet)) return BAD_CHUNK;
    this.#pass(bytes, at, sink);
    this.#state = 'extension';
    return this.#countExtension();
  }

  #extensionOctet(octet: number, at: number): number {
    if (octet === CR) {
      this.#state = 'size-lf';
      this.#run = at;
      return 0;
    }
    return FIELD_VALUE[octet] === 1 ? this.#countExtension() : BAD_CHUNK;
  }

  #countExtension(): number {
    return ++this.#extensionBytes > CHUNK_EXTENSION_BYTES ? EXTENSIONS_TOO_LARGE : 0;
  }

  #endOfSizeLine(octet: number): number {
    if (octet !== LF) return BAD_CHUNK;
    this.#state = this.#size === 0 ? 'trailers' : 'data';
    return 0;
  }

  /** From behind the line of the last chunk to the empty line. Without trailers, which is nearly always, nothing is held. */
  #trailerSection(bytes: Buffer, at: number, to: number, sink: BodySink): number {
    if (this.#trailers === null && to - at >= 2 && bytes[at] === CR && bytes[at + 1] === LF) {
      this.done = true;
      this.#pass(bytes, at + 2, sink);
      return at + 2;
    }
    this.#pass(bytes, at, sink);
    return this.#holdTrailers(bytes, at, to, sink);
  }

  #holdTrailers(bytes: Buffer, at: number, to: number, sink: BodySink): number {
    const before = this.#trailers?.length ?? 0;
    const take = Math.min(to, at + this.#maxTrailerBytes + 1 - before);
    const part = bytes.subarray(at, take);
    const held = this.#trailers === null ? Buffer.from(part) : Buffer.concat([this.#trailers, part]);
    const end = endOfTrailers(held, before);
    if (end === -1) {
      this.#trailers = held;
      return held.length > this.#maxTrailerBytes ? TRAILERS_TOO_LARGE : to;
    }
    const filtered = filterTrailers(held, end, this.#nominated);
    if (typeof filtered === 'number') return filtered;
    this.#trailers = null;
    this.done = true;
    // What came before them goes first.
    this.#flush(sink);
    if (!this.#unframe) sink.range(filtered, 0, filtered.length);
    else if (filtered.length > EMPTY_LINE_BYTES) sink.trailers(filtered);
    return at + (end - before);
  }
}

/** Position after the empty line, -1 when it has not come. `scanned` bytes were looked at before. */
function endOfTrailers(held: Buffer, scanned: number): number {
  if (held.length >= 2 && held[0] === CR && held[1] === LF) return 2;
  const end = held.indexOf('\r\n\r\n', Math.max(0, scanned - 3), 'latin1');
  return end === -1 ? -1 : end + 4;
}
