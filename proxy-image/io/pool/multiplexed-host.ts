import { Http2ClientConnection } from '../../codec/http2/client.ts';
import { ClientStream, type StreamLender } from '../../codec/http2/client-stream.ts';
import type { Http2Context } from '../../codec/http2/limits.ts';
import type { Http2Client, Http2ClientOwner } from '../../codec/http2/types.ts';
import type { ExchangeUpstream } from '../../http/exchange.ts';
import type { Connection, Timer, TimerOwner } from '../transport/types.ts';
import { Dial, type DialContext, type DialError, type DialOwner, type DialTarget } from './dial.ts';
import type { Host, HostIdentity, HostOwner, PoolLimits, Prospect, Waiter } from './host.ts';
import { HostQueue } from './host-queue.ts';

/** Streams that a connection under way is counted for, until its SETTINGS tell (RFC 9113 section 6.5.2 recommends no fewer). */
const ASSUMED_STREAMS = 100;

/** A connection with the streams that were promised but not opened yet. */
class Line implements StreamLender {
  readonly client: Http2Client;
  promised = 0;
  idleSinceMs: number;
  /** How many streams it takes may be assumed until it is known. */
  readonly #assumed: boolean;

  constructor(client: Http2Client, assumed: boolean, nowMs: number) {
    this.client = client;
    this.#assumed = assumed;
    this.idleSinceMs = nowMs;
  }

  /** For a tunnel, nothing may be assumed. */
  hasRoom(tunnels: boolean): boolean {
    const known = this.client.settled || (this.#assumed && !tunnels);
    return known && this.client.capacity > this.promised;
  }

  /** It takes none at all: another connection to the same server would not either. */
  get takesNone(): boolean {
    return this.client.settled && this.client.capacity === 0 && this.load === 0;
  }

  get load(): number {
    return this.client.openStreams + this.promised;
  }

  leaseUsed(): void {
    this.promised--;
  }
}

/**
 * HTTP/2 to one target: all requests share one connection, and another is made when its streams have run out.
 */
export class MultiplexedHost implements Host, Http2ClientOwner, DialOwner, TimerOwner {
  readonly target: DialTarget;
  readonly key: string;
  retired = false;
  readonly labels: Readonly<Record<string, string>>;
  readonly #context: DialContext;
  readonly #http2: Http2Context;
  readonly #limits: PoolLimits;
  readonly #owner: HostOwner;
  /** Those that take streams. */
  readonly #lines: Line[] = [];
  readonly #waiting: HostQueue;
  readonly #timer: Timer;
  #timing = false;
  #dialling = 0;
  /** Connections that are open, also those that take no more streams. */
  #open = 0;

  constructor(host: HostIdentity, context: DialContext, http2: Http2Context, limits: PoolLimits, owner: HostOwner) {
    this.key = host.key;
    this.target = host.target;
    this.labels = host.labels;
    this.#context = context;
    this.#http2 = http2;
    this.#limits = limits;
    this.#owner = owner;
    this.#waiting = new HostQueue(context.transport);
    this.#timer = context.transport.timers.create(this);
  }

  lease(waiter: Waiter): ExchangeUpstream | null {
    if (this.#waiting.length === 0) {
      const line = this.#freeLine(waiter.tunnels);
      if (line !== null) return this.#promise(line);
    }
    this.#waiting.push(waiter);
    this.#dialForWaiters();
    return null;
  }

  warm(prospect: Prospect): void {
    if (this.#lines.length > 0) {
      prospect.reached();
      return;
    }
    this.#waiting.expect(prospect);
    if (this.#dialling === 0) this.#dial();
  }

  /** The one with the fewest streams, of those with room. Nearly always there is just one. */
  #freeLine(tunnels: boolean): Line | null {
    let best: Line | null = null;
    for (const line of this.#lines) {
      if (line.hasRoom(tunnels) && (best === null || line.load < best.load)) best = line;
    }
    return best;
  }

  #promise(line: Line): ExchangeUpstream {
    line.promised++;
    return new ClientStream(line.client, line);
  }

