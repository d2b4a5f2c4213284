/**
 * Fuzzes the HTTP/2 engine: `node test/fuzz/http2.ts [seconds] [seed]`. Mutates sequences of frames, cuts them anywhere, plays them to both roles, and
 * checks that nothing throws, that what is kept is bounded, that no handler is called after its last call, and that what is written are frames. Prints the
 * input of a finding and exits with 1.
 */

import type { Http2Stream } from '../../proxy-image/codec/http2/types.ts';
import { Xoshiro } from '../../proxy-image/core/rng.ts';
import {
  data,
  END_HEADERS,
  END_STREAM,
  frame,
  get,
  goaway,
  headers,
  PADDED,
  PREFACE,
  ping,
  post,
  readFrames,
  response,
  rst,
  SETTINGS_ACK,
  settings,
  windowUpdate,
} from '../unit/codec/http2/frames.ts';
import { ClientRig, type EngineRig, GET, OK, ServerRig, TRAILERS } from '../unit/codec/http2/rig.ts';
import { runFromCommandLine } from './driver.ts';

export interface FuzzInput {
  role: 'client' | 'server';
  /** What the peer says, chunk by chunk, in hexadecimal. */
  chunks: string[];
  /** What handlers do when they are called, and what is done between chunks: numbers that are used up one by one. */
  choices: number[];
}

const BODY = Buffer.alloc(70_000, 0x61);
/** What one connection may hold for its peer: windows and what a feeder gives after it was told to stop. */
const MAX_PENDING_BYTES = 2 * BODY.length;

export class Fuzzer {
  readonly #rng: Xoshiro;

  constructor(seed: number) {
    this.#rng = new Xoshiro(seed);
  }

