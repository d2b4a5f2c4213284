import type { Connection } from '../transport/types.ts';

/** The write side of a connection: keeps what the kernel would not take, in order. Whoever feeds it stops while it holds anything. */
export class Outbox {
  readonly connection: Connection;
  /** Bytes that wait for `onDrain`. */
  pendingBytes = 0;
  #waiting: Buffer[] | null = null;
  #offset = 0;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** True: all of `bytes[from..to)` was taken. False: the rest was copied and waits; the feeder pauses until `drain` says true. */
  write(bytes: Uint8Array, from: number, to: number): boolean {
    let start = from;
    if (this.pendingBytes === 0) {
      start += this.connection.write(bytes, from, to - from);
      if (start === to) return true;
      if (!this.connection.isOpen) return true;
    }
    this.#waiting ??= [];
    this.#waiting.push(Buffer.from(bytes.subarray(start, to)));
    this.pendingBytes += to - start;
    return false;
  }

  /** On `onDrain`: true when nothing waits any more. */
  drain(): boolean {
    while (this.pendingBytes > 0) {
      const next = this.#waiting![0]!;
      const taken = this.connection.write(next, this.#offset, next.length - this.#offset);
      this.pendingBytes -= taken;
      this.#offset += taken;
      if (this.#offset < next.length) return false;
      this.#waiting!.shift();
      this.#offset = 0;
    }
    this.#waiting = null;
    return true;
  }
}
