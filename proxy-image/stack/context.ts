import type { EndpointState } from '../core/balance/endpoint.ts';
import { type ExchangeContext, ExchangePool } from '../io/http1/exchange.ts';
import { ReplayMemory } from '../io/http1/replay.ts';
import type { ServerContext } from '../io/http1/server-connection.ts';
import type { DialContext, DialTarget } from '../io/pool/dial.ts';
import type { HostPool } from '../io/pool/host-pool.ts';
import { ConnectionPool } from '../io/pool/pool.ts';
import type { SessionProtocol } from '../io/tls/transport-header.ts';
import type { Address } from '../io/transport/types.ts';
import { LiveSet } from './live.ts';
import { STACK_LIMITS, type StackLimits, type StackOptions } from './options.ts';
import { PoolMetrics } from './transport-labels.ts';

/** What both stacks share. */
export interface StackContext {
  readonly options: StackOptions;
  readonly limits: Readonly<StackLimits>;
  readonly live: LiveSet;
  readonly http: ServerContext;
  readonly outboundDial: DialContext;
  readonly inboundDial: DialContext;
  readonly outboundPool: ConnectionPool;
  readonly inboundPool: ConnectionPool;
}

export function createContext(options: StackOptions): StackContext {
  const { transport, localNetwork } = options;
  const limits = { ...STACK_LIMITS, ...options.limits };
  const { timers } = transport;
  const exchange: ExchangeContext = { timers, replay: new ReplayMemory() };
  const live = new LiveSet(timers, options.recorder, limits.idleGraceMs);
  const dial = {
    transport,
    tlsContext: () => options.tlsContext(),
    handshakeTimeoutMs: limits.handshakeTimeoutMs,
  };
  const asIs = (address: Address): Address => address;
  const outboundDial: DialContext = {
    ...dial,
    dialAddress: localNetwork === null ? asIs : (address) => localNetwork.dialAddress(address),
    connectTimeoutMs: limits.outboundConnectTimeoutMs,
  };
  // What the inbound side connects to is the address that its client has reached: already this machine's.
  const inboundDial: DialContext = { ...dial, dialAddress: asIs, connectTimeoutMs: limits.inboundConnectTimeoutMs };
  return {
    options,
    limits,
    live,
    http: { timers, exchanges: new ExchangePool(exchange), headTimeoutMs: limits.headTimeoutMs },
    outboundDial,
    inboundDial,
    outboundPool: new ConnectionPool(outboundDial, new PoolMetrics(live, 'outbound')),
    inboundPool: new ConnectionPool(inboundDial, new PoolMetrics(live, 'inbound')),
  };
}

/** Where the connections for an endpoint go: to its pod's proxy where that proves an identity, else to the pod itself. */
export function targetOf(endpoint: EndpointState, session: SessionProtocol): DialTarget {
  const { address, port, identity, proxyPort } = endpoint.facts;
  const dialled = identity === null ? port : proxyPort;
  return { address: { ip: address, port: dialled }, identity, port, session };
}

/** The pool of an endpoint, looked up by text only when the endpoint's facts have changed or the pool has been given up. */
export class EndpointHosts {
  readonly #pool: ConnectionPool;
  readonly #known = new WeakMap<EndpointState, { facts: object; host: HostPool }>();

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  of(endpoint: EndpointState): HostPool {
    const known = this.#known.get(endpoint);
    if (known !== undefined && known.facts === endpoint.facts && !known.host.retired) return known.host;
    const host = this.#pool.host(targetOf(endpoint, 'http1'), endpoint.facts.labels);
    this.#known.set(endpoint, { facts: endpoint.facts, host });
    return host;
  }
}
