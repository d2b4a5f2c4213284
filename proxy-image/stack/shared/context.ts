import { HttpBridge } from '../../codec/bridge/bridge.ts';
import { Http1Scratch } from '../../codec/http1/scratch.ts';
import { ServerConnection } from '../../codec/http1/server-connection.ts';
import type { ServerContext } from '../../codec/http1/server-context.ts';
import { FlushQueue } from '../../codec/http2/flush.ts';
import { blockLimits, HTTP2_LIMITS, type Http2Context } from '../../codec/http2/limits.ts';
import type { SessionContext } from '../../codec/http2/session.ts';
import { Gate } from '../../core/overload/gate.ts';
import type { HttpProtocol } from '../../core/state/protocol.ts';
import type { HttpConnection } from '../../http/connection.ts';
import type { ExchangeContext } from '../../http/exchange.ts';
import { ExchangePool } from '../../http/exchange-pool.ts';
import { ReplayMemory } from '../../http/replay.ts';
import type { HttpService } from '../../http/service.ts';
import type { DialContext } from '../../io/pool/dial.ts';
import { POOL_LIMITS } from '../../io/pool/host.ts';
import { Http2Engine } from '../../io/pool/http2-engine.ts';
import { ConnectionPool, type PoolCodecs } from '../../io/pool/pool.ts';
import { SilentPeers } from '../../io/pool/silent-peers.ts';
import { Outbox } from '../../io/tcp/outbox.ts';
import { LimitedLog } from '../../io/telemetry/limited-log.ts';
import type { Connection } from '../../io/transport/types.ts';
import { LiveSet, type Side } from './live.ts';
import { STACK_LIMITS, type StackLimits, type StackOptions } from './options.ts';
import { Refusals } from './refusals.ts';
import { PoolMetrics } from './transport-labels.ts';

/** Linkerd asks its own kind for a sign of life; servers of gRPC may end connections that ask them too often (gRPC: `too_many_pings`). */
const MESH_KEEP_ALIVE = { keepAliveMs: 10_000, keepAliveTimeoutMs: 3000 };

/** Of one side: what one may not use up for the other. */
export interface Gates {
  /** Connections whose protocol is not known yet. */
  readonly detections: Gate;
  /** Heads of requests that have begun and are not complete. */
  readonly heads: Gate;
}

/** What the connections of clients share, whatever version of HTTP they speak. */
export interface HttpContext extends ServerContext, SessionContext {
  readonly engine: Http2Engine;
}

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
  readonly refusals: Refusals;
  /** Of the mesh port: TLS handshakes, up to the transport header. */
  readonly handshakes: Gate;
  readonly gates: Readonly<Record<Side, Gates>>;
  readonly http: Readonly<Record<Side | 'admin', HttpContext>>;
  readonly outboundDial: DialContext;
  readonly inboundDial: DialContext;
  readonly outboundPool: ConnectionPool;
  readonly inboundPool: ConnectionPool;
}

export function createContext(given: StackOptions): StackContext {
  const { transport } = given;
  const limits = { ...STACK_LIMITS, ...given.limits };
  const { timers } = transport;
  // What clients do decides how often the stack has something to say.
  const options = { ...given, log: new LimitedLog(given.log, () => timers.nowMs()) };
  const exchange: ExchangeContext = { timers, replay: new ReplayMemory(), bridge: new HttpBridge() };
  const live = new LiveSet(timers, options.recorder, limits, options.rng);
  const dial = {
    transport,
    tlsContext: () => options.tlsContext(),
    handshakeTimeoutMs: limits.handshakeTimeoutMs,
  };
  const http2: Http2Context = {
    timers,
    flush: new FlushQueue((run) => transport.atEndOfTurn(run)),
    limits: { ...HTTP2_LIMITS, ...blockLimits(limits.headBytes) },
  };
  const engine = new Http2Engine();
  const meshed = { ...http2, limits: { ...http2.limits, ...MESH_KEEP_ALIVE } };
  const scratch = new Http1Scratch(limits.headBytes);
  const codecs: PoolCodecs = { scratch, engine, plain: http2, meshed };
  const outboundDial: DialContext = {
    ...dial,
    dialAddress: (address) => options.dialAddress(address),
    connectTimeoutMs: limits.outboundConnectTimeoutMs,
  };
  // What the inbound side connects to is the address that its client has reached: already this machine's.
  const inboundDial: DialContext = {
    ...dial,
    dialAddress: (address) => address,
    connectTimeoutMs: limits.inboundConnectTimeoutMs,
  };
  const gates = { outbound: gatesOf(limits), inbound: gatesOf(limits) };
  const http = {
    timers,
    exchanges: new ExchangePool(exchange),
    scratch,
    headTimeoutMs: limits.headTimeoutMs,
    stallTimeoutMs: limits.stallTimeoutMs,
    http2,
    engine,
    idleStreams: [],
  };
  const observer = new SilentPeers(transport, new PoolMetrics(live, 'outbound'));
  const poolLimits = { ...POOL_LIMITS, ...limits };
  return {
    options,
    limits,
    live,
    ownPorts: new Set(options.reservedPorts),
    refusals: new Refusals(options.recorder, options.log),
    handshakes: new Gate(limits.handshakes),
    gates,
    http: {
      outbound: { ...http, heads: gates.outbound.heads },
      inbound: { ...http, heads: gates.inbound.heads },
      admin: { ...http, heads: new Gate(limits.adminConnections) },
    },
    outboundDial,
    inboundDial,
    outboundPool: new ConnectionPool(outboundDial, codecs, observer, poolLimits),
    inboundPool: new ConnectionPool(inboundDial, codecs, new PoolMetrics(live, 'inbound'), poolLimits),
  };
}

function gatesOf(limits: Readonly<StackLimits>): Gates {
  return { detections: new Gate(limits.detections), heads: new Gate(limits.heads) };
}

/** Takes over a client's connection that speaks HTTP. */
export function serveHttp(
  protocol: HttpProtocol,
  connection: Connection,
  service: HttpService,
  context: HttpContext,
): HttpConnection {
  if (protocol === 'http1') return new ServerConnection(new Outbox(connection), service, context);
  const { Http2Session } = context.engine.parts;
  return new Http2Session(connection, service, context);
}
