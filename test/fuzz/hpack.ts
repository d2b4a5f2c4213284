/**
 * Fuzzes HPACK and the meaning of header sections: `node test/fuzz/hpack.ts [seconds] [seed]`. Sessions of blocks, mutated and repeated, go through a decoder
 * with cache and limits and through a plain one; both must agree, and what is passed on must be read as well-formed and free of forged fields. Prints the
 * input of a finding and exits with 1.
 */

import { COMPRESSION_ERROR, LIST_TOO_LARGE } from '../../proxy-image/codec/http2/hpack/decode.ts';
import type { HeaderList } from '../../proxy-image/codec/http2/hpack/header-list.ts';
import { HPACK_LIMITS } from '../../proxy-image/codec/http2/hpack/limits.ts';
import { Xoshiro } from '../../proxy-image/core/rng.ts';
import { NO_EXTRA_FIELDS } from '../../proxy-image/http/message.ts';
import { newDecoder, requestOf, responseOf, trailersOf, WRITER } from '../support/http2.ts';
import { type Field, indexed, literal, PlainDecoder, sizeUpdate } from '../unit/codec/http2/plain-hpack.ts';
import { runFromCommandLine } from './driver.ts';

const NAMES: readonly (string | number)[] = [
  1,
  4,
  8,
  38,
  31,
  62,
  63,
  70,
  'te',
  'host',
  'l5d-client-id',
  'l5d-proxy-error',
  'content-length',
  'grpc-status',
  'transfer-encoding',
  ':protocol',
  'X-Upper',
  'x\0y',
  'cookie',
  'x-long-name-that-is-not-interned',
  '',
];

const VALUES: readonly string[] = [
  '',
  '/',
  '/a?b',
  'web',
  'web:80',
  'user@web',
  'trailers',
  '0',
  '17',
  '200',
  ' a',
  'a\r\nb: c',
  '\0',
  '\xff'.repeat(40),
  'v'.repeat(130),
];

/** Near the limits of the table and of a field. Rare: the plain decoder takes its time. */
const LONG_VALUES: readonly string[] = ['w'.repeat(4_070), 'u'.repeat(17_000)];

/** Blocks of one connection, as hexadecimal digits. */
export type FuzzInput = string[];

export class Fuzzer {
  readonly #rng: Xoshiro;

  constructor(seed: number) {
    this.#rng = new Xoshiro(seed);
  }

