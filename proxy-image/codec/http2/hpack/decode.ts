import { ANY_VERSION, BlockCache } from './block-cache.ts';
import { DynamicTable, ENTRY_OVERHEAD, TABLE_BYTES } from './dynamic-table.ts';
import { HeaderList } from './header-list.ts';
import { HPACK_LIMITS, type HpackLimits, TEXT_BYTES } from './limits.ts';
import type { DecoderScratch } from './scratch.ts';
import { STATIC_ENTRIES, STATIC_NAMES, STATIC_VALUES } from './static-table.ts';
import type { Text } from './text.ts';

/** The block makes no sense: the tables of both sides differ from here on, so the connection ends (RFC 9113 section 4.3). */
export const COMPRESSION_ERROR = -1;
/** The list is above a limit; the table is as the peer thinks it is, so only the stream is refused (431). */
export const LIST_TOO_LARGE = -2;

const OK = 0;
const MALFORMED = -1;

/** Values of more than 2^31 - 1 or with more octets are nonsense (RFC 7541 section 5.1 asks for such a limit). */
const MAX_INTEGER = 0x7fff_ffff;
const CONTINUATION_OCTETS = 5;

/** RFC 7541 section 4.2: the smallest size since the last block, then the final one. */
const UPDATES_PER_BLOCK = 2;

const NO_BYTES: Buffer = Buffer.alloc(0);

/** One direction of one connection (RFC 7541). */
export class HpackDecoder {
  readonly #limits: HpackLimits;
  readonly #scratch: DecoderScratch;
  readonly #table = new DynamicTable();
  readonly #cache = new BlockCache();

  #bytes: Buffer = NO_BYTES;
  #at = 0;
  #to = 0;
  #count = 0;
  #sizeBytes = 0;
  #updates = 0;
  #tooLarge = false;
  /** The block has a meaning that depends on the dynamic table. */
  #refers = false;
  #inserted = 0;
  /** All that the block does to the table is to insert fields of its list. */
  #repeatable = true;
  #sensitive: Set<number> | null = null;

  constructor(scratch: DecoderScratch, limits: HpackLimits = HPACK_LIMITS) {
    this.#scratch = scratch;
    if (limits.listBytes > TEXT_BYTES) throw new RangeError(`listBytes: at most ${TEXT_BYTES}`);
    this.#limits = limits;
  }

