import { HttpBridge } from '../../../../proxy-image/codec/bridge/bridge.ts';
import { ClientConnection } from '../../../../proxy-image/codec/http1/client-connection.ts';
import { Http1Scratch } from '../../../../proxy-image/codec/http1/scratch.ts';
import { ServerConnection } from '../../../../proxy-image/codec/http1/server-connection.ts';
import { HEAD_BYTES } from '../../../../proxy-image/contract/head-bytes.ts';
import { Gate } from '../../../../proxy-image/core/overload/gate.ts';
import { errorAnswer } from '../../../../proxy-image/http/answer.ts';
import type { ExchangeEnd, HttpCall } from '../../../../proxy-image/http/call.ts';
import type { Exchange } from '../../../../proxy-image/http/exchange.ts';
import { ExchangePool } from '../../../../proxy-image/http/exchange-pool.ts';
import { FAILURES } from '../../../../proxy-image/http/failures.ts';
import { ExtraFields } from '../../../../proxy-image/http/message.ts';
import { ReplayMemory } from '../../../../proxy-image/http/replay.ts';
import type { HttpService } from '../../../../proxy-image/http/service.ts';
import { Outbox } from '../../../../proxy-image/io/tcp/outbox.ts';
import { NO_HANDLER } from '../../../../proxy-image/io/transport/no-handler.ts';
import type { Connection, ConnectionHandler, Timer, Timers } from '../../../../proxy-image/io/transport/types.ts';

/** A connection without a socket: what is written is kept, what is read is handed in. */
export class FakeConnection implements Connection {
  handler: ConnectionHandler = NO_HANDLER;
  readonly remote = { ip: '127.0.0.1', port: 1 };
  readonly local = { ip: '127.0.0.1', port: 2 };
  readonly fd = -1;
  isOpen = true;
  readonly failure = null;
  bytesRead = 0;
  bytesWritten = 0;
  ended = false;
  wasReset = false;
  paused = false;
  /** Most bytes that one `write` takes. */
  room = Number.POSITIVE_INFINITY;
  #written: Buffer[] = [];

  get text(): string {
    return Buffer.concat(this.#written).toString('latin1');
  }

  write(bytes: Uint8Array, offset: number, length: number): number {
    if (!this.isOpen || this.ended) return 0;
    const taken = Math.min(length, this.room);
    this.#written.push(Buffer.from(bytes.subarray(offset, offset + taken)));
    this.bytesWritten += taken;
    return taken;
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  end(): void {
    this.ended = true;
  }
  close(): void {
    this.isOpen = false;
  }
  reset(): void {
    if (this.isOpen) this.wasReset = true;
    this.isOpen = false;
  }
  startTls(): void {}

  /** The peer says something; the buffer is scribbled over afterwards, because it was only lent. */
  receive(text: string): void {
    if (!this.isOpen || text === '') return;
    const chunk = Buffer.from(text, 'latin1');
    this.bytesRead += chunk.length;
    this.handler.onData(this, chunk);
    chunk.fill(0x21);
  }
}

const NO_TIMERS: Timers = {
  resolutionMs: 10,
  nowMs: () => 1,
  awakeMs: () => 1,
  create: (owner): Timer => ({ owner }),
  set: () => {},
  clear: () => {},
};

/** The codec's two sides joined without sockets: a client's connection, and one behind per exchange in need of one. */
export class Rig implements HttpService {
  readonly tellsErrors = true;
  readonly takesConnect = true;
  readonly client = new FakeConnection();
  readonly behind: FakeConnection[] = [];
  readonly server: ServerConnection;
  readonly ends: ExchangeEnd[] = [];
  readonly heads: Gate = new Gate(1);
  releasedCount = 0;
  /** The exchange that waits for its response. */
  current: Exchange | null = null;
  /** Lines that are added to each request. */
  lines = '';
  #idle: ClientConnection[] = [];
  readonly #scratch = new Http1Scratch(HEAD_BYTES.fallback);

  constructor() {
    const exchanges = new ExchangePool({ timers: NO_TIMERS, replay: new ReplayMemory(), bridge: new HttpBridge() });
    const context = {
      timers: NO_TIMERS,
      exchanges,
      heads: this.heads,
      scratch: this.#scratch,
      headTimeoutMs: 1000,
      stallTimeoutMs: 1000,
    };
    this.server = new ServerConnection(new Outbox(this.client), this, context);
  }

  begin(exchange: Exchange): void {
    this.current = exchange;
    exchange.call = this.#callOf(exchange);
    exchange.prepare(extraOf(this.lines), 'web:80');
    exchange.send(this.#connection());
  }

  #callOf(exchange: Exchange): HttpCall {
    return {
      responded: () => true,
      attemptFailed: (failure) => exchange.answer(errorAnswer({ ...FAILURES.connection_lost, text: failure }, true)),
      ended: (end) => {
        this.ends.push(end);
        if (this.current === exchange) this.current = null;
      },
    };
  }

  #connection(): ClientConnection {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    const connection = new FakeConnection();
    this.behind.push(connection);
    return new ClientConnection(
      connection,
      null,
      {
        becameIdle: (free) => this.#idle.push(free),
        becameUnusable: (gone) => {
          this.#idle = this.#idle.filter((free) => free !== gone);
        },
      },
      this.#scratch,
    );
  }

  requestRefused(): void {}
  headShed(): void {}

  released(): void {
    this.releasedCount++;
  }

  /** The connection that carries the present exchange. */
  get upstream(): FakeConnection {
    return this.behind.findLast((connection) => connection.isOpen)!;
  }

  /** All that went on to the other side. */
  get forwarded(): string {
    return this.behind.map((connection) => connection.text).join('');
  }

  /** Feeds the client's bytes in these parts and answers every complete request. */
  exchangeAll(parts: string[], response = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'): void {
    for (const part of parts) {
      this.client.receive(part);
      for (let i = 0; i < 1000 && this.current?.requestDone === true && this.client.isOpen; i++) {
        this.upstream.receive(response);
      }
    }
  }
}

/** `text` cut at these positions. */
export function cut(text: string, positions: number[]): string[] {
  const at = [0, ...positions.filter((position) => position > 0 && position < text.length), text.length];
  at.sort((a, b) => a - b);
  return at.slice(1).map((end, i) => text.slice(at[i]!, end));
}

/** Whole lines as the fields that they are. */
function extraOf(lines: string): ExtraFields {
  const fields = lines.split('\r\n').filter((line) => line !== '');
  return new ExtraFields(fields.map((line) => line.split(': ', 2) as [string, string]));
}
