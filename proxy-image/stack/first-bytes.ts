import { type DetectedProtocol, detectProtocol } from '../io/detect/detect.ts';
import type {
  Connection,
  ConnectionError,
  ConnectionHandler,
  Timer,
  TimerOwner,
  Timers,
} from '../io/transport/types.ts';
import type { Gate } from './gate.ts';

export interface FirstBytesOwner {
  /**
   * What the client speaks, and the bytes read so far (empty after a silent `timeout`), valid during the call. `ended`: it has sent FIN behind them, which
   * nobody will be told again.
   */
  detected(protocol: DetectedProtocol | 'timeout', bytes: Buffer, ended: boolean): void;
  /** The client left before it said anything. */
  lost(error: ConnectionError | null): void;
}

/** Protocol detection on a client's connection: reads until the first bytes tell, or the time is up. */
export class FirstBytes implements ConnectionHandler, TimerOwner {
  readonly #owner: FirstBytesOwner;
  readonly #timers: Timers;
  readonly #timer: Timer;
  readonly #gate: Gate;
  #bytes: Buffer = Buffer.alloc(0);
  #over = false;

  /** Takes over the handler of `connection`. The caller has entered `gate`. */
  constructor(connection: Connection, timers: Timers, timeoutMs: number, gate: Gate, owner: FirstBytesOwner) {
    this.#owner = owner;
    this.#gate = gate;
    this.#timers = timers;
    this.#timer = timers.create(this);
    timers.set(this.#timer, timeoutMs);
    connection.handler = this;
  }

  onConnect(): void {}
  onSecure(): void {}
  onDrain(): void {}

  onData(_: Connection, chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const protocol = detectProtocol(this.#bytes);
    if (protocol !== null) this.#settle(protocol, false);
    // The chunk is only lent.
    else this.#bytes = Buffer.from(this.#bytes);
  }

  /** Too little to be HTTP, and nothing more will come. */
  onEnd(connection: Connection): void {
    if (this.#bytes.length === 0) connection.close();
    else this.#settle('opaque', true);
  }

  onTimer(): void {
    this.#settle('timeout', false);
  }

  #settle(protocol: DetectedProtocol | 'timeout', ended: boolean): void {
    this.#leave();
    this.#owner.detected(protocol, this.#bytes, ended);
  }

  #leave(): void {
    if (!this.#over) this.#gate.leave();
    this.#over = true;
    this.#timers.clear(this.#timer);
  }

  onClose(_: Connection, error: ConnectionError | null): void {
    this.#leave();
    this.#owner.lost(error);
  }
}