  /**
   * A whole header block (section) in `bytes[from..to)`; COMPRESSION_ERROR, after which the decoder must not be used, or LIST_TOO_LARGE. Equal blocks give
   * the same list where they mean the same.
   */
  decode(bytes: Buffer, from: number, to: number): HeaderList | number {
    const version = this.#table.version;
    const known = this.#cache.find(bytes, from, to, version);
    if (known !== null) {
      if (this.#cache.insertions !== null) this.#insertAgain(known, this.#cache.insertions);
      return known;
    }
    this.#begin(bytes, from, to);
    const problem = this.#fields();
    this.#bytes = NO_BYTES;
    if (problem !== OK) return COMPRESSION_ERROR;
    if (this.#tooLarge) return LIST_TOO_LARGE;
    const { names, values, insertions } = this.#scratch;
    const list = new HeaderList(
      names.slice(0, this.#count),
      values.slice(0, this.#count),
      this.#sizeBytes,
      this.#sensitive,
    );
    if (this.#table.version === version) {
      this.#cache.offer(bytes, from, to, this.#refers ? version : ANY_VERSION, list, null);
    } else if (this.#repeatable && !this.#refers) {
      // Some encoders insert but never refer (nginx): such a block means the same for ever, and does the same to the table.
      this.#cache.offer(bytes, from, to, ANY_VERSION, list, insertions.slice(0, this.#inserted));
    }
    return list;
  }

  /** What a block that is known does to the table. */
  #insertAgain(list: HeaderList, fields: readonly number[]): void {
    for (let i = 0; i < fields.length; i++) {
      const name = list.names[fields[i]!]!;
      const value = list.values[fields[i]!]!;
      this.#table.add(name, value, name.length + value.length + ENTRY_OVERHEAD);
    }
  }

  #begin(bytes: Buffer, from: number, to: number): void {
    this.#bytes = bytes;
    this.#at = from;
    this.#to = to;
    this.#count = 0;
    this.#sizeBytes = 0;
    this.#updates = 0;
    this.#tooLarge = false;
    this.#refers = false;
    this.#inserted = 0;
    this.#repeatable = true;
    this.#sensitive = null;
  }

  /** RFC 7541 section 6: by the first bits of each representation. */
  #fields(): number {
    const bytes = this.#bytes;
    let isFirst = true;
    while (this.#at < this.#to) {
      const octet = bytes[this.#at]!;
      let problem: number;
      if (octet >= 0x80) problem = this.#indexed();
      else if (octet >= 0x40) problem = this.#literal(0x3f, true, false);
      else if (octet < 0x20) problem = this.#literal(0x0f, false, octet >= 0x10);
      else if (isFirst) {
        problem = this.#sizeUpdate();
        if (problem !== OK) return problem;
        continue;
      } else return MALFORMED;
      if (problem !== OK) return problem;
      isFirst = false;
    }
    return OK;
  }

  /** RFC 7541 section 6.1. */
  #indexed(): number {
    const index = this.#integer(0x7f);
    if (index <= 0) return MALFORMED;
    if (index <= STATIC_ENTRIES) {
      this.#field(STATIC_NAMES[index]!, STATIC_VALUES[index]!);
      return OK;
    }
    const position = index - STATIC_ENTRIES - 1;
    if (position >= this.#table.count) return MALFORMED;
    this.#refers = true;
    this.#field(this.#table.name(position), this.#table.value(position));
    return OK;
  }

  #field(name: string, value: string): void {
    if (this.#fits(name.length + value.length)) this.#keep(name, value);
  }

  /** RFC 7541 sections 6.2.1 (indexing), 6.2.2 and 6.2.3 (sensitive). The name's index is in the bits of `mask`, or the name follows. */
  #literal(mask: number, indexing: boolean, sensitive: boolean): number {
    const scratch = this.#scratch;
    const index = this.#integer(mask);
    if (index < 0) return MALFORMED;
    let name: string | null = null;
    let nameLength: number;
    if (index === 0) {
      if (!this.#text(scratch.name)) return MALFORMED;
      nameLength = scratch.name.length;
    } else {
      name = this.#indexedName(index);
      if (name === null) return MALFORMED;
      nameLength = name.length;
    }
    if (!this.#text(scratch.value)) return MALFORMED;
    const length = nameLength + scratch.value.length;
    const kept = this.#fits(length);
    const added = indexing && this.#table.takes(length + ENTRY_OVERHEAD);
    if (indexing && !added) this.#table.clear();
    if (indexing && !(added && kept)) this.#repeatable = false;
    if (!kept && !added) return OK;
    name ??= scratch.name.toString();
    const value = scratch.value.toString();
    if (kept) {
      if (sensitive) this.#markSensitive();
      if (added) scratch.insertions[this.#inserted++] = this.#count;
      this.#keep(name, value);
    }
    if (added) this.#table.add(name, value, length + ENTRY_OVERHEAD);
    return OK;
  }

  #indexedName(index: number): string | null {
    if (index <= STATIC_ENTRIES) return STATIC_NAMES[index]!;
    const position = index - STATIC_ENTRIES - 1;
    if (position >= this.#table.count) return null;
    this.#refers = true;
    return this.#table.name(position);
  }

  /** Counts one more field. False: the list has become too large, and nothing more is kept of it. */
  #fits(length: number): boolean {
    if (this.#tooLarge) return false;
    this.#sizeBytes += length + ENTRY_OVERHEAD;
    const { listBytes, fieldCount } = this.#limits;
    if (this.#sizeBytes <= listBytes && this.#count < fieldCount) return true;
    this.#tooLarge = true;
    return false;
  }

  #keep(name: string, value: string): void {
    const { names, values } = this.#scratch;
    names[this.#count] = name;
    values[this.#count++] = value;
  }

  #markSensitive(): void {
    this.#sensitive ??= new Set();
    this.#sensitive.add(this.#count);
  }

  /** RFC 7541 section 6.3. */
  #sizeUpdate(): number {
    const maxBytes = this.#integer(0x1f);
    if (maxBytes < 0 || maxBytes > TABLE_BYTES || ++this.#updates > UPDATES_PER_BLOCK) return MALFORMED;
    this.#table.resize(maxBytes);
    // What fits into the table may have changed.
    this.#repeatable = false;
    this.#cache.forgetInsertions();
    return OK;
  }

  /** RFC 7541 section 5.1, from the octet whose bits `mask` begin the value. Negative: truncated, or too large. */
  #integer(mask: number): number {
    const bytes = this.#bytes;
    let at = this.#at;
    let value = bytes[at++]! & mask;
    if (value < mask) {
      this.#at = at;
      return value;
    }
    const end = Math.min(this.#to, at + CONTINUATION_OCTETS);
    for (let weight = 1; at < end; weight *= 128) {
      const octet = bytes[at++]!;
      value += (octet & 0x7f) * weight;
      if (octet >= 0x80) continue;
      this.#at = at;
      return value > MAX_INTEGER ? MALFORMED : value;
    }
    return MALFORMED;
  }

  /** RFC 7541 section 5.2. */
  #text(text: Text): boolean {
    if (this.#at >= this.#to) return false;
    const coded = this.#bytes[this.#at]! >= 0x80;
    const length = this.#integer(0x7f);
    const from = this.#at;
    if (length < 0 || length > this.#to - from) return false;
    this.#at = from + length;
    if (coded) return text.coded(this.#bytes, from, this.#at);
    text.plain(this.#bytes, from, this.#at);
    return true;
  }
}
