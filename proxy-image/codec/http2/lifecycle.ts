import { Deadlines } from '../../io/transport/deadlines.ts';
import type { Connection, ConnectionError, ConnectionHandler, TimerOwner } from '../../io/transport/types.ts';
import { RESET_BY_US } from './closed-streams.ts';
import {
  BLOCK,
  CONNECTION_DEADLINES,
  DRAIN,
  FIRST_OF_PEER,
  HANDSHAKE,
  KEEP_ALIVE,
  KEEP_ALIVE_ANSWER,
  LINGER,
  STALL,
} from './deadlines.ts';
import { Endpoint } from './endpoint.ts';
import { CANCEL, ENHANCE_YOUR_CALM, INTERNAL_ERROR, SETTINGS_TIMEOUT } from './error-codes.ts';
import type { Http2Context } from './limits.ts';
import type { EngineStream } from './stream.ts';

/** Looks at streams that wait, so many times per time limit. */
const SWEEPS_PER_STALL = 4;
/** A peer that goes on sending has not acknowledged our SETTINGS because it is busy (RFC 9113 section 6.5.3 leaves open how long that may take). */
const PATIENCE_WITH_BUSY = 5;

/** Life of a connection: events of the transport, deadlines, output, the end. */
export abstract class Lifecycle extends Endpoint implements ConnectionHandler, TimerOwner {
  protected readonly deadlines: Deadlines;
  #paused = false;
  /** Nothing more will be sent but what waits already; then FIN. */
  #finishing = false;
  #finished = false;
  #gone = false;
  /** At the last sweep. */
  #sweptBytes = 0;
  #sweepsWithoutWrite = 0;
  /** When its SETTINGS came, and whenever their acknowledgement was looked for since; -1 = they have not come. */
  #heardBytes = -1;
  #patience = PATIENCE_WITH_BUSY;

  constructor(connection: Connection, context: Http2Context) {
    super(connection, context);
    this.deadlines = new Deadlines(context.timers, this, CONNECTION_DEADLINES, FIRST_OF_PEER);
    this.deadlines.set(HANDSHAKE, this.limits.handshakeTimeoutMs);
    connection.handler = this;
  }

  /** Highest stream of the peer that is dealt with, for GOAWAY. */
  protected abstract get lastServed(): number;
  protected abstract read(chunk: Buffer): void;
  /** A frame or header block has begun and is not complete. `moved`: another one than before this chunk. */
  protected abstract get blockOpen(): boolean;
  protected abstract get blockMoved(): boolean;
  /** After every read: whether part of a block is kept until the rest comes. */
  protected abstract blockWaits(waits: boolean): void;
  /** It takes no more streams. */
  protected abstract unusable(): void;
  /** After the last call of every stream's handler. */
  protected abstract closed(): void;
  /** The connection is lost: has nothing of the stream's head been sent? */
  protected abstract unsent(stream: EngineStream): boolean;
  /** What was put off to the end of the event. */
  protected abstract settle(): void;
  protected abstract drainOver(): void;
  protected abstract keepAlive(answered: boolean): void;

  onConnect(): void {}
  onSecure(): void {}

  onData(_: Connection, chunk: Buffer): void {
    if (this.deaf) return;
    this.context.flush.enter();
    try {
      this.read(chunk);
      if (!this.deaf) this.#afterRead();
    } finally {
      this.context.flush.leave();
    }
  }

