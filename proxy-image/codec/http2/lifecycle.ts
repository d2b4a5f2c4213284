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
import { CANCEL, ENHANCE_YOUR_CALM, INTERNAL_ERROR, SETTINGS_TIMEOUT } from './error-codes.ts';
import type { Flushable, FlushQueue } from './flush.ts';
import type { Http2Context, Http2Limits } from './limits.ts';
import type { Output } from './output.ts';
import type { ReceiveFlow } from './receive-flow.ts';
import type { EngineStream } from './stream.ts';
import type { Streams } from './streams.ts';

/** Looks at streams that wait, so many times per time limit. */
const SWEEPS_PER_STALL = 4;
/** A peer that goes on sending has not acknowledged our SETTINGS because it is busy (RFC 9113 section 6.5.3 leaves open how long that may take). */
const PATIENCE_WITH_BUSY = 5;

export interface LifecycleOwner {
  /** Highest stream of the peer that is dealt with, for GOAWAY. */
  readonly lastServed: number;
  read(chunk: Buffer): void;
  /** A frame or header block has begun and is not complete. `blockMoved`: another one than before this chunk. */
  readonly blockOpen: boolean;
  blockMoved(): boolean;
  /** After every read: whether part of a block is kept until the rest comes. */
  blockWaits(waits: boolean): void;
  /** A connection error is about to end it. */
  fails(code: number): void;
  /** It takes no more streams. */
  unusable(): void;
  /** After the last call of every stream's handler. */
  closed(): void;
  /** Streams of which something may be said yet, also those without an identifier. */
  allStreams(): EngineStream[];
  /** The connection is lost: has nothing of the stream's head been sent? */
  unsent(stream: EngineStream): boolean;
  /** What was put off to the end of the event. */
  settle(): void;
  drainOver(): void;
  keepAlive(answered: boolean): void;
}

/** Life of a connection: events of the transport, deadlines, output, the end. */
export class Lifecycle implements ConnectionHandler, TimerOwner, Flushable {
  readonly deadlines: Deadlines;
  readonly #connection: Connection;
  readonly #flushes: FlushQueue;
  readonly #limits: Readonly<Http2Limits>;
  readonly #output: Output;
  readonly #flow: ReceiveFlow;
  readonly #streams: Streams;
  readonly #owner: LifecycleOwner;
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

