import { Outbox } from '../../io/tcp/outbox.ts';
import type { Connection } from '../../io/transport/types.ts';
import { type Flushable, type FlushQueue, GATHER_BYTES } from './flush.ts';
import {
  ACK,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  FRAME_HEADER_BYTES,
  GOAWAY,
  HEADERS,
  MAX_FRAME_BYTES,
  PING,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from './frames.ts';
import { FIRST_BLOCK_PREFIX } from './hpack/encode.ts';

/** Measured in Bun: copying so few octets one by one is cheaper than a call into the runtime. */
const LOOP_BYTES = 64;

/** Frames on their way out: gathered during an event, written once at its end. A connection at rest holds no buffer. */
export class Output {
  readonly outbox: Outbox;
  #firstBlock = true;
  readonly #connection: Connection;
  readonly #queue: FlushQueue;
  readonly #target: Flushable;
  #buffer: Buffer | null = null;
  #length = 0;
  #dirty = false;
  /** Bytes that were ever put here. */
  #total = 0;
  /** Where the last frame begins if it is a DATA frame, or a HEADERS frame that is complete; -1 = neither, or it is written. */
  #lastAt = -1;
  #lastStream = 0;

  constructor(connection: Connection, queue: FlushQueue, target: Flushable) {
    this.#connection = connection;
    this.outbox = new Outbox(connection);
    this.#queue = queue;
    this.#target = target;
  }

  /** The kernel is full: whatever can wait does. */
  get congested(): boolean {
    return this.outbox.pendingBytes > 0;
  }

  get totalBytes(): number {
    return this.#total;
  }

  /** Nothing is left to write. */
  get empty(): boolean {
    return this.#length === 0 && this.outbox.pendingBytes === 0;
  }

  /** Whole frames, or what goes before them. Written with whatever comes next. */
  hold(bytes: Buffer): void {
    const at = this.#reserve(bytes.length);
    this.#buffer!.set(bytes, at);
  }

  headers(id: number, block: Buffer, end: boolean): void {
    if (this.#firstBlock) {
      this.#firstBlock = false;
      this.headers(id, Buffer.concat([FIRST_BLOCK_PREFIX, block]), end);
    } else if (block.length > MAX_FRAME_BYTES) this.#longHeaders(id, block, end);
    else {
      const at = this.#frame(block.length, HEADERS, end ? END_STREAM | END_HEADERS : END_HEADERS, id);
      put(block, this.#buffer!, at);
      this.#remember(at, id);
      this.touch();
    }
  }

  #longHeaders(id: number, block: Buffer, end: boolean): void {
    for (let from = 0; from < block.length; from += MAX_FRAME_BYTES) {
      const to = Math.min(block.length, from + MAX_FRAME_BYTES);
      const flags = to === block.length ? END_HEADERS : 0;
      const at = this.#frame(
        to - from,
        from === 0 ? HEADERS : CONTINUATION,
        from === 0 && end ? flags | END_STREAM : flags,
        id,
      );
      block.copy(this.#buffer!, at, from, to);
    }
    this.touch();
  }

  /** At most MAX_FRAME_BYTES. Joined with the stream's DATA frame before it where that is still here. */
  data(id: number, bytes: Buffer, from: number, to: number): void {
    if (!this.#extend(id, bytes, from, to)) {
      const at = this.#frame(to - from, DATA, 0, id);
      bytes.copy(this.#buffer!, at, from, to);
      this.#remember(at, id);
    }
    this.touch();
  }

  #extend(id: number, bytes: Buffer, from: number, to: number): boolean {
    const last = this.#lastAt;
    if (last === -1 || this.#lastStream !== id) return false;
    const buffer = this.#buffer!;
    const size = to - from;
    const length = ((buffer[last]! << 16) | (buffer[last + 1]! << 8) | buffer[last + 2]!) + size;
    if (buffer[last + 3] !== DATA || length > MAX_FRAME_BYTES || size > GATHER_BYTES - this.#length) return false;
    bytes.copy(buffer, this.#length, from, to);
    buffer[last] = length >>> 16;
    buffer[last + 1] = length >>> 8;
    buffer[last + 2] = length;
    this.#length += size;
    this.#total += size;
    return true;
  }

  /** END_STREAM on the stream's last frame if that is still here, otherwise on an empty one. */
  end(id: number): void {
    if (this.#lastAt !== -1 && this.#lastStream === id) this.#buffer![this.#lastAt + 4]! |= END_STREAM;
    else this.#frame(0, DATA, END_STREAM, id);
    this.touch();
  }

  reset(id: number, code: number): void {
    this.#word(RST_STREAM, id, code);
  }

  windowUpdate(id: number, increment: number): void {
    this.#word(WINDOW_UPDATE, id, increment);
  }

  #word(type: number, id: number, value: number): void {
    const at = this.#frame(4, type, 0, id);
    this.#buffer!.writeUInt32BE(value, at);
    this.touch();
  }

  ping(flags: number, bytes: Buffer, from: number): void {
    const at = this.#frame(8, PING, flags, 0);
    bytes.copy(this.#buffer!, at, from, from + 8);
    this.touch();
  }

  settingsAck(): void {
    this.#frame(0, SETTINGS, ACK, 0);
    this.touch();
  }

  goaway(lastId: number, code: number): void {
    const at = this.#frame(8, GOAWAY, 0, 0);
    this.#buffer!.writeUInt32BE(lastId, at);
    this.#buffer!.writeUInt32BE(code, at + 4);
    this.touch();
  }

  /** At the end of the event, or at once outside of events. */
  touch(): void {
    if (this.#dirty) return;
    this.#dirty = true;
    this.#queue.add(this.#target);
  }

  /** What is gathered goes to the kernel, and what that does not take to the outbox. */
  flush(): void {
    this.#spill();
    this.#dirty = false;
    const buffer = this.#buffer;
    if (buffer === null) return;
    this.#buffer = null;
    this.#queue.buffers.give(buffer);
  }

  #spill(): void {
    const length = this.#length;
    this.#length = 0;
    this.#lastAt = -1;
    if (length > 0 && this.#connection.isOpen) this.outbox.write(this.#buffer!, 0, length);
  }

  /** Position of the payload, with the frame's header before it. */
  #frame(length: number, type: number, flags: number, id: number): number {
    const at = this.#reserve(FRAME_HEADER_BYTES + length);
    const buffer = this.#buffer!;
    buffer[at] = length >>> 16;
    buffer[at + 1] = length >>> 8;
    buffer[at + 2] = length;
    buffer[at + 3] = type;
    buffer[at + 4] = flags;
    buffer[at + 5] = id >>> 24;
    buffer[at + 6] = id >>> 16;
    buffer[at + 7] = id >>> 8;
    buffer[at + 8] = id;
    this.#lastAt = -1;
    return at + FRAME_HEADER_BYTES;
  }

  #remember(payloadAt: number, id: number): void {
    this.#lastAt = payloadAt - FRAME_HEADER_BYTES;
    this.#lastStream = id;
  }

  #reserve(size: number): number {
    if (this.#length + size > GATHER_BYTES) this.#spill();
    this.#buffer ??= this.#queue.buffers.take();
    const at = this.#length;
    this.#length = at + size;
    this.#total += size;
    return at;
  }
}

/** All of `block` into `out`. */
function put(block: Buffer, out: Buffer, at: number): void {
  const { length } = block;
  if (length > LOOP_BYTES) out.set(block, at);
  else for (let i = 0; i < length; i++) out[at + i] = block[i]!;
}