  #afterRead(): void {
    this.sender.pump();
    const open = this.blockOpen;
    this.blockWaits(open);
    if (!open) this.deadlines.clear(BLOCK);
    else if (this.blockMoved || !this.deadlines.isSet(BLOCK)) this.deadlines.set(BLOCK, this.limits.handshakeTimeoutMs);
  }

  onDrain(): void {
    this.context.flush.enter();
    try {
      if (!this.output.outbox.drain()) return;
      if (this.#paused && !this.#gone) this.connection.resume();
      this.#paused = false;
      this.sender.pump();
      this.output.touch();
    } finally {
      this.context.flush.leave();
    }
  }

  flush(): void {
    this.settle();
    this.output.flush();
    const pending = this.output.outbox.pendingBytes;
    if (pending > 0) this.#congested(pending);
    else if (this.#finishing && !this.#finished) this.#end();
  }

  #congested(pending: number): void {
    this.waits();
    if (pending <= this.limits.pendingOutputBytes || this.#paused) return;
    this.#paused = true;
    this.connection.pause();
  }

  #end(): void {
    this.#finished = true;
    this.connection.end();
    this.deadlines.set(LINGER, this.limits.lingerTimeoutMs);
  }

  /** Everything is said: FIN behind what waits. The peer closes, or time does. */
  protected finish(): void {
    if (this.#finishing || this.#gone) return;
    this.#finishing = true;
    this.deaf = true;
    this.unusable();
    this.output.touch();
  }

  protected override waits(): void {
    if (!this.deadlines.isSet(STALL)) this.deadlines.set(STALL, this.limits.stallTimeoutMs / SWEEPS_PER_STALL);
  }

  protected override fail(code: number): void {
    if (this.deaf) return;
    this.deaf = true;
    this.output.goaway(this.lastServed, code);
    this.unusable();
    this.#loseStreams(code, false);
    this.finish();
    // Whether or not it takes what is still to be written.
    this.deadlines.set(LINGER, this.limits.lingerTimeoutMs);
  }

  protected override calm(): void {
    if (this.deaf) return;
    this.fail(ENHANCE_YOUR_CALM);
    // Not a moment longer: what the peer goes on sending is not even read.
    this.output.flush();
    this.connection.close();
  }

  /** `cut`: what is not written yet never will be. */
  #loseStreams(code: number, cut: boolean): void {
    for (const stream of this.allStreams()) {
      if (stream.closed) continue;
      const unprocessed = stream.id === 0 || (cut && this.unsent(stream));
      this.lose(stream, RESET_BY_US, { code, unprocessed, byPeer: false });
    }
  }

  protected allStreams(): EngineStream[] {
    return [...this.streams.values()];
  }

  abort(): void {
    this.deaf = true;
    this.connection.reset();
  }

  onEnd(): void {
    if (this.#gone) return;
    this.deaf = true;
    this.connection.close();
    this.context.flush.enter();
    try {
      this.unusable();
      this.#loseStreams(INTERNAL_ERROR, true);
    } finally {
      this.context.flush.leave();
    }
  }

  onClose(_: Connection, __: ConnectionError | null): void {
    if (this.#gone) return;
    this.#gone = true;
    this.deaf = true;
    this.deadlines.clearAll();
    this.context.flush.enter();
    try {
      this.unusable();
      this.#loseStreams(INTERNAL_ERROR, true);
      this.closed();
    } finally {
      this.context.flush.leave();
    }
  }

  onTimer(): void {
    this.context.flush.enter();
    try {
      for (let kind = this.deadlines.takeDue(); kind !== -1; kind = this.deadlines.takeDue()) this.#due(kind);
    } finally {
      this.context.flush.leave();
    }
  }

  #due(kind: number): void {
    switch (kind) {
      case HANDSHAKE:
        this.#handshakeOverdue();
        break;
      case BLOCK:
        this.fail(ENHANCE_YOUR_CALM);
        break;
      case DRAIN:
        this.drainOver();
        break;
      case LINGER:
        this.connection.close();
        break;
      case STALL:
        this.#sweep();
        break;
      case KEEP_ALIVE:
      case KEEP_ALIVE_ANSWER:
        this.keepAlive(kind === KEEP_ALIVE_ANSWER);
    }
  }

  /** The peer's first SETTINGS have come. */
  protected greeted(): void {
    this.#heardBytes = this.connection.bytesRead;
  }

  #handshakeOverdue(): void {
    const { bytesRead } = this.connection;
    const busy = this.#heardBytes !== -1 && bytesRead > this.#heardBytes;
    if (!busy || this.#patience-- === 0) {
      this.fail(SETTINGS_TIMEOUT);
      return;
    }
    this.#heardBytes = bytesRead;
    this.deadlines.set(HANDSHAKE, this.limits.handshakeTimeoutMs);
  }

  /** Streams whose windows stay shut, and a kernel that takes nothing. */
  #sweep(): void {
    if (this.output.congested && this.connection.bytesWritten === this.#sweptBytes) {
      if (++this.#sweepsWithoutWrite >= SWEEPS_PER_STALL) {
        this.abort();
        return;
      }
    } else this.#sweepsWithoutWrite = 0;
    this.#sweptBytes = this.connection.bytesWritten;
    let waiting = this.output.congested;
    for (const stream of [...this.streams.values()]) {
      if (!stream.blocked) continue;
      if (++stream.stalledSweeps >= SWEEPS_PER_STALL) this.streamError(stream, CANCEL);
      else waiting = true;
    }
    if (waiting) this.waits();
  }
}
