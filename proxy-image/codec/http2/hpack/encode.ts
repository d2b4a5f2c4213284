import { STATIC_BY_NAME } from './static-table.ts';

/**
 * An encoder without state, on purpose: static table and literals without indexing, no Huffman. A block is then a function of its list alone, so it can be
 * kept with the list, sent on every connection, and recognised by a decoder that has seen it before without touching a table. Bytes are cheaper than work
 * on the short way between proxies.
 */

/**
 * Goes before the first block of every connection: the dynamic table has size 0 from now on (RFC 7541 section 6.3). Whatever the peer's
 * SETTINGS_HEADER_TABLE_SIZE is or becomes, our table is not above it, so no later change has to be signalled (section 4.2).
 */
export const FIRST_BLOCK_PREFIX: Buffer = Buffer.from([0x20]);

const LITERAL = 0x00;
const NEVER_INDEXED = 0x10;
/** Octets of a field beside name and value: two lengths and an index, each of up to six octets, as an upper bound. */
const FIELD_OVERHEAD = 18;
/** Measured: up to here storing characters one by one is cheaper than a call. */
const LOOP_CHARS = 64;
const FIRST_SCRATCH_BYTES = 16 * 1024;

/** Writes blocks one after the other into the same memory. */
export class BlockWriter {
  #scratch: Buffer = Buffer.allocUnsafeSlow(FIRST_SCRATCH_BYTES);
  #at = 0;

  begin(): void {
    this.#at = 0;
  }

  /** Name and value: one character per octet. `sensitive`: as a literal that no hop may index (RFC 7541 section 6.2.3). */
  field(name: string, value: string, sensitive: boolean): void {
    const needed = this.#at + name.length + value.length + FIELD_OVERHEAD;
    if (needed > this.#scratch.length) this.#grow(needed);
    const known = STATIC_BY_NAME.get(name);
    if (known === undefined) {
      this.#scratch[this.#at++] = sensitive ? NEVER_INDEXED : LITERAL;
      this.#text(name);
      this.#text(value);
      return;
    }
    if (known.byValue !== null && !sensitive) {
      const index = known.byValue.get(value);
      if (index !== undefined) {
        this.#scratch[this.#at++] = 0x80 | index;
        return;
      }
    }
    this.#integer(sensitive ? NEVER_INDEXED : LITERAL, 0x0f, known.index);
    this.#text(value);
  }

  /** The block since `begin`, in memory of its own. */
  end(): Buffer {
    const block = Buffer.allocUnsafe(this.#at);
    this.#scratch.copy(block, 0, 0, this.#at);
    return block;
  }

  /** A block for `names` and `values`, whose fields with an index in `sensitive` are never to be indexed. */
  block(names: readonly string[], values: readonly string[], sensitive: ReadonlySet<number> | null = null): Buffer {
    this.begin();
    for (let i = 0; i < names.length; i++) this.field(names[i]!, values[i]!, sensitive?.has(i) ?? false);
    return this.end();
  }

  #text(text: string): void {
    this.#integer(0, 0x7f, text.length);
    const scratch = this.#scratch;
    const at = this.#at;
    const length = text.length;
    if (length > LOOP_CHARS) scratch.write(text, at, 'latin1');
    else for (let i = 0; i < length; i++) scratch[at + i] = text.charCodeAt(i);
    this.#at = at + length;
  }

  /** RFC 7541 section 5.1. */
  #integer(pattern: number, mask: number, value: number): void {
    const scratch = this.#scratch;
    if (value < mask) {
      scratch[this.#at++] = pattern | value;
      return;
    }
    scratch[this.#at++] = pattern | mask;
    let rest = value - mask;
    for (; rest >= 0x80; rest >>>= 7) scratch[this.#at++] = 0x80 | (rest & 0x7f);
    scratch[this.#at++] = rest;
  }

  #grow(neededBytes: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(neededBytes, this.#scratch.length * 2));
    this.#scratch.copy(larger, 0, 0, this.#at);
    this.#scratch = larger;
  }
}
