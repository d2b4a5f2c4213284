import type { Connection, ConnectionError, Timer, TimerOwner, Transport } from '../transport/types.ts';
import type { Host, PoolObserver } from './host.ts';

const LOOK_MS = 1000;
const SILENT: ConnectionError = { kind: 'timeout', detail: 'what was sent is not acknowledged' };

/**
 * Ends connections of a pool whose peers have gone without a word, so that what waits on them goes elsewhere. Looks once a second at those that have brought
 * nothing since the last look.
 */
export class SilentPeers implements PoolObserver, TimerOwner {
  readonly #transport: Transport;
  readonly #next: PoolObserver;
  /** With the bytes that had been read at the last look. */
  readonly #open = new Map<Connection, number>();
  readonly #timer: Timer;

  /** `next` hears of every connection too. */
  constructor(transport: Transport, next: PoolObserver) {
    this.#transport = transport;
    this.#next = next;
    this.#timer = transport.timers.create(this);
  }

  opened(connection: Connection, host: Host): void {
    if (this.#open.size === 0) this.#transport.timers.set(this.#timer, LOOK_MS);
    this.#open.set(connection, -1);
    this.#next.opened(connection, host);
  }

  closed(connection: Connection): void {
    this.#open.delete(connection);
    this.#next.closed(connection);
  }

  onTimer(): void {
    for (const [connection, before] of this.#open) {
      if (connection.bytesRead !== before) this.#open.set(connection, connection.bytesRead);
      else if (this.#transport.isSilent(connection)) connection.reset(SILENT);
    }
    if (this.#open.size > 0) this.#transport.timers.set(this.#timer, LOOK_MS);
  }
}
