import type { HttpConnection } from '../../http/connection.ts';
import type { ExchangePool } from '../../http/exchange-pool.ts';
import { type HeadGate, PartialHead } from '../../http/partial-head.ts';
import type { HttpService } from '../../http/service.ts';
import type { Connection } from '../../io/transport/types.ts';
import type { Http2Context } from './limits.ts';
import type { Http2Request } from './request.ts';
import type { Http2Scratch } from './scratch.ts';
import { Http2ServerConnection } from './server.ts';
import { ServerStream, type ServerStreamOwner } from './server-stream.ts';
import type { Http2Server, Http2ServerOwner, Http2Stream } from './types.ts';

/** What all HTTP/2 connections of clients share. */
export interface SessionContext extends HeadGate {
  readonly http2: Http2Context;
  readonly exchanges: ExchangePool;
  /** Stream records that wait for reuse. */
  readonly idleStreams: ServerStream[];
}

/** As many stream records as one busy connection needs wait for reuse. */
const MAX_IDLE_STREAMS = 256;

/** A client's HTTP/2 connection: every stream is an exchange. */
export class Http2Session implements HttpConnection, Http2ServerOwner, ServerStreamOwner {
  readonly exchanges: ExchangePool;
  readonly scratch: Http2Scratch;
  readonly #service: HttpService;
  readonly #server: Http2Server;
  readonly #tunnels = new Set<ServerStream>();
  readonly #context: SessionContext;
  #partial: PartialHead | null = null;

  /** Takes over a connection. */
  constructor(connection: Connection, service: HttpService, context: SessionContext) {
    this.exchanges = context.exchanges;
    this.#context = context;
    this.#service = service;
    this.#server = new Http2ServerConnection(connection, this, context.http2);
    this.scratch = this.#server.scratch;
  }

  streamOpened(stream: Http2Stream, request: Http2Request, end: boolean): void {
    const serving = this.#context.idleStreams.pop() ?? new ServerStream();
    stream.handler = serving;
    const exchange = this.exchanges.take();
    serving.begin(this, stream, exchange);
    exchange.begin(serving, request);
    if (end) exchange.requestEnded();
    if (exchange.tunnels) this.#tunnels.add(serving);
    this.#service.begin(exchange, request);
  }

  requestRefused(answer: string, reason: string): void {
    this.#service.requestRefused(answer, reason);
  }

  headWaits(waits: boolean): void {
    if (waits) {
      this.#partial ??= new PartialHead(this.#context, this.#server.connection, this.#service);
      this.#partial.began();
    } else this.#partial?.ended();
  }

  streamEnded(serving: ServerStream, isTunnel: boolean): void {
    if (isTunnel) this.#tunnels.delete(serving);
    const { idleStreams } = this.#context;
    if (idleStreams.length < MAX_IDLE_STREAMS) idleStreams.push(serving);
  }

  closed(): void {
    this.#partial?.ended();
    this.#service.released();
  }

  onData(connection: Connection, chunk: Buffer): void {
    this.#server.onData(connection, chunk);
  }

  get idle(): boolean {
    return this.#server.idle;
  }

  get expendable(): boolean {
    return this.#server.idle;
  }

  makeRoom(): void {
    this.#server.closeIdle();
  }

  get tunnelled(): boolean {
    return this.#tunnels.size > 0;
  }

  drain(): void {
    this.#server.drain();
  }

  closeIdle(): void {
    this.#server.closeIdle();
  }

  abort(): void {
    this.#server.abort();
  }

  abortTunnels(): void {
    for (const tunnel of [...this.#tunnels]) tunnel.cancel();
  }
}
