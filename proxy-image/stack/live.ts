import type { Recorder, TransportLabels } from '../io/telemetry/recorder.ts';
import type { Connection, ConnectionError, Timer, TimerOwner, Timers } from '../io/transport/types.ts';

/** A client connection as drain and metrics see it. */
export interface Live {
  /** Nothing is under way on it. */
  readonly idle: boolean;
  /** Ends at the next message boundary. */
  drain(): void;
  closeIdle(): void;
  abort(): void;
}

/** Bytes of open connections are reported this often, and the rest when they close. */
const REPORT_MS = 5000;
const DRAIN_POLL_MS = 50;

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
  readonly #idleGraceMs: number;
  readonly #clients = new Set<Live>();
  readonly #measured = new Map<Connection, Measured>();
  readonly #reportTimer: Timer;
  readonly #drainTimer: Timer;
  #reporting = false;
  #drainedSinceMs = 0;
  #drained: (() => void) | null = null;
  draining = false;

  constructor(timers: Timers, recorder: Recorder, idleGraceMs: number) {
    this.#timers = timers;
    this.#idleGraceMs = idleGraceMs;
    this.#recorder = recorder;
    this.#reportTimer = timers.create(this);
    this.#drainTimer = timers.create(this);
  }

  get clients(): number {
    return this.#clients.size;
  }

  add(client: Live): void {
    this.#clients.add(client);
    if (this.draining) client.drain();
  }

  remove(client: Live): void {
    this.#clients.delete(client);
  }

  opened(connection: Connection, labels: TransportLabels): void {
    const handle = this.#recorder.transportOpened(labels);
    this.#measured.set(connection, { handle, connection, read: 0, written: 0 });
    if (this.#reporting) return;
    this.#reporting = true;
    this.#timers.set(this.#reportTimer, REPORT_MS);
  }

  closed(connection: Connection, error: ConnectionError | null): void {
    const measured = this.#measured.get(connection);
    if (measured === undefined) return;
    this.#measured.delete(connection);
    this.#report(measured);
    this.#recorder.transportClosed(measured.handle, error === null ? '' : ERRNO[error.kind]);
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
    for (const client of this.#clients) client.drain();
    return new Promise((resolve) => {
      this.#drained = resolve;
      this.#checkDrained();
    });
  }

  #checkDrained(): void {
    if (this.#timers.nowMs() - this.#drainedSinceMs > this.#idleGraceMs) {
      for (const client of this.#clients) client.closeIdle();
    }
    if (this.#clients.size === 0) this.#drained?.();
    else this.#timers.set(this.#drainTimer, DRAIN_POLL_MS);
  }

  abort(): void {
    this.#timers.clear(this.#drainTimer);
    this.#timers.clear(this.#reportTimer);
    for (const client of this.#clients) client.abort();
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
