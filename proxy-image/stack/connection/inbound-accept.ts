import { TRANSPORT_ALPN } from '../../contract/names.ts';
import { Place, type Waiting } from '../../core/overload/gate.ts';
import { peerOf } from '../../core/overload/peer.ts';
import { InboundPeer } from '../../core/policy/authorize.ts';
import type { InboundRefusal } from '../../io/telemetry/refusals.ts';
import { clientIdentity } from '../../io/tls/identity.ts';
import { decodeTransportHeader } from '../../io/tls/transport-header.ts';
import { NO_HANDLER } from '../../io/transport/no-handler.ts';
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
} from '../../io/transport/types.ts';
import type { InboundClient } from '../call/inbound-call.ts';
import type { StackContext } from '../shared/context.ts';
import type { Live } from '../shared/live.ts';
import type { Requests } from './client-connection.ts';
import { InboundConnection } from './inbound-connection.ts';

/** Redirected plaintext (4144): the original destination names the port. */
export class InboundPlainAcceptor implements Acceptor {
  readonly #context: StackContext;
  readonly #destination: OriginalDestination;
  readonly #calls: Requests<InboundClient>;

  constructor(context: StackContext, destination: OriginalDestination, calls: Requests<InboundClient>) {
    this.#context = context;
    this.#destination = destination;
    this.#calls = calls;
  }

  accept(connection: Connection): ConnectionHandler {
    const target = this.#destination.of(connection);
    // Made to the listener itself: nobody's traffic, and following it would never end.
    if (target === null || target.port === connection.local.port) return this.#refuse(connection, 'not_redirected');
    if (this.#context.ownPorts.has(target.port)) return this.#refuse(connection, 'own_port');
    if (!this.#context.live.admits('inbound')) return this.#refuse(connection, 'connection_limit');
    const peer = new InboundPeer(connection.remote.ip, null, false);
    const arrival = { connection, peer, target, session: null } as const;
    new InboundConnection(this.#context, this.#calls, arrival).start(Buffer.alloc(0));
    return connection.handler;
  }

  #refuse(connection: Connection, refusal: InboundRefusal): ConnectionHandler {
    return refuse(this.#context, connection, refusal);
  }
}

function refuse({ refusals }: StackContext, connection: Connection, refusal: InboundRefusal): ConnectionHandler {
  refusals.inbound(refusal, connection.remote.ip);
  connection.reset();
  return NO_HANDLER;
}

/** Other proxies (4143): mutual TLS, then the transport header names the port. */
export class InboundMeshAcceptor implements Acceptor {
  readonly startsTls = true;
  readonly #context: StackContext;
  readonly #calls: Requests<InboundClient>;

  constructor(context: StackContext, calls: Requests<InboundClient>) {
    this.#context = context;
    this.#calls = calls;
  }

  accept(connection: Connection): ConnectionHandler {
    const { live, options } = this.#context;
    const context = options.tlsContext();
    if (context === null) return refuse(this.#context, connection, 'own_certificate_missing');
    if (!live.admits('inbound')) return refuse(this.#context, connection, 'connection_limit');
    const arriving = new MeshArrival(this.#context, this.#calls, connection);
    connection.handler = arriving;
    connection.startTls({ role: 'server', context, alpn: [TRANSPORT_ALPN], requestClientCertificate: true });
    return arriving;
  }
}

/** A mesh connection until its target port is known; bounded in time, bytes and number. */
class MeshArrival implements ConnectionHandler, Live, TimerOwner, Waiting {
  readonly side = 'inbound';
  /** Whoever has not said what for it came is missed by nobody. */
  readonly expendable = true;
  readonly from: string;
  slot = 0;
  arrival = 0;
  readonly #context: StackContext;
  readonly #calls: Requests<InboundClient>;
  readonly #timer: Timer;
  readonly #connection: Connection;
  readonly #place: Place = new Place(this);
  #peer: InboundPeer | null = null;
  #bytes: Buffer = Buffer.alloc(0);
  #over = false;

  constructor(context: StackContext, calls: Requests<InboundClient>, connection: Connection) {
    this.#context = context;
    this.#calls = calls;
    this.#connection = connection;
    this.from = peerOf(connection.remote.ip);
    const { timers } = context.options.transport;
    this.#timer = timers.create(this, 'peer');
    timers.set(this.#timer, context.limits.handshakeTimeoutMs);
    context.live.add(this);
    context.handshakes.enter(this.#place, this.from, timers.nowMs());
  }

  onConnect(): void {}
  onDrain(): void {}

  onSecure(connection: Connection, handshake: Handshake): void {
    const client = clientIdentity(handshake);
    if ('refusal' in client) this.#refuse(client.refusal, handshake.authorizationError);
    else this.#peer = new InboundPeer(connection.remote.ip, client.identity, true);
  }

  onData(connection: Connection, chunk: Buffer): void {
    if (this.#peer === null) return;
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const decoded = decodeTransportHeader(this.#bytes);
    if (typeof decoded === 'string') this.#refuse('header_malformed', decoded);
    else if (decoded === null) this.#bytes = Buffer.from(this.#bytes);
    else {
      const { port, name, session } = decoded.header;
      if (name !== '') this.#refuse('gateway', name);
      else if (this.#context.ownPorts.has(port)) this.#refuse('own_port', `port ${port}`);
      else this.#arrived({ ip: connection.local.ip, port }, session, decoded.end);
    }
  }

  #arrived(target: Address, session: 'opaque' | 'http1' | 'http2', end: number): void {
    this.#leave();
    const { recorder } = this.#context.options;
    recorder.connections().headerRead(session, target.port, this.#peer!.identity ?? '');
    const arrival = { connection: this.#connection, peer: this.#peer!, target, session };
    new InboundConnection(this.#context, this.#calls, arrival).start(this.#bytes.subarray(end));
  }

  #leave(): void {
    if (this.#over) return;
    this.#over = true;
    this.#context.handshakes.leave(this.#place);
    this.#context.live.remove(this);
    this.#context.options.transport.timers.clear(this.#timer);
  }

  #refuse(refusal: InboundRefusal, detail = ''): void {
    this.#context.refusals.inbound(refusal, this.#connection.remote.ip, detail);
    this.#connection.reset();
  }

  onEnd(connection: Connection): void {
    connection.close();
  }

  onTimer(): void {
    this.#refuse(this.#peer === null ? 'handshake_timeout' : 'header_timeout');
  }

  /** Too many have not got on, and this one has been longest. */
  shed(): void {
    this.#refuse('handshake_limit');
  }

  makeRoom(): void {
    this.#refuse('made_room');
  }

  /** It may still be on its way with a request. */
  drain(): void {}

  closeIdle(): void {
    this.#connection.close();
  }

  abort(): void {
    this.#connection.reset();
  }

  onClose(_: Connection, error: ConnectionError | null): void {
    this.#leave();
    if (error?.kind === 'tls') {
      this.#context.refusals.inbound('handshake_failed', this.#connection.remote.ip, error.detail);
    }
  }
}
