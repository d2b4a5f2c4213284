import { type Gate, Place, type Waiting } from '../../core/overload/gate.ts';
import type { FirstBytesProtocol } from '../../core/state/protocol.ts';
import { detectProtocol } from '../../io/detect/detect.ts';
import type {
  Connection,
  ConnectionError,
  ConnectionHandler,
  Timer,
  TimerOwner,
  Timers,
} from '../../io/transport/types.ts';

export interface FirstBytesOwner {
  /**
   * What the client speaks, and the bytes read so far (empty after a silent `timeout`), valid during the call. `ended`: it has sent FIN behind them, which
   * nobody will be told again.
   */
  detected(protocol: FirstBytesProtocol, bytes: Buffer, ended: boolean): void;
  /** It kept silent while too many did: the connection is to be ended. */
  keptSilent(): void;
  /** The client left before it said anything. */
  lost(error: ConnectionError | null): void;
}

/** What it takes to tell protocols. */
export interface Detection {
  readonly timers: Timers;
  readonly timeoutMs: number;
  /** Of this side: those whose protocol is not known yet. */
  readonly gate: Gate;
}

/** Protocol detection on a client's connection: reads until the first bytes tell, or the time is up. */
export class FirstBytes implements ConnectionHandler, TimerOwner, Waiting {
  readonly #owner: FirstBytesOwner;
  readonly #timers: Timers;
  readonly #timer: Timer;
  readonly #gate: Gate;
  readonly #place: Place = new Place(this);
  readonly #sinceMs: number;
  #bytes: Buffer = Buffer.alloc(0);

  /** Takes over the handler of `connection`. `peer`: on whose account it waits in `gate`. */
  constructor(connection: Connection, around: Detection, peer: string, owner: FirstBytesOwner) {
    const { timers, timeoutMs, gate } = around;
    this.#owner = owner;
    this.#gate = gate;
    this.#timers = timers;
    this.#timer = timers.create(this, 'peer');
    timers.set(this.#timer, timeoutMs);
    connection.handler = this;
    this.#sinceMs = timers.nowMs();
    gate.enter(this.#place, peer, this.#sinceMs);
  }

  /** How long the client has been listened to. */
  get tookMs(): number {
    return this.#timers.nowMs() - this.#sinceMs;
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
    this.giveUp();
  }

  /** Goes on with what has been read so far. */
  giveUp(): void {
    this.#settle('timeout', false);
  }

  shed(): void {
    this.#leave();
    this.#owner.keptSilent();
  }

  #settle(protocol: FirstBytesProtocol, ended: boolean): void {
    this.#leave();
    this.#owner.detected(protocol, this.#bytes, ended);
  }

  #leave(): void {
    this.#gate.leave(this.#place);
    this.#timers.clear(this.#timer);
  }

  onClose(_: Connection, error: ConnectionError | null): void {
    this.#leave();
    this.#owner.lost(error);
  }
}
