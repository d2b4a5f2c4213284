import type { Budget } from './budget.ts';
import { DEFAULT_WINDOW, MAX_31_BIT, MAX_FRAME_BYTES } from './frames.ts';
import type { Output } from './output.ts';
import { SendQueue } from './send-queue.ts';
import type { EngineStream } from './stream.ts';

/** Hears of END_STREAM when it is on its way. */
export interface SenderOwner {
  localEnded(stream: EngineStream): void;
}

/** A frame that takes all there was to send pays for what a peer says about it: two window updates, a PING to measure the bandwidth. */
const EARNED_PER_FRAME = 4;
/** A frame that a small window cut short pays by its size, so that windows opened by single octets cost more than they bring. */
const BYTES_PER_TOKEN = 256;

/** Sends bodies within the windows of RFC 9113 section 5.2. Streams that must wait for the connection take turns, a frame each. */
export class Sender {
  readonly #output: Output;
  readonly #owner: SenderOwner;
  readonly #overhead: Budget;
  #window = DEFAULT_WINDOW;
  /** Sentinel of the ring. */
  readonly #ready: EngineStream;

  constructor(output: Output, owner: SenderOwner, overhead: Budget, sentinel: EngineStream) {
    this.#output = output;
    this.#owner = owner;
    this.#overhead = overhead;
    this.#ready = sentinel;
  }

  data(stream: EngineStream, bytes: Buffer, from: number, to: number): boolean {
    const at = stream.blocked ? from : this.#transmit(stream, bytes, from, to);
    if (at === to) return true;
    stream.waiting ??= new SendQueue();
    stream.waiting.push(bytes, at, to);
    stream.blocked = true;
    if (stream.sendWindow > 0) this.#enqueue(stream);
    return false;
  }

  /** END_STREAM, alone or with trailers. */
  end(stream: EngineStream, trailers: Buffer | null): void {
    stream.ending = true;
    stream.trailers = trailers;
    if (!stream.blocked) this.#finish(stream);
  }

  #finish(stream: EngineStream): void {
    const trailers = stream.trailers;
    stream.trailers = null;
    stream.localEnded = true;
    if (trailers === null) this.#output.end(stream.id);
    else this.#output.headers(stream.id, trailers, true);
    this.#owner.localEnded(stream);
  }

  /** Position up to which it was sent. */
  #transmit(stream: EngineStream, bytes: Buffer, from: number, to: number): number {
    let at = from;
    while (at < to && !this.#output.congested) {
      const window = Math.min(this.#window, stream.sendWindow);
      if (window <= 0) break;
      const size = Math.min(to - at, MAX_FRAME_BYTES, window);
      this.#window -= size;
      stream.sendWindow -= size;
      this.#overhead.earn(size < window ? EARNED_PER_FRAME : size / BYTES_PER_TOKEN);
      this.#output.data(stream.id, bytes, at, at + size);
      at += size;
    }
    return at;
  }

  /** False: the window would exceed its largest size. */
  openConnection(increment: number): boolean {
    this.#window += increment;
    return this.#window <= MAX_31_BIT;
  }

  /** The same for a stream; a change of INITIAL_WINDOW_SIZE may be negative. */
  openStream(stream: EngineStream, change: number): boolean {
    stream.sendWindow += change;
    if (stream.sendWindow > MAX_31_BIT) return false;
    if (stream.sendWindow > 0 && stream.blocked) this.#enqueue(stream);
    return true;
  }

  #enqueue(stream: EngineStream): void {
    if (stream.next !== stream) return;
    const ready = this.#ready;
    stream.previous = ready.previous;
    stream.next = ready;
    ready.previous.next = stream;
    ready.previous = stream;
  }

  #unlink(stream: EngineStream): void {
    stream.previous.next = stream.next;
    stream.next.previous = stream.previous;
    stream.next = stream;
    stream.previous = stream;
  }

  /** The stream is closed: what waits is dropped. */
  forget(stream: EngineStream): void {
    this.#unlink(stream);
    stream.waiting = null;
    stream.trailers = null;
    stream.blocked = false;
  }

  /** At the end of an event that may have opened a window or found the kernel ready. */
  pump(): void {
    const ready = this.#ready;
    while (ready.next !== ready && this.#window > 0 && !this.#output.congested) {
      const stream = ready.next;
      this.#unlink(stream);
      this.#turn(stream);
    }
  }

  #turn(stream: EngineStream): void {
    const waiting = stream.waiting!;
    const from = waiting.firstFrom;
    const to = Math.min(waiting.firstTo, from + MAX_FRAME_BYTES);
    const at = this.#transmit(stream, waiting.first, from, to);
    if (at > from) {
      stream.stalledSweeps = 0;
      waiting.drop(at - from);
    }
    if (waiting.length > 0) {
      if (stream.sendWindow > 0) this.#enqueue(stream);
      return;
    }
    stream.waiting = null;
    stream.blocked = false;
    if (stream.ending) this.#finish(stream);
    else stream.handler.onWritable(stream);
  }
}
