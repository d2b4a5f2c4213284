/** HPACK as plainly as it can be written, without cache, limits or tables of states: what the real one is held against. And writers of blocks. */
import { CODE_BITS } from '../../../../proxy-image/codec/http2/hpack/huffman.ts';
import { STATIC_NAMES, STATIC_VALUES } from '../../../../proxy-image/codec/http2/hpack/static-table.ts';

export type Field = [name: string, value: string];

/** Codes as texts of bits (RFC 7541 Appendix B): the code is canonical. */
const CODES: readonly string[] = codes();
const SYMBOLS: ReadonlyMap<string, number> = new Map(CODES.map((code, symbol) => [code, symbol]));

function codes(): string[] {
  const found: string[] = [];
  let code = 0n;
  let bits = 0;
  const order = CODE_BITS.map((_, symbol) => symbol).sort((a, b) => CODE_BITS[a]! - CODE_BITS[b]! || a - b);
  for (const symbol of order) {
    code <<= BigInt(CODE_BITS[symbol]! - bits);
    bits = CODE_BITS[symbol]!;
    found[symbol] = code.toString(2).padStart(bits, '0');
    code++;
  }
  return found;
}

export function huffmanBits(text: string): string {
  return [...text].map((char) => CODES[char.charCodeAt(0)]!).join('');
}

export const EOS_BITS: string = CODES[256]!;

export function bitsToBytes(bits: string): number[] {
  return (bits.match(/.{1,8}/g) ?? []).map((octet) => Number.parseInt(octet.padEnd(8, '1'), 2));
}

function huffmanText(bytes: number[]): string | null {
  const bits = bytes.map((octet) => octet.toString(2).padStart(8, '0')).join('');
  let text = '';
  let code = '';
  for (const bit of bits) {
    code += bit;
    const symbol = SYMBOLS.get(code);
    if (symbol === undefined) continue;
    if (symbol === 256) return null;
    text += String.fromCharCode(symbol);
    code = '';
  }
  return code.length < 8 && !code.includes('0') ? text : null;
}

/** RFC 7541 section 5.1. */
export function integer(pattern: number, prefixBits: number, value: number): number[] {
  const mask = 2 ** prefixBits - 1;
  if (value < mask) return [pattern | value];
  const octets = [pattern | mask];
  let rest = value - mask;
  for (; rest >= 128; rest = Math.floor(rest / 128)) octets.push((rest % 128) | 0x80);
  return [...octets, rest];
}

export function text(value: string, coded = false): number[] {
  const octets = coded ? bitsToBytes(huffmanBits(value)) : [...value].map((char) => char.charCodeAt(0));
  return [...integer(coded ? 0x80 : 0, 7, octets.length), ...octets];
}

export const indexed = (index: number): number[] => integer(0x80, 7, index);
export const sizeUpdate = (bytes: number): number[] => integer(0x20, 5, bytes);
/** A literal with its name as a text, or by index. */
export function literal(kind: 'indexing' | 'plain' | 'never', name: string | number, value: string, coded = false) {
  const [pattern, bits] = { indexing: [0x40, 6], plain: [0, 4], never: [0x10, 4] }[kind] as [number, number];
  const head = typeof name === 'number' ? integer(pattern, bits, name) : [pattern, ...text(name, coded)];
  return [...head, ...text(value, coded)];
}

export class PlainDecoder {
  #table: Field[] = [];
  #maxBytes = 4096;
  #bytes: number[] = [];
  #at = 0;

  /** `null`: compression error. */
  decode(block: readonly number[]): Field[] | null {
    this.#bytes = [...block];
    this.#at = 0;
    const fields: Field[] = [];
    let updates = 0;
    try {
      while (this.#at < this.#bytes.length) {
        const first = this.#bytes[this.#at]!;
        if (first >= 128) fields.push(this.#entry(this.#integer(7)));
        else if (first >= 64) this.#add(fields, this.#literal(6));
        else if (first < 32) fields.push(this.#literal(4));
        else if (fields.length > 0 || ++updates > 2) return null;
        else this.#resize(this.#integer(5));
      }
    } catch {
      return null;
    }
    return fields;
  }

  #add(fields: Field[], field: Field): void {
    fields.push(field);
    this.#table.unshift(field);
    this.#evict();
  }

  #evict(): void {
    const size = (): number => this.#table.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
    while (size() > this.#maxBytes) this.#table.pop();
  }

  #resize(bytes: number): void {
    if (bytes > 4096) throw new Error('too large');
    this.#maxBytes = bytes;
    this.#evict();
  }

  #entry(index: number): Field {
    if (index === 0) throw new Error('index 0');
    if (index <= 61) return [STATIC_NAMES[index]!, STATIC_VALUES[index]!];
    const entry = this.#table[index - 62];
    if (entry === undefined) throw new Error('no such entry');
    return entry;
  }

  #literal(prefixBits: number): Field {
    const index = this.#integer(prefixBits);
    const name = index === 0 ? this.#text() : this.#entry(index)[0];
    return [name, this.#text()];
  }

  #octet(): number {
    const octet = this.#bytes[this.#at++];
    if (octet === undefined) throw new Error('truncated');
    return octet;
  }

  #integer(prefixBits: number): number {
    const mask = 2 ** prefixBits - 1;
    let value = this.#octet() & mask;
    if (value < mask) return value;
    for (let i = 0; i < 5; i++) {
      const octet = this.#octet();
      value += (octet & 127) * 128 ** i;
      if (octet >= 128) continue;
      if (value >= 2 ** 31) throw new Error('too large');
      return value;
    }
    throw new Error('too long');
  }

  #text(): string {
    const coded = (this.#bytes[this.#at] ?? 0) >= 128;
    const length = this.#integer(7);
    const octets = this.#bytes.slice(this.#at, this.#at + length);
    if (octets.length < length) throw new Error('truncated');
    this.#at += length;
    const decoded = coded ? huffmanText(octets) : String.fromCharCode(...octets);
    if (decoded === null) throw new Error('malformed Huffman text');
    return decoded;
  }
}
