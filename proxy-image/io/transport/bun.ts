import { WeftError } from '../../contract/errors.ts';
import { plainIp } from './address.ts';
import type { BunError, BunRuntime, BunSocket, BunSocketHandler, BunTlsOptions } from './bun-api.ts';
import { bunRuntime } from './bun-api.ts';
import { connectionError } from './connection-error.ts';
import { checkCredentials } from './credentials.ts';
import { DeadPeers, type SocketOptions } from './dead-peers.ts';
import { NO_HANDLER } from './no-handler.ts';
import { PacedConnection } from './paced.ts';
import { TimerWheel } from './timers.ts';
import { TurnBudget } from './turn-budget.ts';
import type {
  Acceptor,
  Address,
  Connection,
  ConnectionError,
  ConnectionHandler,
  Listener,
  TlsContext,
  TlsCredentials,
  TlsOptions,
  Transport,
} from './types.ts';

/**
 * BoringSSL's SSL_OP_NO_TLSv1, _1_1, _1_2 and SSL_OP_NO_TICKET: TLS 1.3 only, no resumption. A resumed session would not be judged by the
 * anchors of today.
 */
const SECURE_OPTIONS = 0x0400_0000 | 0x1000_0000 | 0x0800_0000 | 0x4000;

/** Receives exceptions of our own handlers: a defect ends one connection, not the process. */
export type OnFault = (error: unknown) => void;

class BunConnection extends PacedConnection implements Connection {
  handler: ConnectionHandler;
  bytesRead = 0;
  socket: BunSocket | null;
  ended = false;
  /** Why it closes when Bun's own `close` does not say. */
  failure: ConnectionError | null = null;
  #remote: Address | null = null;
  #local: Address | null = null;
  readonly #transport: BunTransport;

  constructor(transport: BunTransport, socket: BunSocket | null, handler: ConnectionHandler, remote: Address | null) {
    super(transport.budget);
    this.#transport = transport;
    this.socket = socket;
    this.handler = handler;
    this.#remote = remote;
  }

  get remote(): Address {
    if (this.#remote === null && this.socket !== null)
      this.#remote = { ip: plainIp(this.socket.remoteAddress ?? ''), port: this.socket.remotePort ?? 0 };
    return this.#remote ?? { ip: '', port: 0 };
  }

  get local(): Address {
    if (this.#local === null && this.socket !== null)
      this.#local = { ip: plainIp(this.socket.localAddress ?? ''), port: this.socket.localPort ?? 0 };
    return this.#local ?? { ip: '', port: 0 };
  }

  get fd(): number {
    return this.isOpen && this.socket !== null ? this.socket.fd : -1;
  }

  write(bytes: Uint8Array, offset: number, length: number): number {
    if (!this.isOpen || this.socket === null || length === 0) return 0;
    const taken = this.socket.write(bytes, offset, length);
    if (taken <= 0) return 0;
    this.bytesWritten += taken;
    return taken;
  }

  read(chunk: Buffer): void {
    this.bytesRead += chunk.length;
    const { timers } = this.#transport;
    timers.holdClock();
    try {
      this.handler.onData(this, chunk);
    } finally {
      timers.releaseClock();
    }
    this.hasRead(chunk.length);
  }

  drained(): void {
    this.canWrite();
  }

  protected stopReading(): void {
    this.socket?.pause();
  }

  protected startReading(): void {
    this.socket?.resume();
  }

  protected tellDrained(): void {
    try {
      this.handler.onDrain(this);
    } catch (error) {
      this.#transport.onFault(error);
      this.failure ??= { kind: 'other', detail: String(error) };
      this.reset();
    }
  }

  end(): void {
    if (this.isOpen) this.socket?.shutdown();
  }

  close(): void {
    this.#finish(false);
  }

  reset(failure?: ConnectionError): void {
    if (this.isOpen) this.failure ??= failure ?? null;
    this.#finish(true);
  }

  #finish(abort: boolean): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    const socket = this.socket;
    // Still connecting: there is no socket to close yet, the transport closes it when it comes.
    if (socket !== null) {
      if (abort) socket.terminate();
      else socket.close();
    }
    this.#transport.closeLater(this);
  }

  startTls(options: TlsOptions): void {
    if (!this.isOpen || this.socket === null) return;
    try {
      const [, tls] = this.socket.upgradeTLS({
        data: this,
        tls: tlsOptions(options),
        socket: this.#transport.tlsHandler,
      });
      this.socket = tls;
    } catch (error) {
      this.failure = { kind: 'tls', detail: String(error) };
      this.reset();
    }
  }
}

class BunTransport implements Transport {
  readonly timers: TimerWheel = new TimerWheel();
  readonly budget: TurnBudget = new TurnBudget((run) => this.atEndOfTurn(run));
  readonly tlsHandler: BunSocketHandler;
  readonly onFault: OnFault;
  readonly #bun: BunRuntime;
  readonly #peers: DeadPeers | null;
  #closing: BunConnection[] = [];
  readonly #flushClosing = (): void => this.#deliverCloses();

