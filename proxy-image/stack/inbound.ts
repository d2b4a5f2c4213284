import { formatAddress } from '../contract/keys.ts';
import { authorizeConnection, type InboundPeer } from '../core/policy/authorize.ts';
import type { PolicyDecision } from '../core/policy/policy.ts';
import type { InboundPort, InboundPortWatcher } from '../core/state/entries.ts';
import type { DetectedProtocol } from '../io/detect/detect.ts';
import type { Exchange } from '../io/http1/exchange.ts';
import type { RequestHead } from '../io/http1/head.ts';
import { ServerConnection } from '../io/http1/server-connection.ts';
import type { HttpService } from '../io/http1/service.ts';
import type { HostPool } from '../io/pool/host-pool.ts';
import { Outbox } from '../io/tcp/outbox.ts';
import type { SessionProtocol } from '../io/tls/transport-header.ts';
import type { Address, Connection, ConnectionError } from '../io/transport/types.ts';
import type { StackContext } from './context.ts';
import { FirstBytes, type FirstBytesOwner } from './first-bytes.ts';
import type { InboundCalls, InboundClient } from './inbound-http.ts';
import { ApplicationTargets, applicationTarget } from './inbound-targets.ts';
import type { Live } from './live.ts';
import { Stream } from './stream.ts';

/** What the acceptors (`inbound-accept.ts`) have found out about a connection. */
export interface InboundArrival {
  readonly connection: Connection;
  readonly peer: InboundPeer;
  /** The pod's own address as the client reached it, and the port that it wants. */
  readonly target: Address;
  /** From the transport header; `detect` for redirected plaintext. */
  readonly session: SessionProtocol | 'detect';
}

/**
 * The life of an inbound connection once its target port is known, top to bottom:
 *
 *   Server policy of the port → protocol → each request judged (`inbound-http.ts`), or the connection judged and spliced (`stream.ts`)
 *   → the original address of the pod
 */
export class InboundConnection implements FirstBytesOwner, HttpService, InboundClient, InboundPortWatcher, Live {
  /** `l5d-client-id` for the application; only ever from a verified certificate. */
  readonly lines: string;
  readonly peer: InboundPeer;
  readonly port: InboundPort;
  readonly #context: StackContext;
  readonly #calls: InboundCalls;
  readonly #arrival: InboundArrival;
  readonly #connection: Connection;
  #http: ServerConnection | null = null;
  #stream: Stream | null = null;
  #host: HostPool | null = null;
  #draining = false;
  #released = false;

  constructor(context: StackContext, calls: InboundCalls, arrival: InboundArrival) {
    this.#context = context;
    this.#calls = calls;
    this.#arrival = arrival;
    this.#connection = arrival.connection;
    this.peer = arrival.peer;
    this.port = context.options.state.inboundPort(arrival.target.port);
    this.lines = arrival.peer.identity === null ? '' : `l5d-client-id: ${arrival.peer.identity}\r\n`;
  }

