import { TRANSPORT_ALPN } from '../../contract/names.ts';
import type { SessionProtocol } from '../../core/state/protocol.ts';
import { FAILURES } from '../../http/failures.ts';
import { refuseServer } from '../tls/identity.ts';
import { encodeTransportHeader } from '../tls/transport-header.ts';
import type {
  Address,
  Connection,
  ConnectionError,
  ConnectionHandler,
  Handshake,
  Timer,
  TimerOwner,
  TlsContext,
  Transport,
} from '../transport/types.ts';

/** Where a connection goes, and what is said on it first. */
export interface DialTarget {
  /** In the cluster's view: the pod's address, and the port of its proxy where `identity` is set. */
  readonly address: Address;
  /** Identity that the peer must prove; `null` = plaintext. */
  readonly identity: string | null;
  /** Port of the pod that the bytes are for; named in the transport header. */
  readonly port: number;
  readonly session: SessionProtocol;
}

export interface DialContext {
  readonly transport: Transport;
  /** The proxy's own certificate; `null` = none yet: then no meshed peer can be reached, and never in plaintext instead. */
  tlsContext(): TlsContext | null;
  /** Local network: where the machine serves a cluster address. */
  dialAddress(address: Address): Address;
  /** For TCP alone. Linkerd: 1 s outbound, 300 ms inbound. */
  readonly connectTimeoutMs: number;
  /** From the connection to the end of the handshake: a burst of a thousand handshakes takes a second of CPU, so seconds. */
  readonly handshakeTimeoutMs: number;
}

export type DialFailure = 'refused' | 'unreachable' | 'timeout' | 'identity' | 'no certificate' | 'other';

export interface DialError {
  readonly failure: DialFailure;
  readonly detail: string;
}

export interface DialOwner {
  /** The connection is ready for its first byte, behind `prelude` (the transport header). Its handler is the caller's to set. */
  dialled(dial: Dial, connection: Connection, prelude: Buffer | null): void;
  dialFailed(dial: Dial, error: DialError): void;
}

/** One attempt to reach a target: TCP, and for a meshed one TLS with its identity proven. Ends with exactly one call to its owner. */
export class Dial implements ConnectionHandler, TimerOwner {
  readonly target: DialTarget;
  readonly #context: DialContext;
  readonly #owner: DialOwner;
  readonly #timer: Timer;
  readonly #connection: Connection;
  #error: DialError | null = null;
  #settled = false;

  constructor(context: DialContext, target: DialTarget, owner: DialOwner) {
    this.target = target;
    this.#context = context;
    this.#owner = owner;
    const { transport } = context;
    this.#timer = transport.timers.create(this, 'peer');
    transport.timers.set(this.#timer, context.connectTimeoutMs);
    this.#connection = transport.connect(context.dialAddress(target.address), this, target.identity !== null);
  }

  /** Nobody waits for it any more. The owner hears nothing. */
  cancel(): void {
    this.#settled = true;
    this.#context.transport.timers.clear(this.#timer);
    this.#connection.reset();
  }

  onConnect(connection: Connection): void {
    const { identity } = this.target;
    if (identity === null) {
      this.#succeed(connection, null);
      return;
    }
    const context = this.#context.tlsContext();
    if (context === null) {
      this.#refuse('no certificate', FAILURES.no_certificate.text);
      return;
    }
    this.#context.transport.timers.set(this.#timer, this.#context.handshakeTimeoutMs);
    connection.startTls({ role: 'client', context, alpn: [TRANSPORT_ALPN], serverName: identity });
  }

  onSecure(connection: Connection, handshake: Handshake): void {
    const { identity, port, session } = this.target;
    const reason = refuseServer(handshake, identity!);
    if (reason !== null) this.#refuse('identity', reason);
    else this.#succeed(connection, encodeTransportHeader({ port, name: '', session }));
  }

  #succeed(connection: Connection, prelude: Buffer | null): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#context.transport.timers.clear(this.#timer);
    this.#owner.dialled(this, connection, prelude);
  }

  #refuse(failure: DialFailure, detail: string): void {
    this.#error = { failure, detail };
    this.#connection.reset();
  }

  onTimer(): void {
    this.#refuse('timeout', 'no connection in time');
  }

  /** TLS tickets are off: a server that speaks first does so after our header, when the handler is another. */
  onData(): void {}
  onDrain(): void {}

  onEnd(): void {
    this.#refuse('other', 'the peer closed the connection before it was ready');
  }

  onClose(_: Connection, error: ConnectionError | null): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#context.transport.timers.clear(this.#timer);
    this.#owner.dialFailed(this, this.#error ?? dialError(error));
  }
}

function dialError(error: ConnectionError | null): DialError {
  const detail = error?.detail ?? 'the peer closed the connection';
  switch (error?.kind) {
    case 'refused':
    case 'unreachable':
    case 'timeout':
      return { failure: error.kind, detail };
    case 'tls':
      return { failure: 'identity', detail };
    default:
      return { failure: 'other', detail };
  }
}
