import { TRANSPORT_ALPN } from '../contract/names.ts';
import { InboundPeer } from '../core/policy/authorize.ts';
import { clientIdentity } from '../io/tls/identity.ts';
import { decodeTransportHeader } from '../io/tls/transport-header.ts';
import { NO_HANDLER } from '../io/transport/no-handler.ts';
import type {
  Acceptor,
  Address,
  Connection,
  ConnectionError,
  ConnectionHandler,
  Handshake,
  OriginalDestination,
  Timer,
  TimerOwner,
} from '../io/transport/types.ts';
import type { StackContext } from './context.ts';
import { InboundConnection } from './inbound.ts';
import type { InboundCalls } from './inbound-http.ts';

/** Redirected plaintext (4144): the original destination names the port. */
export class InboundPlainAcceptor implements Acceptor {
  readonly #context: StackContext;
  readonly #destination: OriginalDestination;
  readonly #calls: InboundCalls;

  constructor(context: StackContext, destination: OriginalDestination, calls: InboundCalls) {
    this.#context = context;
    this.#destination = destination;
    this.#calls = calls;
  }

  accept(connection: Connection): ConnectionHandler {
    const target = this.#destination.of(connection);
    const { live, ownPorts } = this.#context;
    if (target === null || ownPorts.has(target.port) || !live.admits('inbound')) {
      connection.reset();
      return NO_HANDLER;
    }
    const peer = new InboundPeer(connection.remote.ip, null, false);
    const arrival = { connection, peer, target, session: 'detect' } as const;
    new InboundConnection(this.#context, this.#calls, arrival).start(Buffer.alloc(0));
    return connection.handler;
  }
}

/** Other proxies (4143): mutual TLS, then the transport header names the port. */
export class InboundMeshAcceptor implements Acceptor {
  readonly startsTls = true;
  readonly #context: StackContext;
  readonly #calls: InboundCalls;

  constructor(context: StackContext, calls: InboundCalls) {
    this.#context = context;
    this.#calls = calls;
  }

  accept(connection: Connection): ConnectionHandler {
    const { handshakes, live, options } = this.#context;
    const context = options.tlsContext();
    if (context === null || !live.admits('inbound') || !handshakes.enter()) {
      connection.reset();
      return NO_HANDLER;
    }
    const arriving = new MeshArrival(this.#context, this.#calls, connection);
    connection.handler = arriving;
    connection.startTls({ role: 'server', context, alpn: [TRANSPORT_ALPN], requestClientCertificate: true });
    return arriving;
  }
}

/** A mesh connection until its target port is known; bounded in time and bytes. */
class MeshArrival implements ConnectionHandler, TimerOwner {
  readonly #context: StackContext;
  readonly #calls: InboundCalls;
  readonly #timer: Timer;
  readonly #connection: Connection;
  #peer: InboundPeer | null = null;
  #bytes: Buffer = Buffer.alloc(0);
  #over = false;

  constructor(context: StackContext, calls: InboundCalls, connection: Connection) {
    this.#context = context;
    this.#calls = calls;
    this.#connection = connection;
    this.#timer = context.options.transport.timers.create(this);
    context.options.transport.timers.set(this.#timer, context.limits.handshakeTimeoutMs);
  }

  onConnect(): void {}
  onDrain(): void {}

  /** An identity exists only if the chain is verified, the protocol negotiated, and the certificate has exactly one name. */
  onSecure(connection: Connection, handshake: Handshake): void {
    if (handshake.alpn !== TRANSPORT_ALPN) {
      this.#refuse('the transport protocol was not negotiated');
      return;
    }
    const identity = clientIdentity(handshake);
    // Linkerd's rule for the direct port: without an identity there is nothing to talk about here.
    if (identity === null) this.#refuse(handshake.authorizationError || 'the certificate has no usable name');
    else this.#peer = new InboundPeer(connection.remote.ip, identity, true);
  }

  onData(connection: Connection, chunk: Buffer): void {
    if (this.#peer === null) return;
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const decoded = decodeTransportHeader(this.#bytes);
    if (typeof decoded === 'string') this.#refuse(decoded);
    else if (decoded === null) this.#bytes = Buffer.from(this.#bytes);
    else {
      const { port, name, session } = decoded.header;
      if (name !== '') this.#refuse('gateways are not supported');
      else if (this.#context.ownPorts.has(port)) this.#refuse('the target is the proxy itself');
      else this.#arrived({ ip: connection.local.ip, port }, session, decoded.end);
    }
  }

  #arrived(target: Address, session: 'opaque' | 'http1' | 'http2', end: number): void {
    this.#leave();
    const arrival = { connection: this.#connection, peer: this.#peer!, target, session };
    new InboundConnection(this.#context, this.#calls, arrival).start(this.#bytes.subarray(end));
  }

  #leave(): void {
    if (!this.#over) this.#context.handshakes.leave();
    this.#over = true;
    this.#context.options.transport.timers.clear(this.#timer);
  }

  #refuse(reason: string): void {
    this.#context.options.log.info('mesh connection refused', { client: this.#connection.remote.ip, reason });
    this.#connection.reset();
  }

  onEnd(connection: Connection): void {
    connection.close();
  }

  onTimer(): void {
    this.#context.options.recorder.inboundError('tcp', 'tls detection timeout');
    this.#refuse('no transport header in time');
  }

  onClose(_: Connection, error: ConnectionError | null): void {
    this.#leave();
    if (error?.kind !== 'tls') return;
    this.#context.options.recorder.inboundError('tcp', 'i/o');
    this.#context.options.log.info('handshake failed', { client: this.#connection.remote.ip, detail: error.detail });
  }
}
