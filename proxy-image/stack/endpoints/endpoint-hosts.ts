import type { EndpointState } from '../../core/balance/endpoint.ts';
import type { EndpointPool } from '../../core/balance/pool.ts';
import { attempted, connected, connectFailed } from '../../core/balance/reach.ts';
import type { HttpProtocol, SessionProtocol } from '../../core/state/protocol.ts';
import type { DialError, DialTarget } from '../../io/pool/dial.ts';
import type { Host, Prospect } from '../../io/pool/host.ts';
import type { ConnectionPool } from '../../io/pool/pool.ts';
import { destinationLabels } from '../../io/telemetry/series-labels.ts';
import type { StackOptions } from '../shared/options.ts';
import { logUnreached, unreachedAs } from '../shared/unreached.ts';

/** Where the connections for an endpoint go: to its pod's proxy where that proves an identity, else to the pod itself. */
export function targetOf(endpoint: EndpointState, session: SessionProtocol): DialTarget {
  const { address, port, identity, proxyPort } = endpoint.facts;
  const dialled = identity === null ? port : proxyPort;
  return { address: { ip: address, port: dialled }, identity, port, session };
}

/** What connects an endpoint to its host: the outcome of attempts to connect belongs to the endpoint, whoever waited for it. */
export class EndpointLink implements Prospect {
  readonly host: Host;
  readonly facts: object;
  readonly #options: StackOptions;
  readonly #endpoint: EndpointState;
  /** `null` for a pod. */
  readonly #pool: EndpointPool | null;
  #expecting = false;
  #lastError: DialError | null = null;

  constructor(options: StackOptions, endpoint: EndpointState, pool: EndpointPool | null, host: Host) {
    this.#options = options;
    this.#endpoint = endpoint;
    this.#pool = pool;
    this.host = host;
    this.facts = endpoint.facts;
  }

  /** Makes sure of a connection in the background, or goes on with an attempt that takes long; no request goes there until it is known. */
  connect(): void {
    attempted(this.#endpoint, this.#options.transport.timers.nowMs());
    if (this.#expecting) return;
    this.#expecting = true;
    this.host.warm(this);
  }

  reached(): void {
    this.#expecting = false;
    this.connected();
  }

  notReached(error: DialError): void {
    this.#expecting = false;
    this.failed(error);
  }

  /** A connection can be had. */
  connected(): void {
    const { readyAtMs, connectFailures } = this.#endpoint;
    if (readyAtMs === 0 && connectFailures === 0) return;
    connected(this.#endpoint);
    this.#pool?.changed();
  }

  /** An attempt has failed; each counts once, however many requests are told of it. `behindProxy`: its proxy could not reach the application. */
  failed(error: DialError, behindProxy: boolean = false): void {
    if (error === this.#lastError) return;
    this.#lastError = error;
    const { recorder, rng, log, transport } = this.#options;
    const { failure } = error;
    // Of a request that was sent, its attempt is what failed, and is counted as that.
    if (!behindProxy) recorder.outboundError('http', unreachedAs(error));
    connectFailed(this.#endpoint, rng, transport.timers.nowMs(), behindProxy);
    this.#pool?.failed(failure);
    logUnreached(log, this.#endpoint.id, error);
  }
}

/** The connections to an endpoint, looked up by text only when the endpoint's facts have changed or the host has been given up. */
export class EndpointHosts {
  readonly #options: StackOptions;
  readonly #connections: ConnectionPool;
  readonly #known: Readonly<Record<HttpProtocol, WeakMap<EndpointState, EndpointLink>>> = {
    http1: new WeakMap(),
    http2: new WeakMap(),
  };

  constructor(options: StackOptions, connections: ConnectionPool) {
    this.#options = options;
    this.#connections = connections;
  }

  /** `pool`: that of the endpoint; `null` for a pod. */
  of(endpoint: EndpointState, pool: EndpointPool | null, protocol: HttpProtocol): EndpointLink {
    const links = this.#known[protocol];
    const known = links.get(endpoint);
    if (known !== undefined && known.facts === endpoint.facts && !known.host.retired) return known;
    const labels = destinationLabels(endpoint, this.#options.state.zone);
    const host = this.#connections.host(targetOf(endpoint, protocol), labels);
    const link = new EndpointLink(this.#options, endpoint, pool, host);
    links.set(endpoint, link);
    return link;
  }
}
