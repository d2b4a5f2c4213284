/**
 * Fuzzes the HTTP/1 codec: `node test/fuzz/http1.ts [seconds] [seed]`. Mutates requests and responses, cuts them anywhere, and checks that nothing throws,
 * that what is passed on is read the same way by a second reader, and that nothing forged gets through. Prints the input of a finding and exits with 1.
 */
import { BAD_REQUESTS, GOOD_REQUESTS, GOOD_RESPONSES } from '../unit/codec/http1/messages.ts';
import { readMessages } from '../unit/codec/http1/reference.ts';
import { cut, Rig } from '../unit/codec/http1/rig.ts';
import { runFromCommandLine } from './driver.ts';
import { Mutator } from './mutator.ts';

/** Pieces that attacks are made of. */
const PIECES = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  ' ',
  '\t',
  ':',
  ',',
  ';',
  '#',
  '\r\n\r\n',
  '0\r\n\r\n',
  'Content-Length: 5\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Host: web\r\n',
  'Connection: close\r\n',
  'Connection: l5d-client-id, host\r\n',
  'l5d-client-id: forged\r\n',
  'Upgrade: websocket\r\nConnection: upgrade\r\n',
  'HTTP/1.0',
  'GET / HTTP/1.1\r\nHost: web\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n',
  'ffffffffffffffff\r\n',
  'a'.repeat(300),
];

export interface FuzzInput {
  requests: string[];
  responses: string[];
}

export class Fuzzer {
  readonly #mutator: Mutator;

  constructor(seed: number) {
    this.#mutator = new Mutator(seed);
  }

  next(): FuzzInput {
    const requests = this.#stream([...GOOD_REQUESTS, ...BAD_REQUESTS]);
    return { requests: this.#cuts(requests), responses: this.#cuts(this.#stream(GOOD_RESPONSES)) };
  }

  #stream(seeds: readonly string[]): string {
    let text = '';
    for (let count = 1 + this.#mutator.below(3); count > 0; count--) text += this.#mutator.pick(seeds);
    return this.#mutator.text(text, PIECES, 3);
  }

  #cuts(text: string): string[] {
    return cut(text, this.#mutator.cuts(text.length));
  }
}

/** Throws when an invariant does not hold. */
export function check({ requests, responses }: FuzzInput): void {
  const rig = new Rig();
  rig.lines = 'l5d-dst-canonical: web:80\r\n';
  let next = 0;
  for (const part of requests) {
    rig.client.receive(part);
    for (let i = 0; i < 20 && rig.current !== null && rig.upstream !== undefined; i++) {
      rig.upstream.receive(responses[next++ % responses.length] ?? '');
    }
  }
  // A tunnel passes everything: only what came before it can be judged.
  const tunnels = rig.behind.some(({ text }) => text.startsWith('CONNECT ') || text.includes('\r\n\r\nCONNECT '));
  if (tunnels || rig.client.text.includes('HTTP/1.1 101')) return;
  for (const connection of rig.behind) {
    for (const message of readMessages(connection.text, false)) checkRequest(message.fields);
  }
  if (rig.client.wasReset) return;
  for (const { fields } of readMessages(rig.client.text, true)) {
    if (fields.some(([name]) => name === 'l5d-x')) throw new Error('a forged field reached the client');
  }
}

function checkRequest(fields: [string, string][]): void {
  const own = fields.filter(([name]) => name.startsWith('l5d-'));
  if (own.length !== 1 || own[0]![1] !== 'web:80') throw new Error(`fields of the mesh: ${JSON.stringify(own)}`);
  if (fields.filter(([name]) => name === 'host').length > 1) throw new Error('two hosts');
  const hop = fields.find(([name]) => /^(keep-alive|proxy-connection|http2-settings)$/.test(name));
  if (hop !== undefined) throw new Error(`passed on: ${hop[0]}`);
}

if (import.meta.main) runFromCommandLine('http1', (seed) => new Fuzzer(seed), check);
