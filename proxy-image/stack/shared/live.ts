import type { EndpointState } from '../../core/balance/endpoint.ts';
import { type Client, Clients } from '../../core/overload/clients.ts';
import type { Rng } from '../../core/rng.ts';
import type { DialTarget } from '../../io/pool/dial.ts';
import type { Recorder, TransportLabels } from '../../io/telemetry/recorder.ts';
import type { Connection, ConnectionError, Timer, TimerOwner, Timers } from '../../io/transport/types.ts';

/** Whose clients: neither may use up what is meant for the other. */
export type Side = 'outbound' | 'inbound';

/** A client connection as drain and metrics see it. */
export interface Live extends Client {
  readonly side: Side;
  /** Ends at the next message boundary. */
  drain(): void;
  closeIdle(): void;
}

/** A connection that is carried as bytes, once both ends of it are there. */
export interface ObservedStream {
  readonly side: Side;
  readonly client: Connection;
  /** Of the client's connection. */
  readonly labels: TransportLabels;
  readonly target: DialTarget;
  /** `null` = an address that no resource named. */
  readonly endpoint: EndpointState | null;
}

/** Hears of connections that are carried as bytes, and changes nothing. */
export interface StreamObserver {
  /** `null`: its end is of no interest. */
  opened(stream: ObservedStream): StreamWatch | null;
}

export interface StreamWatch {
  closed(error: ConnectionError | null): void;
}

/** Bytes of open connections are reported this often, and the rest when they close. */
const REPORT_MS = 5000;
const DRAIN_POLL_MS = 50;

/** Of the stack's: see `StackLimits`. */
export interface LiveLimits {
  readonly connections: number;
  readonly idleGraceMs: number;
}

/** One transport as metrics see it. */
interface Measured {
  readonly handle: number;
  readonly connection: Connection;
  read: number;
  written: number;
}

/** Everything that is open: for the drain, and for the byte counts of long streams. */
export class LiveSet implements TimerOwner {
  readonly #timers: Timers;
  readonly #recorder: Recorder;
  readonly #limits: Readonly<LiveLimits>;
  readonly #clients: Readonly<Record<Side, Clients<Live>>>;
  readonly #measured = new Map<Connection, Measured>();
  readonly #reportTimer: Timer;
  readonly #drainTimer: Timer;
  #reporting = false;
  #drainedSinceMs = 0;
  #drained: (() => void) | null = null;
  draining = false;
  /** Who hears of connections that are carried as bytes, while there is somebody. */
  streams: StreamObserver | null = null;
  /** Clients that have come since the start. */
  arrivals = 0;

  constructor(timers: Timers, recorder: Recorder, limits: Readonly<LiveLimits>, rng: Rng) {
    const { connections } = limits;
    this.#clients = { outbound: new Clients(connections, rng), inbound: new Clients(connections, rng) };
    this.#timers = timers;
    this.#limits = limits;
    this.#recorder = recorder;
    this.#reportTimer = timers.create(this);
    this.#drainTimer = timers.create(this);
  }

  get clients(): number {
    return this.#clients.outbound.size + this.#clients.inbound.size;
  }

  /** Whether another client may come. Where there are too many, one on which nothing is under way makes room for it. */
  admits(side: Side): boolean {
    return this.#clients[side].admits();
  }

  add(client: Live): void {
    this.arrivals += 1;
    this.#clients[client.side].add(client);
    if (this.draining) client.drain();
  }

  remove(client: Live): void {
    this.#clients[client.side].removed(client);
  }

  opened(connection: Connection, labels: TransportLabels): void {
    const handle = this.#recorder.transportOpened(labels);
    this.#measured.set(connection, { handle, connection, read: 0, written: 0 });
    if (this.#reporting) return;
    this.#reporting = true;
    this.#timers.set(this.#reportTimer, REPORT_MS);
  }

  closed(connection: Connection): void {
    const measured = this.#measured.get(connection);
    if (measured === undefined) return;
    this.#measured.delete(connection);
    this.#report(measured);
    const { failure } = connection;
    this.#recorder.transportClosed(measured.handle, failure === null ? '' : ERRNO[failure.kind]);
  }

  #report(measured: Measured): void {
    const { handle, connection } = measured;
    const { bytesRead, bytesWritten } = connection;
    if (bytesRead > measured.read) this.#recorder.transportRead(handle, bytesRead - measured.read);
    if (bytesWritten > measured.written) this.#recorder.transportWritten(handle, bytesWritten - measured.written);
    measured.read = bytesRead;
    measured.written = bytesWritten;
  }

  /** Brings the byte counts up to date, before they are read. */
  report(): void {
    for (const measured of this.#measured.values()) this.#report(measured);
  }

  /**
   * Both sides keep serving (others may not have heard yet), but every connection ends at its next message boundary. Resolves when nothing is under way and
   * idle clients have had their time to leave.
   */
  drain(): Promise<void> {
    this.draining = true;
    this.#drainedSinceMs = this.#timers.nowMs();
    for (const client of this.#all()) client.drain();
    return new Promise((resolve) => {
      this.#drained = resolve;
      this.#checkDrained();
    });
  }

  #checkDrained(): void {
    if (this.#timers.nowMs() - this.#drainedSinceMs > this.#limits.idleGraceMs) {
      for (const client of this.#all()) client.closeIdle();
    }
    if (this.clients === 0) this.#drained?.();
    else this.#timers.set(this.#drainTimer, DRAIN_POLL_MS);
  }

  abort(): void {
    this.#timers.clear(this.#drainTimer);
    this.#timers.clear(this.#reportTimer);
    for (const client of this.#all()) client.abort();
  }

  #all(): Live[] {
    return [...this.#clients.outbound.all(), ...this.#clients.inbound.all()];
  }

  onTimer(timer: Timer): void {
    if (timer === this.#drainTimer) {
      this.#checkDrained();
      return;
    }
    this.report();
    this.#reporting = this.#measured.size > 0;
    if (this.#reporting) this.#timers.set(this.#reportTimer, REPORT_MS);
  }
}

/** `errno` label (linkerd2-proxy: tcp_close_total). */
const ERRNO: Readonly<Record<ConnectionError['kind'], string>> = {
  refused: 'ECONNREFUSED',
  unreachable: 'EHOSTUNREACH',
  timeout: 'ETIMEDOUT',
  reset: 'ECONNRESET',
  tls: 'EPROTO',
  other: 'EIO',
};
