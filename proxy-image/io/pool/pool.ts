import type { Http2Context } from '../../codec/http2/limits.ts';
import { formatAddress } from '../../contract/keys.ts';
import type { DialContext, DialTarget } from './dial.ts';
import {
  type Host,
  type HostIdentity,
  type HostOwner,
  POOL_LIMITS,
  type PoolLimits,
  type PoolObserver,
} from './host.ts';
import { HostPool } from './host-pool.ts';
import type { Http2Engine } from './http2-engine.ts';

/** HTTP/2 with servers of any sort, and with proxies of the mesh. */
export interface PoolHttp2 {
  readonly engine: Http2Engine;
  readonly plain: Http2Context;
  readonly meshed: Http2Context;
}

/**
 * Connections by (address, target port, session protocol, identity): policy is per port, and two ports of one pod may have opposite ones, so a
 * connection that was judged for one is never used for the other.
 */
export class ConnectionPool implements HostOwner {
  readonly #hosts = new Map<string, Host>();
  readonly #context: DialContext;
  readonly #http2: PoolHttp2;
  readonly #limits: PoolLimits;

  readonly observer: PoolObserver;

  constructor(context: DialContext, http2: PoolHttp2, observer: PoolObserver, limits: PoolLimits = POOL_LIMITS) {
    this.#context = context;
    this.#http2 = http2;
    this.observer = observer;
    this.#limits = limits;
  }

  host(target: DialTarget, labels: Readonly<Record<string, string>> = {}): Host {
    const key = `${formatAddress(target.address.ip, target.address.port)} ${target.port} ${target.session} ${target.identity ?? ''}`;
    let host = this.#hosts.get(key);
    if (host === undefined) {
      const identity = { key, target, labels };
      host =
        target.session === 'http2'
          ? this.#multiplexed(identity)
          : new HostPool(identity, this.#context, this.#limits, this);
      this.#hosts.set(key, host);
    }
    return host;
  }

  #multiplexed(identity: HostIdentity): Host {
    const { MultiplexedHost } = this.#http2.engine.parts;
    const http2 = identity.target.identity === null ? this.#http2.plain : this.#http2.meshed;
    return new MultiplexedHost(identity, this.#context, http2, this.#limits, this);
  }

  emptied(host: Host): void {
    if (this.#hosts.get(host.key) === host) this.#hosts.delete(host.key);
  }

  get hostCount(): number {
    return this.#hosts.size;
  }
}