  #lineOf(client: Http2Client): Line | undefined {
    return this.#lines.find((line) => line.client === client);
  }

  get overloaded(): boolean {
    return this.#waiting.length >= this.#limits.waitersPerHost;
  }

  cancel(waiter: Waiter): void {
    this.#waiting.cancel(waiter);
  }

  #dialForWaiters(): void {
    if (this.#waiting.length === 0 || this.#lines.some((line) => line.takesNone)) return;
    if (this.#lines.length === 0) this.#waiting.watchAttempt();
    let coming = this.#dialling + this.#unsettled;
    while (
      coming * ASSUMED_STREAMS < this.#waiting.length &&
      this.#dialling + this.#open < this.#limits.connectionsPerHost
    ) {
      coming++;
      this.#dial();
    }
  }

  #dial(): void {
    this.#dialling++;
    new Dial(this.#context, this.target, this);
  }

  /** Connections that will soon say how many streams they take: until then they are as good as those under way. */
  get #unsettled(): number {
    let count = 0;
    for (const { client } of this.#lines) if (!client.settled) count++;
    return count;
  }

  dialled(_: Dial, connection: Connection, prelude: Buffer | null): void {
    this.#dialling--;
    this.#open++;
    this.#waiting.connected();
    this.#owner.observer.opened(connection, this);
    const client = new Http2ClientConnection(connection, prelude, this, this.#http2);
    // Requests need not wait for the first SETTINGS; but where the streams of one connection have run out, the next would be asked for too many.
    this.#lines.push(new Line(client, this.#lines.length === 0, this.#nowMs));
    this.#serveWaiters();
    this.#waiting.reached();
    this.#watchIdle();
  }

  dialFailed(_: Dial, error: DialError): void {
    this.#dialling--;
    // As many as this connection would have served; the others wait for the next one.
    const others = this.#dialling > 0 || this.#lines.length > 0;
    this.#waiting.failed(others ? ASSUMED_STREAMS : this.#waiting.length, error);
    this.#retireIfEmpty();
  }

  capacityChanged(): void {
    this.#serveWaiters();
  }

  /** A stream's place is free for the next. */
  streamEnded(client: Http2Client): void {
    if (this.#waiting.length > 0) this.#serveWaiters();
    if (client.openStreams > 0) return;
    const line = this.#lineOf(client);
    if (line === undefined) return;
    line.idleSinceMs = this.#nowMs;
    this.#watchIdle();
  }

  #serveWaiters(): void {
    this.#http2.flush.enter();
    while (this.#waiting.length > 0) {
      const line = this.#freeLine(this.#waiting.first!.tunnels);
      if (line === null) break;
      this.#waiting.shift()!.leased(this.#promise(line));
    }
    this.#http2.flush.leave();
    this.#dialForWaiters();
  }

  becameUnusable(client: Http2Client): void {
    const index = this.#lines.findIndex((line) => line.client === client);
    if (index !== -1) this.#lines.splice(index, 1);
    this.#dialForWaiters();
  }

  closed(client: Http2Client): void {
    this.#open--;
    this.#owner.observer.closed(client.connection);
    this.#dialForWaiters();
    this.#retireIfEmpty();
  }

  get #nowMs(): number {
    return this.#context.transport.timers.nowMs();
  }

  #watchIdle(): void {
    if (this.#timing) return;
    this.#timing = true;
    this.#context.transport.timers.set(this.#timer, this.#limits.http2IdleMs);
  }

  onTimer(): void {
    this.#timing = false;
    const nowMs = this.#nowMs;
    let idle = false;
    for (const line of [...this.#lines]) {
      if (line.load > 0) continue;
      if (nowMs - line.idleSinceMs >= this.#limits.http2IdleMs) line.client.retire();
      else idle = true;
    }
    if (idle) this.#watchIdle();
  }

  #retireIfEmpty(): void {
    if (this.#open > 0 || this.#dialling > 0 || !this.#waiting.isEmpty || this.retired) return;
    this.retired = true;
    this.#owner.emptied(this);
  }
}
