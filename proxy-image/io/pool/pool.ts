import type { Http1Scratch } from '../../codec/http1/scratch.ts';
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

/** What connections to servers are spoken on with: HTTP/2 with servers of any sort, and with proxies of the mesh. */
export interface PoolCodecs {
  readonly scratch: Http1Scratch;
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
  readonly #codecs: PoolCodecs;
  readonly #limits: PoolLimits;

  readonly observer: PoolObserver;
  readonly scratch: Http1Scratch;

  constructor(context: DialContext, codecs: PoolCodecs, observer: PoolObserver, limits: PoolLimits = POOL_LIMITS) {
    this.#context = context;
    this.#codecs = codecs;
    this.scratch = codecs.scratch;
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
    const { MultiplexedHost } = this.#codecs.engine.parts;
    const http2 = identity.target.identity === null ? this.#codecs.plain : this.#codecs.meshed;
    return new MultiplexedHost(identity, this.#context, http2, this.#limits, this);
  }

  emptied(host: Host): void {
    if (this.#hosts.get(host.key) === host) this.#hosts.delete(host.key);
  }

  get hostCount(): number {
    return this.#hosts.size;
  }
}
