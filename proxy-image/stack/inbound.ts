import { formatAddress } from '../contract/keys.ts';
import type { InboundProtocol } from '../contract/resources.ts';
import { peerOf } from '../core/overload/peer.ts';
import { authorizeConnection, type InboundPeer } from '../core/policy/authorize.ts';
import type { PolicyDecision } from '../core/policy/policy.ts';
import type { InboundPort, InboundPortWatcher } from '../core/state/entries.ts';
import type { HttpConnection } from '../http/connection.ts';
import type { Exchange } from '../http/exchange.ts';
import { ExtraFields, NO_EXTRA_FIELDS, type RequestView } from '../http/message.ts';
import type { HttpService } from '../http/service.ts';
import type { DetectedProtocol } from '../io/detect/detect.ts';
import type { Host } from '../io/pool/host.ts';
import type { SessionProtocol } from '../io/tls/transport-header.ts';
import type { Address, Connection, ConnectionError } from '../io/transport/types.ts';
import { type HttpProtocol, type StackContext, serveHttp } from './context.ts';
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
  readonly takesConnect = true;
  readonly side = 'inbound';
  slot = 0;
  arrival = 0;
  /** `l5d-client-id` for the application; only ever from a verified certificate. */
  readonly extra: ExtraFields;
  readonly peer: InboundPeer;
  readonly port: InboundPort;
  readonly #context: StackContext;
  readonly #calls: InboundCalls;
  readonly #arrival: InboundArrival;
  readonly #connection: Connection;
  #http: HttpConnection | null = null;
  #stream: Stream | null = null;
  #hosts: Record<HttpProtocol, Host | null> = { http1: null, http2: null };
  #draining = false;
  #released = false;

  constructor(context: StackContext, calls: InboundCalls, arrival: InboundArrival) {
    this.#context = context;
    this.#calls = calls;
    this.#arrival = arrival;
    this.#connection = arrival.connection;
    this.peer = arrival.peer;
    this.port = context.options.state.inboundPort(arrival.target.port);
    const { identity } = arrival.peer;
    this.extra = identity === null ? NO_EXTRA_FIELDS : new ExtraFields([['l5d-client-id', identity]]);
  }

  /** 1. Which policy is it judged by, and what does it speak? `firstBytes` are behind the transport header. */
  start(firstBytes: Buffer): void {
    const { live, options } = this.#context;
    live.add(this);
    live.opened(this.#connection, this.#labels());
    options.state.watchPort(this.port, this);
    const protocol = this.#protocol();
    if (protocol === 'opaque') this.#splice(firstBytes);
    else if (protocol === 'detect') this.#detect(firstBytes);
    else {
      const http = this.#serveHttp(protocol);
      if (firstBytes.length > 0) http.onData(this.#connection, firstBytes);
    }
  }

  #protocol(): HttpProtocol | 'opaque' | 'detect' {
    const { session } = this.#arrival;
    const { protocol } = this.port.policy;
    // A caller's proxy that knows nothing of the Server sends what it does not take for HTTP as bytes.
    if (session === 'opaque' && declaredHttp(protocol) !== null) return 'detect';
    if (session !== 'detect') return session;
    return protocol === 'opaque' || protocol === 'tls' ? 'opaque' : 'detect';
  }

  #detect(firstBytes: Buffer): void {
    const { gates, options } = this.#context;
    const around = {
      timers: options.transport.timers,
      timeoutMs: options.state.settings.detectTimeoutMs,
      gate: gates.inbound.detections,
    };
    const detecting = new FirstBytes(this.#connection, around, this.from, this);
    if (firstBytes.length > 0) detecting.onData(this.#connection, firstBytes);
  }

  keptSilent(): void {
    this.#context.refusals.inbound('detection_limit', this.peer.address);
    this.#connection.reset();
  }

  requestRefused(answer: string, reason: string): void {
    this.#context.refusals.request('inbound', answer, reason, this.peer.address);
  }

  headShed(): void {
    this.#context.refusals.inbound('head_limit', this.peer.address);
  }

  /** An application's own TLS is bytes to us. A port that is declared to speak HTTP speaks nothing else. */
  detected(protocol: DetectedProtocol | 'timeout', bytes: Buffer, ended: boolean): void {
    const declared = declaredHttp(this.port.policy.protocol);
    const http = protocol === 'http1' || protocol === 'http2' ? protocol : declared;
    if (http === null) {
      this.#splice(bytes, ended);
      return;
    }
    const serving = this.#serveHttp(http);
    if (bytes.length > 0) serving.onData(this.#connection, bytes);
    if (ended) this.#connection.close();
  }

  /** 2a. Requests, each judged by the policy of its time. */
  #serveHttp(protocol: HttpProtocol): HttpConnection {
    const http = serveHttp(protocol, this.#connection, this, this.#context.http.inbound);
    this.#http = http;
    if (this.#draining) http.drain();
    return http;
  }

  /** Our reasons are for other proxies of the mesh, not for strangers. */
  get tellsErrors(): boolean {
    return this.peer.identity !== null;
  }

  begin(exchange: Exchange, head: RequestView): void {
    this.#calls.begin(exchange, head, this);
  }

  get authority(): string {
    const { target } = this.#arrival;
    return formatAddress(target.ip, target.port);
  }

  get remotePort(): number {
    return this.#connection.remote.port;
  }

  /** The application behind the port. */
  host(protocol: HttpProtocol): Host {
    const known = this.#hosts[protocol];
    if (known !== null && !known.retired) return known;
    const host = this.#context.inboundPool.host(applicationTarget(this.#arrival.target, protocol));
    this.#hosts[protocol] = host;
    return host;
  }

  /** 2b. Bytes: the connection itself is judged, now and whenever the policy changes. */
  #splice(firstBytes: Buffer, ended = false): void {
    const { inboundDial, options, live } = this.#context;
    const decision = this.#judge();
    options.recorder.inboundAuthorized('tcp', this.port.policy, this.peer, decision);
    if (!decision.allowed) {
      this.#logDenied(decision);
      this.#refuse();
      return;
    }
    const around = { options, live, direction: 'inbound' } as const;
    const targets = applicationTarget(this.#arrival.target, 'opaque');
    this.#stream = new Stream(this.#connection, inboundDial, new ApplicationTargets(targets), around, () => {
      this.released();
    });
    this.#stream.start(firstBytes, ended);
  }

  /** Before anything of ours has become the connection's handler: nobody will be told that it is gone. */
  #refuse(): void {
    this.#connection.reset();
    this.released();
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
    if (this.#http !== null) this.#http.abortTunnels();
    else this.abort();
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

  get from(): string {
    return peerOf(this.peer.address);
  }

  /** A client that has not said anything yet is expendable too. */
  get expendable(): boolean {
    return this.#http === null ? this.#stream === null : this.#http.expendable;
  }

  makeRoom(): void {
    this.#context.refusals.inbound('made_room', this.peer.address);
    if (this.#http !== null) this.#http.makeRoom();
    else this.#connection.close();
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

/** What a port is declared to speak, where that is HTTP. */
function declaredHttp(protocol: InboundProtocol): HttpProtocol | null {
  if (protocol === 'http1') return 'http1';
  return protocol === 'http2' || protocol === 'grpc' ? 'http2' : null;
}