  /** 1. Which policy is it judged by, and what does it speak? `firstBytes` are behind the transport header. */
  start(firstBytes: Buffer): void {
    const { live, options } = this.#context;
    live.add(this);
    live.opened(this.#connection, this.#labels());
    options.state.watchPort(this.port, this);
    const protocol = this.#protocol();
    if (protocol === 'http1') {
      const http = this.#serveHttp();
      if (firstBytes.length > 0) http.onData(this.#connection, firstBytes);
    } else if (protocol === 'opaque') this.#splice(firstBytes);
    else this.#detect();
  }

  #protocol(): 'http1' | 'opaque' | 'detect' {
    const { session } = this.#arrival;
    if (session !== 'detect') return session === 'http1' ? 'http1' : 'opaque';
    const { protocol } = this.port.policy;
    if (protocol === 'http1' || protocol === 'detect') return protocol;
    return 'opaque';
  }

  #detect(): void {
    const { options } = this.#context;
    const { detectTimeoutMs } = options.state.settings;
    new FirstBytes(this.#connection, options.transport.timers, detectTimeoutMs, this);
  }

  /** An application's own TLS and HTTP/2 are bytes to us. */
  detected(protocol: DetectedProtocol | 'timeout', bytes: Buffer, ended: boolean): void {
    if (protocol === 'http1') this.#serveHttp().onData(this.#connection, bytes);
    else this.#splice(bytes, ended);
  }

  /** 2a. Requests, each judged by the policy of its time. */
  #serveHttp(): ServerConnection {
    this.#http = new ServerConnection(new Outbox(this.#connection), this, this.#context.http);
    if (this.#draining) this.#http.drain();
    return this.#http;
  }

  /** Our reasons are for other proxies of the mesh, not for strangers. */
  get tellsErrors(): boolean {
    return this.peer.identity !== null;
  }

  begin(exchange: Exchange, head: RequestHead): void {
    this.#calls.begin(exchange, head, this);
  }

  get remotePort(): number {
    return this.#connection.remote.port;
  }

  /** The application behind the port. */
  get host(): HostPool {
    if (this.#host === null || this.#host.retired) {
      this.#host = this.#context.inboundPool.host(applicationTarget(this.#arrival.target, 'http1'));
    }
    return this.#host;
  }

  /** 2b. Bytes: the connection itself is judged, now and whenever the policy changes. */
  #splice(firstBytes: Buffer, ended = false): void {
    const { inboundDial, options, live } = this.#context;
    const decision = this.#judge();
    options.recorder.inboundAuthorized('tcp', this.port.policy, this.peer, decision);
    if (!decision.allowed) {
      this.#logDenied(decision);
      this.#connection.reset();
      return;
    }
    const around = { options, live, direction: 'inbound' } as const;
    const targets = applicationTarget(this.#arrival.target, 'opaque');
    this.#stream = new Stream(this.#connection, inboundDial, new ApplicationTargets(targets), around, () => {
      this.released();
    });
    this.#stream.start(firstBytes, ended);
  }

  #judge(): PolicyDecision {
    return authorizeConnection(this.port.policy, this.peer);
  }

  /** Requests are judged one by one; a stream (an upgraded connection is one too) that is not allowed any more ends. */
  policyChanged(): void {
    if (this.#stream === null && this.#http?.tunnelled !== true) return;
    const decision = this.#judge();
    if (decision.allowed) return;
    this.#context.options.recorder.inboundTerminated(this.port.policy, this.peer, decision);
    this.#logDenied(decision);
    this.abort();
  }

  #logDenied(decision: PolicyDecision): void {
    this.#context.options.log.info('connection denied', {
      client: this.peer.address,
      identity: this.peer.identity,
      port: this.port.port,
      server: decision.server.name,
      reason: decision.reason,
    });
  }

  /** A client that has not said anything yet is idle too. */
  get idle(): boolean {
    return this.#http === null ? this.#stream === null : this.#http.idle;
  }

  drain(): void {
    this.#draining = true;
    this.#http?.drain();
  }

  closeIdle(): void {
    if (this.#http !== null) this.#http.closeIdle();
    else if (this.#stream === null) this.#connection.close();
  }

  abort(): void {
    if (this.#stream !== null) this.#stream.abort();
    else if (this.#http !== null) this.#http.abort();
    else this.#connection.reset();
  }

  released(): void {
    if (this.#released) return;
    this.#released = true;
    const { live, options } = this.#context;
    options.state.unwatchPort(this.port, this);
    live.remove(this);
    live.closed(this.#connection, null);
  }

  lost(_error: ConnectionError | null): void {
    this.released();
  }

  #labels() {
    const { peer, target } = this.#arrival;
    const why = peer.loopback ? 'loopback' : 'no_tls_from_remote';
    return {
      direction: 'inbound',
      peer: 'src',
      targetAddr: formatAddress(target.ip, target.port),
      tls: peer.tls ? 'true' : 'no_identity',
      noTlsReason: peer.tls ? '' : why,
      identity: peer.identity ?? '',
      dst: {},
      authority: '',
    } as const;
  }
}
