/** Fuzzes what decides on a connection's first bytes: protocol detection and the transport header. More bytes never change a verdict, and one comes in time. */
import { detectProtocol } from '../../proxy-image/io/detect/detect.ts';
import { decodeTransportHeader, encodeTransportHeader } from '../../proxy-image/io/tls/transport-header.ts';
import { runFromCommandLine } from './driver.ts';
import { Mutator } from './mutator.ts';

const HEADERS: readonly string[] = [
  encodeTransportHeader({ port: 80, name: '', session: 'http1' }),
  encodeTransportHeader({ port: 65_535, name: 'web.shop.svc.cluster.local:80', session: 'opaque' }),
  encodeTransportHeader({ port: 4143, name: '', session: 'http2' }),
].map((header) => header.toString('latin1'));

const FIRST: readonly string[] = [
  'GET / HTTP/1.1\r\nHost: web\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\n\r\n',
  'PROPFIND http://web/ HTTP/1.1\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  'EHLO mail.example\r\n',
  'SET key value HTTP/1.1\r\n',
  '*2\r\n$4\r\nLLEN\r\n',
  `M-${'A'.repeat(40)} /`,
  ...HEADERS,
];

const PIECES: readonly string[] = [
  ' ',
  '/',
  '*',
  '\r\n',
  '\0',
  'PRI',
  ' HTTP/1.1\r\n',
  '\x16\x03',
  '\x08\x50',
  '\x12\x7f',
  '\x1a\x02\x12\x00',
  '\xff\xff\xff\xff\x7f',
  'transport.l5d.io/v1\r\n\r\n',
  'a'.repeat(3000),
  'A'.repeat(33),
];

/** Longest head that detection waits for (8 KiB of line, a method before it), and the header with its preface. */
const DETECT_BYTES = 8192 + 34;
const HEADER_BYTES = 22 + 4 + 512;

export interface FuzzInput {
  bytes: string;
  cuts: number[];
}

export class Fuzzer {
  readonly #mutator: Mutator;

  constructor(seed: number) {
    this.#mutator = new Mutator(seed);
  }

  next(): FuzzInput {
    const bytes = this.#mutator.text(this.#mutator.pick(FIRST), PIECES);
    return { bytes, cuts: [...this.#mutator.cuts(bytes.length), ...this.#mutator.cuts(Math.min(bytes.length, 40))] };
  }
}

export function check({ bytes, cuts }: FuzzInput): void {
  const all = Buffer.from(bytes, 'latin1');
  const prefixes = [...cuts, all.length].sort((a, b) => a - b).map((cut) => all.subarray(0, cut));
  checkVerdicts(prefixes, detectProtocol, DETECT_BYTES);
  checkVerdicts(prefixes, decodeTransportHeader, HEADER_BYTES);
  checkHeader(all);
}

function checkVerdicts<T>(prefixes: Buffer[], judge: (bytes: Buffer) => T | null, enough: number): void {
  let verdict: string | null = null;
  for (const prefix of prefixes) {
    const judged = judge(prefix);
    if (verdict !== null && JSON.stringify(judged) !== verdict) {
      throw new Error(`first ${verdict}, with ${prefix.length} bytes ${JSON.stringify(judged)}`);
    }
    if (judged === null && prefix.length > enough) throw new Error(`no verdict after ${prefix.length} bytes`);
    if (judged !== null) verdict = JSON.stringify(judged);
  }
}

function checkHeader(bytes: Buffer): void {
  const decoded = decodeTransportHeader(bytes);
  if (decoded === null || typeof decoded === 'string') return;
  const { header, end } = decoded;
  if (end > bytes.length) throw new Error('a header beyond the end');
  if (!Number.isInteger(header.port) || header.port < 1 || header.port > 65_535) throw new Error(`port ${header.port}`);
  const again = decodeTransportHeader(encodeTransportHeader(header));
  // A name that is not UTF-8 is longer when written again.
  if (typeof again === 'string' && Buffer.byteLength(header.name) > 480) return;
  if (again === null || typeof again === 'string') throw new Error(`cannot be written again: ${again}`);
  if (JSON.stringify(again.header) !== JSON.stringify(header)) throw new Error('reads differently when written again');
}

if (import.meta.main) runFromCommandLine('first-bytes', (seed) => new Fuzzer(seed), check);
