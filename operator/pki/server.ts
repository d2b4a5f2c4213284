import type { Socket } from 'node:net';
import tls from 'node:tls';
import { listening } from '../../lib/listening.ts';
import { encodeFrame, FrameReader } from '../../proxy-image/contract/framing.ts';
import { IDENTITY_ALPN, MAX_IDENTITY_MESSAGE_BYTES } from '../../proxy-image/contract/identity-messages.ts';
import { type Clock, systemClock } from '../runtime/clock.ts';
import { ConnectionPlaces, handshakeRefusal, type ServerRefusal } from '../runtime/connection-places.ts';
import { peerDeadline } from '../runtime/peer-deadline.ts';
import { contextOf, followCertificate, type ServingCertificate, type ServingCredentials } from './serving.ts';
import type { Signing } from './signing.ts';

export interface IdentityServerOptions {
  certificate: ServingCertificate;
  /** For a client that asks for another name of the operator; null, or not given: `certificate` will do. */
  named?: (serverName: string) => ServingCredentials | null;
  signing: Pick<Signing, 'certify'>;
  /** From the handshake to the whole request, and again for the answer to be taken. */
  timeoutMs?: number;
  clock?: Clock;
  maxConnections?: number;
  /** For a metric: a connection was refused, or ended before it had made a request. */
  refused?(reason: ServerRefusal): void;
}

/** A request follows its handshake at once; token reviews have 5 s of their own. */
const TIMEOUT_MS = 5_000;
/** Each holds at most one message of 64 KiB. Beyond it, one that has not made its request makes room (`runtime/connection-places.ts`). */
const MAX_CONNECTIONS = 1_000;

/** Port 8080 of the operator: one certificate request per connection (`proxy-image/contract/identity-messages.ts`). */
export class IdentityServer {
  readonly #server: tls.Server;
  readonly #signing: Pick<Signing, 'certify'>;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #unfollow: () => void;
  readonly #refused: (reason: ServerRefusal) => void;
  readonly #places: ConnectionPlaces;
  /** Below TLS, so that unfinished handshakes are among them. */
  readonly #sockets = new Set<Socket>();

  /** @throws Error when there is no certificate yet */
  constructor(options: IdentityServerOptions) {
    const credentials = options.certificate.current;
    if (credentials === null) throw new Error('the identity server needs a certificate before it starts');
    this.#signing = options.signing;
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.#clock = options.clock ?? systemClock;
    this.#server = tls.createServer(
      {
        ...contextOf(credentials),
        ALPNProtocols: [IDENTITY_ALPN],
        handshakeTimeout: this.#timeoutMs,
        SNICallback: byName(options.named ?? (() => null)),
      },
      (socket) => this.#accept(socket),
    );
    this.#refused = (reason) => options.refused?.(reason);
    const limit = options.maxConnections ?? MAX_CONNECTIONS;
    this.#places = new ConnectionPlaces({ limit, waiting: limit, refused: this.#refused });
    // Node leaves it to this listener to close a socket whose handshake took too long.
    this.#server.on('tlsClientError', (error, socket) => {
      const reason = handshakeRefusal(error);
      if (reason !== null) this.#refused(reason);
      socket.destroy();
    });
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      this.#places.add(socket);
    });
    this.#unfollow = followCertificate(this.#server, options.certificate);
  }

  /** Resolves with the port when it listens. */
  listen(port: number, host: string): Promise<number> {
    return listening(this.#server, port, host);
  }

  /** Stops accepting and cuts what is open: a proxy asks the next replica. */
  close(): Promise<void> {
    this.#unfollow();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
  }

  #accept(socket: tls.TLSSocket): void {
    socket.on('error', () => socket.destroy());
    if (socket.alpnProtocol !== IDENTITY_ALPN) {
      this.#refused('protocol');
      socket.destroy();
      return;
    }
    // A deadline, not an idle timeout: a byte a second must not keep a connection.
    const deadline = peerDeadline(this.#clock, this.#timeoutMs, () => {
      this.#refused('timeout');
      socket.destroy();
    });
    socket.on('close', () => deadline.cancel());
    const reader = new FrameReader(MAX_IDENTITY_MESSAGE_BYTES);
    socket.on('data', (chunk: Buffer) => {
      const message = firstMessage(reader, chunk);
      if (message === null) return;
      deadline.cancel();
      this.#places.works(socket);
      socket.removeAllListeners('data');
      void this.#answer(socket, message.value);
    });
  }

  async #answer(socket: tls.TLSSocket, message: unknown): Promise<void> {
    const answer = await this.#signing.certify(message, socket.remoteAddress ?? '');
    if (socket.destroyed) return;
    const deadline = peerDeadline(this.#clock, this.#timeoutMs, () => socket.destroy());
    socket.on('close', () => deadline.cancel());
    // What else the client may have sent is read and dropped: unread bytes would turn our end into a reset.
    socket.resume();
    socket.end(encodeFrame(answer));
  }
}

function byName(named: (serverName: string) => ServingCredentials | null): tls.TlsOptions['SNICallback'] {
  return (serverName, done) => {
    const other = named(serverName);
    done(null, other === null ? undefined : tls.createSecureContext(contextOf(other)));
  };
}

/** `null` while the message is incomplete; what is no frame of JSON is judged (refused, audited, counted) as a message of nothing. */
function firstMessage(reader: FrameReader, chunk: Buffer): { value: unknown } | null {
  try {
    const messages = reader.push(chunk);
    return messages.length === 0 ? null : { value: messages[0] };
  } catch {
    return { value: null };
  }
}
