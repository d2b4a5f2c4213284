import type { HttpConnection } from '../io/http/connection.ts';
import { type Exchange, type ExchangeContext, ExchangePool } from '../io/http/exchange.ts';
import { ReplayMemory } from '../io/http/replay.ts';
import type { HttpService } from '../io/http/service.ts';
import { ServerConnection, type ServerContext } from '../io/http1/server-connection.ts';
import { FlushQueue } from '../io/http2/flush.ts';
import { HTTP2_LIMITS, type Http2Context } from '../io/http2/limits.ts';
import type { SessionContext } from '../io/http2/session.ts';
import { http2Parts } from '../io/http2-engine.ts';
import type { DialContext } from '../io/pool/dial.ts';
import { POOL_LIMITS } from '../io/pool/host.ts';
import { ConnectionPool, type PoolHttp2 } from '../io/pool/pool.ts';
import { Outbox } from '../io/tcp/outbox.ts';
import type { Address, Connection } from '../io/transport/types.ts';
import { Gate } from './gate.ts';
import { LiveSet } from './live.ts';
import { STACK_LIMITS, type StackLimits, type StackOptions } from './options.ts';
import { PoolMetrics } from './transport-labels.ts';

export type HttpProtocol = 'http1' | 'http2';

/** Linkerd asks its own kind for a sign of life; servers of gRPC may end connections that ask them too often (gRPC: `too_many_pings`). */
const MESH_KEEP_ALIVE = { keepAliveMs: 10_000, keepAliveTimeoutMs: 3000 };

/** What both stacks share. */
export interface StackContext {
  readonly options: StackOptions;
  readonly limits: Readonly<StackLimits>;
  readonly live: LiveSet;
  /**
   * Ports of the pod that are the proxy's own, wherever annotations have moved them: reached through the proxy they would be a loop, or a way around
   * their guards. The stack adds the ports that its listeners got.
   */
  readonly ownPorts: Set<number>;
  readonly handshakes: Gate;
  readonly detections: Gate;
  readonly http: ServerContext & SessionContext;
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
  const live = new LiveSet(timers, options.recorder, limits);
  const dial = {
    transport,
    tlsContext: () => options.tlsContext(),
    handshakeTimeoutMs: limits.handshakeTimeoutMs,
  };
  const http2: Http2Context = {
    timers,
    flush: new FlushQueue((run) => transport.atEndOfTurn(run)),
    limits: HTTP2_LIMITS,
  };
  const pools: PoolHttp2 = { plain: http2, meshed: { ...http2, limits: { ...HTTP2_LIMITS, ...MESH_KEEP_ALIVE } } };
  const asIs = (address: Address): Address => address;
  const outboundDial: DialContext = {
    ...dial,
    dialAddress: localNetwork === null ? asIs : (address) => localNetwork.dialAddress(address),
    connectTimeoutMs: limits.outboundConnectTimeoutMs,
  };
  // What the inbound side connects to is the address that its client has reached: already this machine's.
  const inboundDial: DialContext = { ...dial, dialAddress: asIs, connectTimeoutMs: limits.inboundConnectTimeoutMs };
  const poolLimits = { ...POOL_LIMITS, ...limits };
  return {
    options,
    limits,
    live,
    ownPorts: new Set(options.reservedPorts),
    handshakes: new Gate(limits.handshakes),
    detections: new Gate(limits.detections),
    http: {
      timers,
      exchanges: new ExchangePool(exchange),
      headTimeoutMs: limits.headTimeoutMs,
      stallTimeoutMs: limits.stallTimeoutMs,
      http2,
    },
    outboundDial,
    inboundDial,
    outboundPool: new ConnectionPool(outboundDial, pools, new PoolMetrics(live, 'outbound'), poolLimits),
    inboundPool: new ConnectionPool(inboundDial, pools, new PoolMetrics(live, 'inbound'), poolLimits),
  };
}

/** Takes over a client's connection that speaks HTTP. */
export function serveHttp(
  protocol: HttpProtocol,
  connection: Connection,
  service: HttpService,
  { http }: StackContext,
): HttpConnection {
  if (protocol === 'http1') return new ServerConnection(new Outbox(connection), service, http);
  const { Http2Session } = http2Parts();
  return new Http2Session(connection, service, http);
}

/**
 * What the next hop is spoken to in: what is declared for it, else what the client speaks. An upgrade exists in HTTP/1 only (Linkerd keeps those connections
 * apart too), gRPC and tunnels in HTTP/2 only.
 */
export function protocolFor(exchange: Exchange, declared: string): HttpProtocol {
  if (exchange.upgrade) return 'http1';
  if (exchange.isGrpc || exchange.tunnels) return 'http2';
  if (declared === 'http1') return 'http1';
  if (declared === 'http2' || declared === 'grpc') return 'http2';
  return exchange.server!.protocol;
}