  constructor(bun: BunRuntime, onFault: OnFault, options: SocketOptions | null) {
    this.#bun = bun;
    this.#peers = options === null ? null : new DeadPeers(options);
    this.onFault = onFault;
    this.tlsHandler = { ...this.#events(), handshake: onHandshake };
  }

  atEndOfTurn(run: () => void): void {
    setImmediate(() => {
      try {
        run();
      } catch (error) {
        this.onFault(error);
      }
    });
  }

  async listen(address: Address, acceptor: Acceptor): Promise<Listener> {
    const open = (socket: BunSocket): void => {
      const connection = new BunConnection(this, socket, NO_HANDLER, null);
      socket.data = connection;
      connection.handler = acceptor.accept(connection);
    };
    try {
      const listener = this.#bun.listen({
        hostname: address.ip,
        port: address.port,
        allowHalfOpen: true,
        socket: { ...this.#plainEvents(acceptor.startsTls === true), open },
      });
      return { address: { ip: address.ip, port: listener.port }, stop: () => listener.stop(false) };
    } catch (error) {
      throw new WeftError('WEFT_TRANSPORT_LISTEN', `${address.ip} port ${address.port}`, error);
    }
  }

  connect(address: Address, handler: ConnectionHandler, startsTls = false): Connection {
    const connection = new BunConnection(this, null, handler, address);
    const failed = (error: BunError): void => {
      connection.failure = connectionError(error);
      if (!connection.isOpen) return;
      connection.isOpen = false;
      this.closeLater(connection);
    };
    const options = {
      hostname: address.ip,
      port: address.port,
      allowHalfOpen: true,
      data: connection,
      socket: {
        ...this.#plainEvents(startsTls),
        open: (socket: BunSocket) => {
          this.#peers?.watch(socket.fd);
          onConnected(socket);
        },
        connectError: (_: BunSocket, error: BunError) => failed(error),
      },
    };
    // The promise adds nothing to `connectError`; it also rejects for addresses that do not parse.
    this.#bun.connect(options).then(undefined, failed);
    return connection;
  }

  isSilent(connection: Connection): boolean {
    return this.#peers?.isSilent(connection.fd) === true;
  }

  giveUpEarly(connection: Connection): void {
    this.#peers?.giveUpEarly(connection.fd);
  }

  tlsContext(credentials: TlsCredentials): TlsContext {
    checkCredentials(credentials);
    return { credentials };
  }

  /** `onClose` must not come within our own `close`: the caller is in the middle of something. */
  closeLater(connection: BunConnection): void {
    if (this.#closing.push(connection) === 1) queueMicrotask(this.#flushClosing);
  }

  #deliverCloses(): void {
    const closing = this.#closing;
    this.#closing = [];
    for (const connection of closing) {
      try {
        connection.handler.onClose(connection, connection.failure);
      } catch (error) {
        this.onFault(error);
      }
    }
  }

  #plainEvents(startsTls: boolean): BunSocketHandler {
    const events = this.#events();
    // Without `data` Bun makes no buffers of the encrypted bytes.
    if (startsTls) delete events.data;
    return events;
  }

