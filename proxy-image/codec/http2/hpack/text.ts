import { HUFFMAN_ERROR, huffmanDecode } from './huffman.ts';
import { TEXT_BYTES } from './limits.ts';

const FIRST_SCRATCH_BYTES = 4096;
/** RFC 7541 appendix B. */
const SHORTEST_CODE_BITS = 5;

/** Measured: up to here finding a string that exists is cheaper than making one. */
const INTERNED_BYTES = 16;
const INTERNED = 1024;

/**
 * Short texts seen last, by hash: names and values such as `te`, `trailers`, `200` are few, and a string that exists costs neither memory nor a call.
 * For many connections; what an attacker can do with it is make it useless.
 */
export class Interned {
  readonly #texts: string[] = new Array<string>(INTERNED).fill('');

  /** One JavaScript character per octet. */
  latin1(bytes: Buffer, from: number, to: number): string {
    const length = to - from;
    if (length > INTERNED_BYTES) return bytes.toString('latin1', from, to);
    if (length === 0) return '';
    let hash = length;
    for (let at = from; at < to; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0;
    const slot = (hash ^ (hash >>> 10)) & (INTERNED - 1);
    const known = this.#texts[slot]!;
    if (known.length === length) {
      let i = 0;
      while (i < length && known.charCodeAt(i) === bytes[from + i]) i++;
      if (i === length) return known;
    }
    const text = bytes.toString('latin1', from, to);
    this.#texts[slot] = text;
    return text;
  }
}

/** A string literal (RFC 7541 section 5.2) that is checked and measured, but not made a string yet. */
export class Text {
  /** May be more than TEXT_BYTES for a coded text: then it is known to be well-formed, but cannot be had. */
  length = 0;
  /** Grows with the longest: the collector counts all of it, touched or not, and waits for the longer. */
  #scratch: Buffer = Buffer.allocUnsafeSlow(FIRST_SCRATCH_BYTES);
  #bytes: Buffer = this.#scratch;
  #from = 0;
  readonly #interned: Interned;

  constructor(interned: Interned) {
    this.#interned = interned;
  }

  plain(bytes: Buffer, from: number, to: number): void {
    this.#bytes = bytes;
    this.#from = from;
    this.length = to - from;
  }

  /** False: malformed. */
  coded(bytes: Buffer, from: number, to: number): boolean {
    this.#makeRoom(to - from);
    const length = huffmanDecode(bytes, from, to, this.#scratch);
    if (length === HUFFMAN_ERROR) return false;
    this.#bytes = this.#scratch;
    this.#from = 0;
    this.length = length;
    return true;
  }

  #makeRoom(codedBytes: number): void {
    const neededBytes = Math.min(TEXT_BYTES, Math.floor((codedBytes * 8) / SHORTEST_CODE_BITS)) + 1;
    if (neededBytes > this.#scratch.length)
      this.#scratch = Buffer.allocUnsafeSlow(Math.max(neededBytes, Math.min(TEXT_BYTES + 1, 2 * this.#scratch.length)));
  }

  /** As long as the bytes are what they were. */
  toString(): string {
    return this.#interned.latin1(this.#bytes, this.#from, this.#from + this.length);
  }
}