  #below(bound: number): number {
    return this.#rng.uint32() % bound;
  }

  next(): FuzzInput {
    const role = this.#below(2) === 0 ? 'client' : 'server';
    let bytes: Buffer = Buffer.concat([
      ...(role === 'server' ? [PREFACE] : []),
      settings([4, this.#below(3) * 40_000]),
      ...Array.from({ length: 1 + this.#below(20) }, () => this.#frame(role)),
    ]);
    for (let count = this.#below(4); count > 0; count--) bytes = this.#mutate(bytes);
    return { role, chunks: this.#cuts(bytes), choices: Array.from({ length: 30 }, () => this.#below(12)) };
  }

  #frame(role: FuzzInput['role']): Buffer {
    const id = 1 + 2 * this.#below(6);
    const ends = this.#below(2);
    const kinds: (() => Buffer)[] = [
      () => (role === 'server' ? get(id) : response(id, ends)),
      () => (role === 'server' ? post(id, this.#below(3) === 0 ? { 'content-length': '9' } : {}) : response(id)),
      () => headers(id, { 'grpc-status': '0' }, ends),
      () => headers(id, { ':status': '103' }),
      () => data(id, BODY.subarray(0, this.#below(4) === 0 ? this.#below(16_000) : this.#below(50)), ends),
      () => data(id, Buffer.concat([Buffer.of(4), BODY.subarray(0, 9)]), PADDED | ends),
      () => rst(id, this.#below(12)),
      () => windowUpdate(this.#below(2) * id, this.#below(100_000)),
      () => settings([4, this.#below(100_000)], [3, this.#below(5)]),
      () => SETTINGS_ACK,
      () => ping('abcdefgh', this.#below(2)),
      () => goaway(this.#below(8)),
      () => frame('HEADERS', END_STREAM, id, GET.subarray(0, 2)),
      () => frame('CONTINUATION', this.#below(2) * END_HEADERS, id, GET.subarray(2)),
      () => frame(this.#below(12), this.#below(256), this.#below(8), BODY.subarray(0, this.#below(30))),
    ];
    return kinds[this.#below(kinds.length)]!();
  }

  #mutate(bytes: Buffer): Buffer {
    const at = this.#below(bytes.length + 1);
    const end = Math.min(bytes.length, at + this.#below(12));
    switch (this.#below(4)) {
      case 0:
        return Buffer.concat([bytes.subarray(0, at), Buffer.of(this.#below(256)), bytes.subarray(at + 1)]);
      case 1:
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
      case 2:
        return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
      default:
        return Buffer.concat([bytes.subarray(0, at), this.#frame('server'), bytes.subarray(at)]);
    }
  }

  #cuts(bytes: Buffer): string[] {
    const at = [0, bytes.length, ...Array.from({ length: this.#below(5) }, () => this.#below(bytes.length + 1))];
    at.sort((a, b) => a - b);
    return at.slice(1).map((end, i) => bytes.toString('hex', at[i]!, end));
  }
}

/** Streams whose handlers have had their last call. */
class Watch {
  readonly #over = new Set<Http2Stream>();
  readonly streams = new Set<Http2Stream>();

  see(event: string, stream: Http2Stream): void {
    if (this.#over.has(stream)) throw new Error(`${event} after the last call`);
    this.streams.add(stream);
    if (event.startsWith('reset')) this.#over.add(stream);
  }

  over(stream: Http2Stream): void {
    this.#over.add(stream);
  }
}

function act(choice: number, stream: Http2Stream, watch: Watch): void {
  switch (choice) {
    case 0:
      stream.sendHeaders(OK, false);
      break;
    case 1:
      stream.sendHeaders(OK, true);
      break;
    case 2:
      if (stream.pendingBytes === 0) stream.sendData(BODY, 0, BODY.length);
      break;
    case 3:
      if (stream.pendingBytes === 0) stream.sendData(BODY, 0, 5);
      break;
    case 4:
      stream.sendEnd();
      break;
    case 5:
      stream.sendTrailers(TRAILERS);
      break;
    case 6:
      stream.reset(8);
      watch.over(stream);
      break;
    case 7:
      stream.consumed();
  }
}

/** Throws when an invariant does not hold. */
export function check({ role, chunks, choices }: FuzzInput): void {
  const watch = new Watch();
  const rig: EngineRig = role === 'server' ? new ServerRig({}, null) : new ClientRig({}, null);
  const left = [...choices];
  rig.on = (event, stream) => {
    watch.see(event, stream);
    const choice = left.pop() ?? 11;
    rig.takes = choice % 3 !== 0;
    act(choice, stream, watch);
  };
  if (rig instanceof ClientRig) {
    for (let i = 0; i < 3; i++) watch.streams.add(rig.request(i === 0));
  }
  for (const chunk of chunks) {
    rig.connection.room = left.length % 4 === 0 ? 500 : Number.POSITIVE_INFINITY;
    rig.send(Buffer.from(chunk, 'hex'));
    for (const stream of watch.streams) act(left.pop() ?? 11, stream, watch);
    rig.connection.room = Number.POSITIVE_INFINITY;
    if (rig.connection.isOpen) rig.connection.handler.onDrain(rig.connection);
    for (const stream of watch.streams) {
      if (stream.pendingBytes > MAX_PENDING_BYTES) throw new Error(`${stream.pendingBytes} bytes wait`);
    }
  }
  rig.clock.advanceSync(400_000);
  rig.connection.close();
  rig.connection.handler.onClose(rig.connection, null);
  checkEnd(rig, role === 'client');
}

function checkEnd(rig: EngineRig, isClient: boolean): void {
  if (rig.events.filter((event) => event === 'closed').length !== 1) throw new Error('closed other than once');
  const bytes = rig.takeBytes();
  readFrames(isClient ? bytes.subarray(PREFACE.length) : bytes);
  if (rig instanceof ClientRig && rig.client.openStreams !== 0)
    throw new Error(`${rig.client.openStreams} streams left`);
  if (rig instanceof ServerRig && !rig.server.idle) throw new Error('streams left');
}

if (import.meta.main) runFromCommandLine('http2', (seed) => new Fuzzer(seed), check);
