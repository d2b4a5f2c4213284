import { formatAddress } from '../../contract/keys.ts';
import type { DialContext, DialTarget } from './dial.ts';
import { HostPool, type HostPoolOwner, POOL_LIMITS, type PoolLimits, type PoolObserver } from './host-pool.ts';

/**
 * Connections by (address, target port, session protocol, identity): policy is per port, and two ports of one pod may have opposite ones, so a
 * connection that was judged for one is never used for the other.
 */
export class ConnectionPool implements HostPoolOwner {
  readonly #hosts = new Map<string, HostPool>();
  readonly #context: DialContext;
  readonly #limits: PoolLimits;

  readonly observer: PoolObserver;

  constructor(context: DialContext, observer: PoolObserver, limits: PoolLimits = POOL_LIMITS) {
    this.#context = context;
    this.observer = observer;
    this.#limits = limits;
  }

  host(target: DialTarget, labels: Readonly<Record<string, string>> = {}): HostPool {
    const key = `${formatAddress(target.address.ip, target.address.port)} ${target.port} ${target.session} ${target.identity ?? ''}`;
    let host = this.#hosts.get(key);
    if (host === undefined) {
      host = new HostPool({ key, target, labels }, this.#context, this.#limits, this);
      this.#hosts.set(key, host);
    }
    return host;
  }

  emptied(host: HostPool): void {
    if (this.#hosts.get(host.key) === host) this.#hosts.delete(host.key);
  }

  get hostCount(): number {
    return this.#hosts.size;
  }
}
