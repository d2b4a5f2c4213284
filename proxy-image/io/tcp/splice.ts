import type { Connection, ConnectionError, ConnectionHandler } from '../transport/types.ts';
import type { Outbox } from './outbox.ts';

export interface SpliceOwner {
  /** Once, when both connections are gone. `error` is the first that either reported. */
  spliceClosed(splice: Splice, error: ConnectionError | null): void;
}

/** One direction's state: who reads, and what waits to be written to the other. */
interface Side {
  readonly connection: Connection;
  readonly outbox: Outbox;
  /** The peer of this connection has sent FIN, and it has been passed on or waits for the bytes before it. */
  ended: boolean;
  closed: boolean;
}

/**
 * Two connections joined: bytes pass both ways with back-pressure, a half-close is passed on once all bytes before it are, an abort is passed on
 * as one. Takes over both handlers.
 */
export class Splice implements ConnectionHandler {
  readonly #left: Side;
  readonly #right: Side;
  readonly #owner: SpliceOwner;
  #error: ConnectionError | null = null;

  /** The outboxes may hold bytes already. */
  constructor(left: Outbox, right: Outbox, owner: SpliceOwner) {
    this.#left = { connection: left.connection, outbox: left, ended: false, closed: false };
    this.#right = { connection: right.connection, outbox: right, ended: false, closed: false };
    this.#owner = owner;
    left.connection.handler = this;
    right.connection.handler = this;
  }

  get left(): Connection {
    return this.#left.connection;
  }

  get right(): Connection {
    return this.#right.connection;
  }

  /** Passes on `bytes[from..to)` that came from the left before the splice was made. */
  feedFromLeft(bytes: Buffer, from: number, to: number): void {
    if (to > from && !this.#right.outbox.write(bytes, from, to)) this.#left.connection.pause();
  }

  /** The left peer had sent FIN before the splice was made. */
  endFromLeft(): void {
    this.onEnd(this.#left.connection);
  }

  /** Ends both at once: the policy has changed, or the drain has run out of time. */
  abort(): void {
    this.#left.connection.reset();
    this.#right.connection.reset();
  }

  onConnect(): void {}
  onSecure(): void {}

  onData(connection: Connection, chunk: Buffer): void {
    const target = connection === this.#left.connection ? this.#right : this.#left;
    if (!target.outbox.write(chunk, 0, chunk.length)) connection.pause();
  }

  onDrain(connection: Connection): void {
    const [target, source] = this.#from(connection);
    if (target.outbox.pendingBytes === 0 || !target.outbox.drain()) return;
    if (source.ended) target.connection.end();
    else source.connection.resume();
  }

  onEnd(connection: Connection): void {
    const [source, target] = this.#from(connection);
    if (source.ended) return;
    source.ended = true;
    if (target.outbox.pendingBytes === 0) target.connection.end();
  }

  onClose(connection: Connection, error: ConnectionError | null): void {
    const [gone, other] = this.#from(connection);
    gone.closed = true;
    this.#error ??= error;
    if (other.closed) this.#owner.spliceClosed(this, this.#error);
    else if (error !== null || !gone.ended) other.connection.reset();
    else if (other.outbox.pendingBytes === 0) other.connection.close();
  }

  #from(connection: Connection): [mine: Side, other: Side] {
    return connection === this.#left.connection ? [this.#left, this.#right] : [this.#right, this.#left];
  }
}
