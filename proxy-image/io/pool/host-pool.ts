import type { ExchangeUpstream } from '../http/exchange.ts';
import { ClientConnection, type ClientConnectionOwner } from '../http1/client-connection.ts';
import type { Connection, Timer, TimerOwner } from '../transport/types.ts';
import { Dial, type DialContext, type DialError, type DialOwner, type DialTarget } from './dial.ts';
import type { Host, HostIdentity, HostOwner, PoolLimits, Waiter } from './host.ts';

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
  readonly #idleSinceMs: number[] = [];
  readonly #waiters: Waiter[] = [];
  readonly #timer: Timer;
  #timing = false;
  #dialling = 0;
  #open = 0;

  constructor(host: HostIdentity, context: DialContext, limits: PoolLimits, owner: HostOwner) {
    this.key = host.key;
    this.target = host.target;
    this.labels = host.labels;
    this.#context = context;
    this.#limits = limits;
    this.#owner = owner;
    this.#timer = context.transport.timers.create(this);
  }

  lease(waiter: Waiter): ExchangeUpstream | null {
    const idle = this.#idle.pop();
    if (idle !== undefined) {
      this.#idleSinceMs.pop();
      return idle;
    }
    this.#waiters.push(waiter);
    this.#dialForWaiters();
    return null;
  }

  get overloaded(): boolean {
    return this.#waiters.length >= this.#limits.waitersPerHost;
  }

  cancel(waiter: Waiter): void {
    const index = this.#waiters.indexOf(waiter);
    if (index !== -1) this.#waiters.splice(index, 1);
  }

  dialled(_: Dial, connection: Connection, prelude: Buffer | null): void {
    this.#dialling--;
    this.#open++;
    this.#owner.observer.opened(connection, this);
    this.becameIdle(new ClientConnection(connection, prelude, this));
  }

  dialFailed(_: Dial, error: DialError): void {
    this.#dialling--;
    this.#waiters.shift()?.leaseFailed(error);
    // More may wait than could be dialled for.
    this.#dialForWaiters();
    this.#retireIfEmpty();
  }

  becameIdle(connection: ClientConnection): void {
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) {
      waiter.leased(connection);
      return;
    }
    this.#idle.push(connection);
    this.#idleSinceMs.push(this.#context.transport.timers.nowMs());
    if (!this.#timing) this.#arm(this.#limits.idleMs);
  }

  becameUnusable(connection: ClientConnection): void {
    this.#open--;
    this.#owner.observer.closed(connection.connection);
    const index = this.#idle.indexOf(connection);
    if (index !== -1) {
      this.#idle.splice(index, 1);
      this.#idleSinceMs.splice(index, 1);
    }
    this.#dialForWaiters();
    this.#retireIfEmpty();
  }

  /** A place has become free while requests wait for one. */
  #dialForWaiters(): void {
    if (this.#dialling >= this.#waiters.length) return;
    if (this.#dialling + this.#open >= this.#limits.connectionsPerHost) return;
    this.#dialling++;
    new Dial(this.#context, this.target, this);
  }

  #arm(delayMs: number): void {
    this.#timing = true;
    this.#context.transport.timers.set(this.#timer, delayMs);
  }

  onTimer(): void {
    this.#timing = false;
    const nowMs = this.#context.transport.timers.nowMs();
    // Closing takes the connection out of the arrays.
    while (this.#idle.length > 0 && nowMs - this.#idleSinceMs[0]! >= this.#limits.idleMs) this.#idle[0]!.retire();
    if (this.#idle.length > 0) this.#arm(this.#idleSinceMs[0]! + this.#limits.idleMs - nowMs);
  }

  #retireIfEmpty(): void {
    if (this.#open > 0 || this.#dialling > 0 || this.#waiters.length > 0 || this.retired) return;
    this.retired = true;
    this.#owner.emptied(this);
  }
}
