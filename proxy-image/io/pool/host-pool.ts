import { ClientConnection, type ClientConnectionOwner } from '../../codec/http1/client-connection.ts';
import type { ExchangeUpstream } from '../../http/exchange.ts';
import type { Connection, Timer, TimerOwner } from '../transport/types.ts';
import { Dial, type DialContext, type DialError, type DialOwner, type DialTarget } from './dial.ts';
import type { Host, HostIdentity, HostOwner, PoolLimits, Prospect, Waiter } from './host.ts';
import { HostQueue } from './host-queue.ts';

/** Handshakes begun at once with one target: each takes both sides' processors a millisecond, and a crowd of them would all be late together. */
const DIALS_AT_ONCE = 16;
/** So many more may be begun each time this has passed with attempts under way: it is a far network then that they wait for, not a processor. */
const WIDEN_MS = 50;
/** Where requests come faster than connections are given back, so many more are made than are waited for. */
const SPARE = 1;

/**
 * HTTP/1 connections to one target. The most recently used idle one is taken first, so that a burst's surplus ages and goes. A waiting request gets
 * whichever comes first, the connection dialled for it or one that is given back.
 */
export class HostPool implements Host, ClientConnectionOwner, DialOwner, TimerOwner {
  readonly target: DialTarget;
  readonly key: string;
  retired = false;
  readonly labels: Readonly<Record<string, string>>;
  readonly #context: DialContext;
  readonly #limits: PoolLimits;
  readonly #owner: HostOwner;
  readonly #idle: ClientConnection[] = [];
  readonly #idleUntilMs: number[] = [];
  readonly #waiting: HostQueue;
  readonly #timer: Timer;
  /** Infinity = the timer is not armed. */
  #wakesAtMs: number = Number.POSITIVE_INFINITY;
  #dialling = 0;
  /** Attempts that may be under way. */
  #window = DIALS_AT_ONCE;
  /** While more are wanted. */
  #widening: Timer | null = null;
  #open = 0;

  constructor(host: HostIdentity, context: DialContext, limits: PoolLimits, owner: HostOwner) {
    this.key = host.key;
    this.target = host.target;
    this.labels = host.labels;
    this.#context = context;
    this.#limits = limits;
    this.#owner = owner;
    this.#waiting = new HostQueue(context.transport);
    this.#timer = context.transport.timers.create(this);
  }

  lease(waiter: Waiter): ExchangeUpstream | null {
    const idle = this.#idle.pop();
    if (idle !== undefined) {
      this.#idleUntilMs.pop();
      return idle;
    }
    this.#waiting.push(waiter);
    this.#dialForWaiters();
    return null;
  }

  warm(prospect: Prospect): void {
    if (this.#idle.length > 0) {
      prospect.reached();
      return;
    }
    this.#waiting.expect(prospect);
    if (this.#dialling === 0) this.#dial();
  }

  get overloaded(): boolean {
    return this.#waiting.length >= this.#limits.waitersPerHost;
  }

  cancel(waiter: Waiter): void {
    this.#waiting.cancel(waiter);
  }

  dialled(_: Dial, connection: Connection, prelude: Buffer | null): void {
    this.#dialling--;
    this.#open++;
    this.#waiting.connected();
    this.#owner.observer.opened(connection, this);
    this.becameIdle(new ClientConnection(connection, prelude, this, this.#owner.scratch));
    // Also where somebody has taken it: another one could be made.
    this.#waiting.reached();
    this.#dialForWaiters();
  }

  dialFailed(_: Dial, error: DialError): void {
    this.#dialling--;
    // Others may still succeed, or a connection be given back; without any, nobody has anything to wait for here.
    const others = this.#dialling > 0 || this.#open > 0;
    this.#waiting.failed(others ? 1 : this.#waiting.length, error);
    this.#dialForWaiters();
    this.#retireIfEmpty();
  }

  becameIdle(connection: ClientConnection): void {
    const waiter = this.#waiting.shift();
    if (waiter !== undefined) {
      waiter.leased(connection);
      return;
    }
    // The server may want to end it sooner.
    const keptMs = Math.min(this.#limits.idleMs, connection.keepAliveMs);
    const untilMs = this.#context.transport.timers.nowMs() + keptMs;
    this.#idle.push(connection);
    this.#idleUntilMs.push(untilMs);
    if (untilMs < this.#wakesAtMs) this.#arm(untilMs, keptMs);
    this.#waiting.reached();
  }

  becameUnusable(connection: ClientConnection): void {
    this.#open--;
    this.#owner.observer.closed(connection.connection);
    const index = this.#idle.indexOf(connection);
    if (index !== -1) {
      this.#idle.splice(index, 1);
      this.#idleUntilMs.splice(index, 1);
    }
    this.#dialForWaiters();
    this.#retireIfEmpty();
  }

  /** As many as are waited for and a spare one, but not all at once. */
  #dialForWaiters(): void {
    const waiting = this.#waiting.length;
    if (waiting === 0) return;
    if (this.#open === 0) this.#waiting.watchAttempt();
    if (this.#dialling === 0) this.#window = DIALS_AT_ONCE;
    const room = this.#limits.connectionsPerHost - this.#open;
    const wanted = Math.min(this.#open > 0 ? waiting + SPARE : waiting, room);
    while (this.#dialling < wanted && this.#dialling < this.#window) this.#dial();
    if (this.#dialling < wanted) this.#widenLater();
  }

  #widenLater(): void {
    const { timers } = this.#context.transport;
    if (this.#widening !== null) return;
    this.#widening = timers.create(this);
    timers.set(this.#widening, WIDEN_MS);
  }

  #dial(): void {
    this.#dialling++;
    new Dial(this.#context, this.target, this);
  }

  #arm(atMs: number, delayMs: number): void {
    this.#wakesAtMs = atMs;
    this.#context.transport.timers.set(this.#timer, delayMs);
  }

  onTimer(timer: Timer): void {
    if (timer === this.#widening) {
      this.#widening = null;
      this.#window += DIALS_AT_ONCE;
      this.#dialForWaiters();
    } else this.#retireIdle();
  }

  #retireIdle(): void {
    this.#wakesAtMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#context.transport.timers.nowMs();
    let nextMs = Number.POSITIVE_INFINITY;
    // From the end: closing takes the connection out of the arrays.
    for (let i = this.#idle.length - 1; i >= 0; i--) {
      const untilMs = this.#idleUntilMs[i]!;
      if (untilMs <= nowMs) this.#idle[i]!.retire();
      else nextMs = Math.min(nextMs, untilMs);
    }
    if (nextMs !== Number.POSITIVE_INFINITY) this.#arm(nextMs, nextMs - nowMs);
  }

  #retireIfEmpty(): void {
    if (this.#open > 0 || this.#dialling > 0 || !this.#waiting.isEmpty || this.retired) return;
    this.retired = true;
    this.#owner.emptied(this);
  }
}