  constructor(
    connection: Connection,
    context: Http2Context,
    output: Output,
    flow: ReceiveFlow,
    streams: Streams,
    owner: LifecycleOwner,
  ) {
    this.#connection = connection;
    this.#flushes = context.flush;
    this.#limits = context.limits;
    this.#output = output;
    this.#flow = flow;
    this.#streams = streams;
    this.#owner = owner;
    this.deadlines = new Deadlines(context.timers, this, CONNECTION_DEADLINES, FIRST_OF_PEER);
    this.deadlines.set(HANDSHAKE, this.#limits.handshakeTimeoutMs);
    connection.handler = this;
  }

  onConnect(): void {}
  onSecure(): void {}

  onData(_: Connection, chunk: Buffer): void {
    if (this.#flow.deaf) return;
    this.#flushes.enter();
    try {
      this.#owner.read(chunk);
      if (!this.#flow.deaf) this.#afterRead();
    } finally {
      this.#flushes.leave();
    }
  }

  #afterRead(): void {
    this.#streams.sender.pump();
    const open = this.#owner.blockOpen;
    this.#owner.blockWaits(open);
    if (!open) this.deadlines.clear(BLOCK);
    else if (this.#owner.blockMoved() || !this.deadlines.isSet(BLOCK))
      this.deadlines.set(BLOCK, this.#limits.handshakeTimeoutMs);
  }

  onDrain(): void {
    this.#flushes.enter();
    try {
      if (!this.#output.outbox.drain()) return;
      if (this.#paused && !this.#gone) this.#connection.resume();
      this.#paused = false;
      this.#streams.sender.pump();
      this.#output.touch();
    } finally {
      this.#flushes.leave();
    }
  }

  flush(): void {
    this.#owner.settle();
    this.#output.flush();
    const pending = this.#output.outbox.pendingBytes;
    if (pending > 0) this.#congested(pending);
    else if (this.#finishing && !this.#finished) this.#end();
  }

  #congested(pending: number): void {
    this.waits();
    if (pending <= this.#limits.pendingOutputBytes || this.#paused) return;
    this.#paused = true;
    this.#connection.pause();
  }

  #end(): void {
    this.#finished = true;
    this.#connection.end();
    this.deadlines.set(LINGER, this.#limits.lingerTimeoutMs);
  }

  /** Everything is said: FIN behind what waits. The peer closes, or time does. */
  finish(): void {
    if (this.#finishing || this.#gone) return;
    this.#finishing = true;
    this.#flow.deaf = true;
    this.#owner.unusable();
    this.#output.touch();
  }

  /** Something waits to be sent. */
  waits(): void {
    if (!this.deadlines.isSet(STALL)) this.deadlines.set(STALL, this.#limits.stallTimeoutMs / SWEEPS_PER_STALL);
  }

  /** A connection error: GOAWAY and the end. */
  fail(code: number): void {
    if (this.#flow.deaf) return;
    this.#owner.fails(code);
    this.#flow.deaf = true;
    this.#output.goaway(this.#owner.lastServed, code);
    this.#owner.unusable();
    this.#loseStreams(code, false);
    this.finish();
    // Whether or not it takes what is still to be written.
    this.deadlines.set(LINGER, this.#limits.lingerTimeoutMs);
  }

  /** The peer spends more of this side's time than it may. */
  calm(): void {
    if (this.#flow.deaf) return;
    this.fail(ENHANCE_YOUR_CALM);
    // Not a moment longer: what the peer goes on sending is not even read.
    this.#output.flush();
    this.#connection.close();
  }

  /** `cut`: what is not written yet never will be. */
  #loseStreams(code: number, cut: boolean): void {
    for (const stream of this.#owner.allStreams()) {
      if (stream.closed) continue;
      const unprocessed = stream.id === 0 || (cut && this.#owner.unsent(stream));
      this.#streams.lose(stream, RESET_BY_US, { code, unprocessed, byPeer: false });
    }
  }

  abort(failure?: ConnectionError): void {
    this.#flow.deaf = true;
    this.#connection.reset(failure);
  }

  onEnd(): void {
    if (this.#gone) return;
    this.#flow.deaf = true;
    this.#connection.close();
    this.#flushes.enter();
    try {
      this.#owner.unusable();
      this.#loseStreams(INTERNAL_ERROR, true);
    } finally {
      this.#flushes.leave();
    }
  }

  onClose(_: Connection, __: ConnectionError | null): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#flow.deaf = true;
    this.deadlines.clearAll();
    this.#flushes.enter();
    try {
      this.#owner.unusable();
      this.#loseStreams(INTERNAL_ERROR, true);
      this.#owner.closed();
    } finally {
      this.#flushes.leave();
    }
  }

  onTimer(): void {
    this.#flushes.enter();
    try {
      for (let kind = this.deadlines.takeDue(); kind !== -1; kind = this.deadlines.takeDue()) this.#due(kind);
    } finally {
      this.#flushes.leave();
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
        this.#owner.drainOver();
        break;
      case LINGER:
        this.#connection.close();
        break;
      case STALL:
        this.#sweep();
        break;
      case KEEP_ALIVE:
      case KEEP_ALIVE_ANSWER:
        this.#owner.keepAlive(kind === KEEP_ALIVE_ANSWER);
    }
  }

  /** The peer's first SETTINGS have come. */
  greeted(): void {
    this.#heardBytes = this.#connection.bytesRead;
  }

  #handshakeOverdue(): void {
    const { bytesRead } = this.#connection;
    const busy = this.#heardBytes !== -1 && bytesRead > this.#heardBytes;
    if (!busy || this.#patience-- === 0) {
      this.fail(SETTINGS_TIMEOUT);
      return;
    }
    this.#heardBytes = bytesRead;
    this.deadlines.set(HANDSHAKE, this.#limits.handshakeTimeoutMs);
  }

  /** Streams whose windows stay shut, and a kernel that takes nothing. */
  #sweep(): void {
    if (this.#output.congested && this.#connection.bytesWritten === this.#sweptBytes) {
      if (++this.#sweepsWithoutWrite >= SWEEPS_PER_STALL) {
        this.abort();
        return;
      }
    } else this.#sweepsWithoutWrite = 0;
    this.#sweptBytes = this.#connection.bytesWritten;
    let waiting = this.#output.congested;
    for (const stream of [...this.#streams.open.values()]) {
      if (!stream.blocked) continue;
      if (++stream.stalledSweeps >= SWEEPS_PER_STALL) this.#streams.fail(stream, CANCEL);
      else waiting = true;
    }
    if (waiting) this.waits();
  }
}