  #events(): BunSocketHandler {
    return {
      data: onData,
      drain: onDrain,
      end: onEnd,
      close: (socket, error) => this.#onClose(socket, error),
      error: (socket, error) => this.#onError(socket, error),
    };
  }

  #onClose(socket: BunSocket, error: BunError | undefined): void {
    const connection = current(socket);
    if (connection === null) return;
    connection.isOpen = false;
    connection.failure ??= error === undefined ? null : connectionError(error);
    endOnce(connection);
    this.closeLater(connection);
  }

  /** A handler of ours threw, or a TLS session broke. */
  #onError(socket: BunSocket, error: BunError): void {
    const connection = current(socket);
    if (connection === null) return;
    const ofTls = error.code !== undefined && /SSL|TLS|EPROTO/.test(error.code);
    if (!ofTls) this.onFault(error);
    connection.failure ??= { kind: ofTls ? 'tls' : 'other', detail: error.message };
    connection.reset();
  }
}

/** After an upgrade the plain socket goes on reporting: only the connection's present socket counts, and nothing after it was closed by us. */
function current(socket: BunSocket): BunConnection | null {
  const connection = socket.data as BunConnection | undefined;
  return connection !== undefined && connection.socket === socket && connection.isOpen ? connection : null;
}

function onConnected(socket: BunSocket): void {
  const connection = socket.data as BunConnection;
  connection.socket = socket;
  // Closed by its owner while connecting.
  if (connection.isOpen) connection.handler.onConnect(connection);
  else socket.close();
}

function onData(socket: BunSocket, chunk: Buffer): void {
  const connection = socket.data as BunConnection;
  if (connection.socket !== socket || !connection.isOpen) return;
  connection.read(chunk);
}

function onDrain(socket: BunSocket): void {
  const connection = current(socket);
  if (connection !== null) connection.drained();
}

function onEnd(socket: BunSocket): void {
  const connection = current(socket);
  if (connection !== null) endOnce(connection);
}

function endOnce(connection: BunConnection): void {
  if (connection.ended || connection.failure !== null) return;
  connection.ended = true;
  connection.handler.onEnd(connection);
}

function onHandshake(socket: BunSocket, success: boolean, error: BunError | null): void {
  const connection = current(socket);
  if (connection === null) return;
  // A wrong name is no failure of the handshake; what Bun calls success includes certificates that nobody trusts.
  if (!success && error?.code !== 'ERR_TLS_CERT_ALTNAME_INVALID') {
    connection.failure = { kind: 'tls', detail: error?.message ?? 'the handshake failed' };
    return;
  }
  connection.handler.onSecure(connection, {
    authorized: success && socket.authorized,
    authorizationError: error?.message ?? '',
    alpn: socket.alpnProtocol === false ? null : socket.alpnProtocol,
    peerCertificate: socket.getPeerCertificate()?.raw ?? null,
    serverName: socket.getServername() ?? '',
  });
}

function tlsOptions(options: TlsOptions): BunTlsOptions {
  const { keyPem, certificatePem, anchorsPem } = options.context.credentials;
  const common: BunTlsOptions = { ca: anchorsPem, rejectUnauthorized: false, secureOptions: SECURE_OPTIONS };
  if (keyPem !== '') Object.assign(common, { key: keyPem, cert: certificatePem });
  if (options.alpn.length > 0) common.ALPNProtocols = alpnBytes(options.alpn);
  if (options.role === 'client') return { ...common, serverName: options.serverName };
  return { ...common, requestCert: options.requestClientCertificate };
}

function alpnBytes(protocols: readonly string[]): Uint8Array {
  return Buffer.concat(
    protocols.map((protocol) => Buffer.concat([Buffer.from([protocol.length]), Buffer.from(protocol, 'latin1')])),
  );
}

/** Throws outside Bun. `options`: without them, machines that are gone without a word are not noticed. */
export function createBunTransport(onFault: OnFault, options: SocketOptions | null = null): Transport {
  const bun = bunRuntime();
  if (bun === null) throw new Error('the Bun transport needs Bun');
  return new BunTransport(bun, onFault, options);
}
