/**
 * Fuzzes what is read of responses and bodies: chunked framing, trailers, response heads, and the reader of the API server's responses in direct mode. However the
 * bytes are cut, the outcome is the same, and what is passed on is read the same way by a second reader.
 */

import { ChunkedBody } from '../../proxy-image/codec/http1/chunked.ts';
import { ResponseHead } from '../../proxy-image/codec/http1/head.ts';
import { parseResponse, responseBody } from '../../proxy-image/codec/http1/parse-response.ts';
import { CodedError } from '../../proxy-image/contract/errors.ts';
import { ResponseReader } from '../../proxy-image/io/config-source/kubernetes/response.ts';
import { GOOD_RESPONSES } from '../unit/codec/http1/messages.ts';
import { readMessages } from '../unit/codec/http1/reference.ts';
import { runFromCommandLine } from './driver.ts';
import { Mutator, partsOf } from './mutator.ts';

const BODIES: readonly string[] = [
  '5\r\nhello\r\n0\r\n\r\n',
  '3;a=b\r\nabc\r\n00a ;x="y"\r\n0123456789\r\n0;z\r\nX-Sum: 1\r\nHost: no\r\n\r\n',
  '0\r\ngrpc-status: 0\r\ngrpc-message: ok\r\n\r\n',
  '1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\nConnection: x\r\nx: 1\r\n\r\nGET / HTTP/1.1\r\n',
  'fffffffffffff\r\nabc',
];

const PIECES: readonly string[] = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  ' ',
  '\t',
  ';',
  ':',
  '0',
  '0\r\n\r\n',
  '0000000000000000',
  'ffffffffffffffff\r\n',
  'Content-Length: 5\r\n',
  'Transfer-Encoding: chunked\r\n',
  'l5d-client-id: forged\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.0 200\r\n',
  `;${'e'.repeat(400)}`,
  `x: ${'v'.repeat(400)}\r\n`,
];

export interface FuzzInput {
  body: string;
  response: string;
  cuts: number[];
  unframe: boolean;
}

export class Fuzzer {
  readonly #mutator: Mutator;

  constructor(seed: number) {
    this.#mutator = new Mutator(seed);
  }

  next(): FuzzInput {
    const body = this.#mutator.text(this.#mutator.pick(BODIES), PIECES);
    const response = this.#mutator.text(this.#mutator.pick(GOOD_RESPONSES), PIECES);
    return { body, response, cuts: this.#mutator.cuts(body.length), unframe: this.#mutator.chance(4) };
  }
}

export function check({ body, response, cuts, unframe }: FuzzInput): void {
  checkChunked(body, cuts, unframe);
  checkHead(response, cuts);
  checkReader(response, cuts);
}

interface Chunked {
  passed: string;
  /** Bytes of the input that are the body; a rejection where negative; NaN when it goes on. */
  end: number;
}

function checkChunked(body: string, cuts: number[], unframe: boolean): void {
  const whole = readChunked([Buffer.from(body, 'latin1')], unframe);
  const inParts = readChunked(partsOf(body, cuts), unframe);
  same(inParts.end, whole.end, 'end of a body that comes in parts');
  if (Number.isNaN(whole.end) || whole.end < 0) return;
  same(inParts.passed, whole.passed, 'what is passed on of a body that comes in parts');
  if (unframe) return;
  const [message, ...more] = readMessages(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${whole.passed}`, true);
  if (message === undefined || more.length > 0) throw new Error('a second reader finds another number of bodies');
  same(readChunked([Buffer.from(body, 'latin1')], true).passed, message.body, 'data of the chunks');
}

function readChunked(parts: Buffer[], unframe: boolean): Chunked {
  const reader = new ChunkedBody();
  reader.begin(unframe);
  let passed = '';
  const sink = {
    range: (bytes: Buffer, from: number, to: number) => {
      passed += bytes.toString('latin1', from, to);
    },
    trailers: () => {},
  };
  let before = 0;
  for (const part of parts) {
    const end = reader.feed(part, 0, part.length, sink);
    if (end < 0) return { passed, end };
    if (end > part.length) throw new Error('read beyond the end');
    if (reader.done) return { passed, end: before + end };
    if (end !== part.length) throw new Error('bytes are left although the body goes on');
    before += part.length;
    part.fill(0x21);
  }
  return { passed, end: Number.NaN };
}

function checkHead(response: string, cuts: number[]): void {
  const head = new ResponseHead();
  const bytes = Buffer.from(response, 'latin1');
  const end = parseResponse(head, bytes, 0, bytes.length);
  if (end > bytes.length) throw new Error('a head beyond the end');
  if (end > 0) {
    responseBody(head, false);
    for (let field = 0; field < head.count; field++)
      if (/[\r\n\0]/.test(head.value(field))) throw new Error('a value with CR, LF or NUL');
  }
  for (const cut of cuts) {
    const early = parseResponse(head, bytes, 0, Math.min(cut, bytes.length));
    if (early > 0) same(early, end, 'end of a head that comes in parts');
    else if (early < 0 && end >= 0) throw new Error(`${early}: refused too early`);
  }
}

function checkReader(response: string, cuts: number[]): void {
  same(readResponse(partsOf(response, cuts)), readResponse([Buffer.from(response, 'latin1')]), 'a response in parts');
}

function readResponse(parts: Buffer[]): string {
  let seen = '';
  const reader = new ResponseReader({
    head: (status, headers) => (seen += `${status} ${JSON.stringify([...headers])} `),
    body: (chunk) => (seen += Buffer.from(chunk).toString('latin1')),
    complete: () => (seen += ' complete'),
  });
  try {
    for (const part of parts) {
      reader.push(part);
      part.fill(0x21);
    }
    reader.end();
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== 'WEFT_DIRECT_API') throw error;
    return `${seen} refused`;
  }
  return seen;
}

function same<T>(actual: T, expected: T, what: string): void {
  if (!Object.is(actual, expected)) throw new Error(`${what}: ${String(actual)} and ${String(expected)}`);
}

if (import.meta.main) runFromCommandLine('bodies', (seed) => new Fuzzer(seed), check);
