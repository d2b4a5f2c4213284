import type { Http1Scratch } from '../../codec/http1/scratch.ts';
import type { ExchangeUpstream } from '../../http/exchange.ts';
import type { Connection } from '../transport/types.ts';
import type { DialError, DialTarget } from './dial.ts';

/** A request that wants a connection, or a stream of one. Told within another event, never within `lease`. */
export interface Waiter {
  /** Wants a tunnel in HTTP/2, for which the other side must have said that it takes such (RFC 8441 section 3). */
  readonly tunnels: boolean;
  /** Has no other target to go to: waits as long as an attempt takes. */
  readonly patient: boolean;
  leased(upstream: ExchangeUpstream): void;
  /** No connection could be made. All who waited for it are told the same object. */
  leaseFailed(error: DialError): void;
  /** None has been made for so long that another target may be better. The attempt goes on, but the request waits here no more. */
  leaseDelayed(): void;
}

/** Wants to know whether the target can be connected to, without a request to send there. */
export interface Prospect {
  reached(): void;
  notReached(error: DialError): void;
}

/** The connections to one target. */
export interface Host {
  readonly target: DialTarget;
  readonly key: string;
  /** Nothing is open, under way or waited for: it has been forgotten, and is not to be asked any more. */
  readonly retired: boolean;
  /** `dst_*` labels without the prefix, of the endpoint that it was made for. */
  readonly labels: Readonly<Record<string, string>>;
  /** What carries one request, at once, or `null`: then `waiter` hears later. */
  lease(waiter: Waiter): ExchangeUpstream | null;
  /** Makes a connection for whoever comes, where none is free. `prospect` is told once: in this call where there is one, else when an attempt ends. */
  warm(prospect: Prospect): void;
  /** True when no further request should wait here. */
  readonly overloaded: boolean;
  /** The request does not want a connection any more. */
  cancel(waiter: Waiter): void;
}

/** Hears of every connection of a pool. */
export interface PoolObserver {
  opened(connection: Connection, host: Host): void;
  closed(connection: Connection): void;
}

export interface HostOwner {
  readonly observer: PoolObserver;
  readonly scratch: Http1Scratch;
  /** The host has retired. */
  emptied(host: Host): void;
}

export interface HostIdentity {
  readonly key: string;
  readonly target: DialTarget;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * A request waits so long where no connection is open yet, then it may go elsewhere (RFC 8305 section 5: the delay between attempts to connect): a packet that
 * was dropped, or a pod that has only just begun, must not cost it the whole time of a connect.
 */
export const CONNECT_PATIENCE_MS = 250;

export interface PoolLimits {
  /** Linkerd: 3 s. Shorter than the idle limits of application servers (5 s and more), so that a connection is given up here first. */
  readonly idleMs: number;
  /** Connections of HTTP/2: one serves a whole endpoint, and gRPC clients pause longer than that. Servers say GOAWAY, so that no request is lost by waiting. */
  readonly http2IdleMs: number;
  /** Connections to one target, busy and idle. */
  readonly connectionsPerHost: number;
  /** Requests that wait for a connection to one target (Linkerd: queue of 10,000). */
  readonly waitersPerHost: number;
}

export const POOL_LIMITS: PoolLimits = {
  idleMs: 3000,
  http2IdleMs: 60_000,
  connectionsPerHost: 4096,
  waitersPerHost: 10_000,
};