  #below(bound: number): number {
    return this.#rng.uint32() % bound;
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)]!;
  }

  next(): FuzzInput {
    const blocks = Array.from({ length: 1 + this.#below(4) }, () => this.#mutated(this.#block()));
    const session = Array.from({ length: 1 + this.#below(12) }, () => this.#pick(blocks));
    return session.map((block) => Buffer.from(block).toString('hex'));
  }

  #block(): number[] {
    const block = this.#below(8) === 0 ? sizeUpdate(this.#pick([0, 33, 100, 4096, 4097])) : [];
    // Two in three begin as a request or a response does, so that more than the decoder is reached.
    const head = this.#below(3);
    if (head === 0) block.push(0x82, 0x86, 0x84, ...literal('plain', 1, 'web'));
    if (head === 1) block.push(0x88);
    for (let count = this.#below(6); count > 0; count--) block.push(...this.#field());
    if (this.#below(40) === 0) for (let i = 0; i < 260; i++) block.push(this.#pick([0x82, 0xbe]));
    return block;
  }

  #field(): number[] {
    if (this.#below(3) === 0) return indexed(this.#pick([0, 2, 3, 7, 16, 61, 62, 62, 62, 63, 64, 70]));
    const kind = this.#pick(['indexing', 'plain', 'never'] as const);
    const value = this.#pick(this.#below(60) === 0 ? LONG_VALUES : VALUES);
    return literal(kind, this.#pick(NAMES), value, this.#below(2) === 0);
  }

  #mutated(block: number[]): number[] {
    if (block.length === 0 || this.#below(3) > 0) return block;
    const at = this.#below(block.length);
    switch (this.#below(4)) {
      case 0:
        return block.slice(0, at);
      case 1:
        return block.with(at, this.#below(256));
      case 2:
        return block.toSpliced(at, this.#below(4));
      default:
        return block.toSpliced(
          at,
          0,
          ...Array.from({ length: 1 + this.#below(8) }, () => this.#pick([0, 127, 128, 255])),
        );
    }
  }
}

/** Throws when an invariant does not hold. */
export function check(session: FuzzInput): void {
  const decoder = newDecoder();
  const plain = new PlainDecoder();
  for (const digits of session) {
    const block = Buffer.from(digits, 'hex');
    const expected = plain.decode([...block]);
    const list = decoder.decode(block, 0, block.length);
    if (expected === null || list === COMPRESSION_ERROR) {
      if (expected === null && list === COMPRESSION_ERROR) return;
      throw new Error(`one of two decoders refuses: ${JSON.stringify(expected)}, ${JSON.stringify(list)}`);
    }
    if (typeof list === 'number') {
      if (list !== LIST_TOO_LARGE || !isTooLarge(expected)) throw new Error(`refused: ${list}`);
      continue;
    }
    if (isTooLarge(expected)) throw new Error('above the limits');
    const fields = list.names.map((name, i): Field => [name, list.values[i]!]);
    if (JSON.stringify(fields) !== JSON.stringify(expected)) throw new Error('decoders differ');
    checkMeaning(list);
  }
}

function isTooLarge(fields: readonly Field[]): boolean {
  const sizeBytes = fields.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
  return fields.length > HPACK_LIMITS.fieldCount || sizeBytes > HPACK_LIMITS.listBytes;
}

function checkMeaning(list: HeaderList): void {
  const request = requestOf(list);
  const response = responseOf(list);
  const trailers = trailersOf(list);
  const valid = [request, response, trailers].filter((message) => typeof message !== 'number');
  if (valid.length > 1 && list.names.length > 0) throw new Error('two meanings');
  if (typeof request === 'object') {
    const again = requestOf(passedOn(request.forwardBlock(NO_EXTRA_FIELDS, WRITER), /^l5d-|^host$/));
    if (typeof again === 'number') throw new Error(`the next hop refuses: ${again}`);
    if (again.host !== request.host || again.target !== request.target)
      throw new Error('the next hop reads another one');
  }
  if (typeof response === 'object') {
    passedOn(response.forwardBlock(false, WRITER), /^l5d-/);
    const again = responseOf(passedOn(response.forwardBlock(true, WRITER), /^l5d-(?!proxy-error$)/));
    if (typeof again === 'number') throw new Error(`the client refuses: ${again}`);
  }
  if (typeof trailers === 'object') {
    const again = trailersOf(passedOn(trailers.forwardBlock(WRITER), /^l5d-|^host$|^content-length$/));
    if (typeof again === 'number' || again.grpcStatus !== trailers.grpcStatus) throw new Error('other trailers');
  }
}

function passedOn(block: Buffer, forbidden: RegExp): HeaderList {
  const list = newDecoder().decode(block, 0, block.length);
  if (typeof list === 'number') throw new Error(`our own block is refused: ${list}`);
  const name = list.names.find((candidate) => forbidden.test(candidate));
  if (name !== undefined) throw new Error(`passed on: ${name}`);
  if (!list.names.every((candidate) => /^:?[a-z0-9!#$%&'*+.^_`|~-]+$/.test(candidate)))
    throw new Error('malformed name');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  if (list.values.some((value) => /[\0-\x08\x0a-\x1f\x7f]|^[ \t]|[ \t]$/.test(value)))
    throw new Error('malformed value');
  return list;
}

if (import.meta.main) runFromCommandLine('hpack', (seed) => new Fuzzer(seed), check);
