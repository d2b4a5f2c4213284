import { ClientConnection, type ClientConnectionOwner } from '../http1/client-connection.ts';
import type { Connection, Timer, TimerOwner } from '../transport/types.ts';
import { Dial, type DialContext, type DialError, type DialOwner, type DialTarget } from './dial.ts';

export interface PoolLimits {
  /** Linkerd: 3 s. Shorter than the idle limits of application servers (5 s and more), so that a connection is given up here first. */
  readonly idleMs: number;
  /** Connections to one target, busy and idle. */
  readonly connectionsPerHost: number;
  /** Requests that wait for a connection to one target (Linkerd: queue of 10,000). */
  readonly waitersPerHost: number;
}

export const POOL_LIMITS: PoolLimits = { idleMs: 3000, connectionsPerHost: 4096, waitersPerHost: 10_000 };

/** A request that wants a connection. Told within another event, never within `lease`. */
export interface Waiter {
  leased(connection: ClientConnection): void;
  leaseFailed(error: DialError): void;
}

/** Hears of every connection of a pool. */
export interface PoolObserver {
  opened(connection: Connection, host: HostPool): void;
  closed(connection: Connection): void;
}

export interface HostPoolOwner {
  readonly observer: PoolObserver;
  /** Nothing is open, under way or waited for: the pool may be forgotten. */
  emptied(pool: HostPool): void;
}

export interface HostIdentity {
  readonly key: string;
  readonly target: DialTarget;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * HTTP/1 connections to one target. The most recently used idle one is taken first, so that a burst's surplus ages and goes. A waiting request gets
 * whichever comes first, the connection dialled for it or one that is given back.
 */
export class HostPool implements ClientConnectionOwner, DialOwner, TimerOwner {
  readonly target: DialTarget;
  readonly key: string;
  retired = false;
  /** `dst_*` labels without the prefix, of the endpoint that the pool was made for. */
  readonly labels: Readonly<Record<string, string>>;
  readonly #context: DialContext;
  readonly #limits: PoolLimits;
  readonly #owner: HostPoolOwner;
  readonly #idle: ClientConnection[] = [];
  readonly #idleSinceMs: number[] = [];
  readonly #waiters: Waiter[] = [];
  readonly #timer: Timer;
  #timing = false;
  #dialling = 0;
  #open = 0;

  constructor(host: HostIdentity, context: DialContext, limits: PoolLimits, owner: HostPoolOwner) {
    this.key = host.key;
    this.target = host.target;
    this.labels = host.labels;
    this.#context = context;
    this.#limits = limits;
    this.#owner = owner;
    this.#timer = context.transport.timers.create(this);
  }

  /** A connection at once, or `null`: then `waiter` hears later. */
  lease(waiter: Waiter): ClientConnection | null {
    const idle = this.#idle.pop();
    if (idle !== undefined) {
      this.#idleSinceMs.pop();
      return idle;
    }
    this.#waiters.push(waiter);
    if (this.#dialling < this.#waiters.length && this.#dialling + this.#open < this.#limits.connectionsPerHost) {
      this.#dialling++;
      new Dial(this.#context, this.target, this);
    }
    return null;
  }

  /** True when no further request should wait here. */
  get overloaded(): boolean {
    return this.#waiters.length >= this.#limits.waitersPerHost;
  }

  /** The request does not want a connection any more. */
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
