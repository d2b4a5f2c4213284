import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { WeftError } from '../../contract/errors.ts';
import { plainIp } from './address.ts';
import { connectionError } from './connection-error.ts';
import { checkCredentials } from './credentials.ts';
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

interface NodeTlsContext extends TlsContext {
  secureContext: tls.SecureContext;
  /** Servers that do not listen, one per way of asking: they are fed accepted sockets, because a bare TLSSocket does not verify the client. */
  servers: Map<string, TlsServer>;
}

/** Does the handshakes of accepted sockets. */
interface TlsServer {
  readonly server: tls.Server;
  /** Sockets on their way through the handshake, by the address of their peer. */
  readonly upgrading: Map<string, NodeConnection>;
}

class NodeConnection extends PacedConnection implements Connection {
  handler: ConnectionHandler;
  bytesRead = 0;
  readonly transport: NodeTransport;
  #socket: net.Socket;
  /** Below TLS: the same socket until the upgrade. */
  readonly #plain: net.Socket;
  #remote: Address | null;
  #local: Address | null = null;
  failure: ConnectionError | null = null;
  #ended = false;
  #closed = false;
  #blocked = false;
  /** Node's own `drain` does not come when a write that filled the buffer was done at once. */
  readonly #onWritten = (): void => {
    if (!this.#blocked) return;
    this.#blocked = false;
    this.canWrite();
  };

  constructor(transport: NodeTransport, socket: net.Socket, handler: ConnectionHandler, remote: Address | null) {
    super(transport.budget);
    this.transport = transport;
    this.handler = handler;
    this.#socket = socket;
    this.#plain = socket;
    this.#remote = remote;
    this.#watch(socket);
  }

  get remote(): Address {
    this.#remote ??= { ip: plainIp(this.#socket.remoteAddress ?? ''), port: this.#socket.remotePort ?? 0 };
    return this.#remote;
  }

  get local(): Address {
    this.#local ??= { ip: plainIp(this.#socket.localAddress ?? ''), port: this.#socket.localPort ?? 0 };
    return this.#local;
  }

  get fd(): number {
    return (this.#socket as { _handle?: { fd?: number } | null })._handle?.fd ?? -1;
  }

  /** Takes what fits below the high-water mark, so that callers meet partial writes here as they do on Bun. */
  write(bytes: Uint8Array, offset: number, length: number): number {
    const socket = this.#socket;
    if (!this.isOpen || socket.writableEnded) return 0;
    const taken = Math.min(length, Math.max(0, socket.writableHighWaterMark - socket.writableLength));
    this.#blocked = taken < length;
    if (taken === 0) return 0;
    // Node keeps what it is given until it is sent; the caller reuses its buffer at once.
    socket.write(Buffer.from(bytes.subarray(offset, offset + taken)), this.#onWritten);
    this.bytesWritten += taken;
    return taken;
  }

  protected stopReading(): void {
    this.#socket.pause();
  }

  protected startReading(): void {
    if (this.isOpen) this.#socket.resume();
  }

  protected tellDrained(): void {
    this.#guard(() => this.handler.onDrain(this));
  }

  end(): void {
    if (this.isOpen) this.#socket.end();
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#socket.destroySoon();
    this.#socket.resume();
    // A peer that does not read would hold the socket forever; what the kernel has taken is delivered all the same.
    if (this.#socket.writableLength > 0) this.#socket.setTimeout(1000, () => this.#socket.destroy());
    queueMicrotask(() => this.#deliverClose());
  }

  reset(failure?: ConnectionError): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.failure ??= failure ?? null;
    const socket = this.#socket;
    // Under TLS only the socket below can send RST; the one above follows it. Destroying both at once crashes Node 26.
    if (socket.connecting) socket.destroy();
    else this.#plain.resetAndDestroy();
    queueMicrotask(() => this.#deliverClose());
  }

  startTls(options: TlsOptions): void {
    if (!this.isOpen) return;
    try {
      if (options.role === 'client') this.#startClientTls(options);
      else this.#startServerTls(options);
    } catch (error) {
      this.fail({ kind: 'tls', detail: String(error) });
    }
  }

  /** Called by the non-listening server that did the handshake. */
  secured(socket: tls.TLSSocket, serverName: string): void {
    this.#socket = socket;
    socket.allowHalfOpen = true;
    this.#watch(socket);
    if (this.paused) socket.pause();
    const certificate = socket.getPeerCertificate() as { raw?: Buffer } | null;
    const alpn = socket.alpnProtocol;
    this.#guard(() =>
      this.handler.onSecure(this, {
        authorized: socket.authorized,
        authorizationError: String(socket.authorizationError ?? ''),
        alpn: typeof alpn === 'string' ? alpn : null,
        peerCertificate: certificate?.raw ?? null,
        serverName,
      }),
    );
  }

  fail(error: ConnectionError): void {
    this.failure ??= error;
    this.reset();
  }

  #startServerTls(options: Extract<TlsOptions, { role: 'server' }>): void {
    const { server, upgrading } = serverOf(options);
    const plain = this.#socket;
    const key = peerKey(plain);
    this.#unwatch();
    upgrading.set(key, this);
    plain.once('close', () => {
      if (upgrading.delete(key)) this.fail({ kind: 'tls', detail: 'closed during the handshake' });
    });
    plain.on('error', () => {});
    // A half-open socket would hide a peer that leaves during the handshake; `secured` opens it again.
    plain.allowHalfOpen = false;
    server.emit('connection', plain);
  }

  #startClientTls(options: Extract<TlsOptions, { role: 'client' }>): void {
    const plain = this.#socket;
    this.#unwatch();
    const socket = tls.connect({
      socket: plain,
      secureContext: (options.context as NodeTlsContext).secureContext,
      servername: options.serverName,
      ...(options.alpn.length > 0 ? { ALPNProtocols: [...options.alpn] } : {}),
      rejectUnauthorized: false,
      // The caller compares the names.
      checkServerIdentity: () => undefined,
    });
    const failed = (error: Error): void => this.fail({ kind: 'tls', detail: error.message });
    const ended = (): void => this.fail({ kind: 'tls', detail: 'closed during the handshake' });
    socket.once('error', failed).once('close', ended);
    plain.once('error', failed);
    socket.once('secureConnect', () => {
      socket.removeListener('error', failed).removeListener('close', ended);
      this.secured(socket, '');
    });
  }

  #watch(socket: net.Socket): void {
    socket.setNoDelay(true);
    socket.on('connect', () => this.#guard(() => this.handler.onConnect(this)));
    socket.on('data', (chunk: Buffer) => {
      if (!this.isOpen) return;
      this.bytesRead += chunk.length;
      this.#guard(() => this.handler.onData(this, chunk));
      this.hasRead(chunk.length);
    });
    socket.on('end', () => this.#end());
    socket.on('error', (error) => {
      this.failure ??= connectionError(error);
    });
    socket.on('close', () => {
      if (this.isOpen && this.failure === null) this.#end();
      this.isOpen = false;
      this.#deliverClose();
    });
  }

  #unwatch(): void {
    for (const event of ['data', 'end', 'error', 'close', 'connect']) this.#socket.removeAllListeners(event);
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#guard(() => this.handler.onEnd(this));
  }

  #deliverClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.handler.onClose(this, this.failure);
    } catch (error) {
      this.transport.onFault(error);
    }
  }

  /** A defect in a handler ends one connection, not the process. */
  #guard(call: () => void): void {
    if (!this.isOpen) return;
    try {
      call();
    } catch (error) {
      this.transport.onFault(error);
      this.fail({ kind: 'other', detail: String(error) });
    }
  }
}

class NodeTransport implements Transport {
  readonly timers: TimerWheel = new TimerWheel();
  readonly budget: TurnBudget = new TurnBudget((run) => this.atEndOfTurn(run));
  readonly onFault: (error: unknown) => void;

  constructor(onFault: (error: unknown) => void) {
    this.onFault = onFault;
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
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      const connection = new NodeConnection(this, socket, NO_HANDLER, null);
      connection.handler = acceptor.accept(connection);
    });
    server.listen({ host: address.ip, port: address.port });
    try {
      await once(server, 'listening');
    } catch (error) {
      throw new WeftError('WEFT_TRANSPORT_LISTEN', `${address.ip} port ${address.port}`, error);
    }
    const bound = server.address() as net.AddressInfo;
    return { address: { ip: address.ip, port: bound.port }, stop: () => server.close() };
  }

  connect(address: Address, handler: ConnectionHandler): Connection {
    const socket = net.connect({ host: address.ip, port: address.port, allowHalfOpen: true });
    return new NodeConnection(this, socket, handler, address);
  }

  isSilent(): boolean {
    return false;
  }

  giveUpEarly(): void {}

  tlsContext(credentials: TlsCredentials): TlsContext {
    checkCredentials(credentials);
    const { keyPem, certificatePem, anchorsPem } = credentials;
    const pair = keyPem === '' ? {} : { key: keyPem, cert: certificatePem };
    const secureContext = tls.createSecureContext({ ...pair, ca: anchorsPem, minVersion: 'TLSv1.3' });
    const context: NodeTlsContext = { credentials, secureContext, servers: new Map() };
    return context;
  }
}

function serverOf(options: Extract<TlsOptions, { role: 'server' }>): TlsServer {
  const context = options.context as NodeTlsContext;
  const key = `${options.requestClientCertificate} ${options.alpn.join(' ')}`;
  let server = context.servers.get(key);
  if (server === undefined) {
    server = createServer(options);
    context.servers.set(key, server);
  }
  return server;
}

function createServer(options: Extract<TlsOptions, { role: 'server' }>): TlsServer {
  const { keyPem, certificatePem, anchorsPem } = options.context.credentials;
  const upgrading = new Map<string, NodeConnection>();
  const server = tls.createServer({
    key: keyPem,
    cert: certificatePem,
    ca: anchorsPem,
    minVersion: 'TLSv1.3',
    requestCert: options.requestClientCertificate,
    rejectUnauthorized: false,
    ...(options.alpn.length > 0 ? { ALPNProtocols: [...options.alpn] } : {}),
    // SSL_OP_NO_TICKET
    secureOptions: 0x4000,
  });
  const take = (socket: tls.TLSSocket): NodeConnection | undefined => {
    const key = peerKey(socket);
    const connection = upgrading.get(key);
    upgrading.delete(key);
    return connection;
  };
  server.on('secureConnection', (socket) => {
    take(socket)?.secured(socket, typeof socket.servername === 'string' ? socket.servername : '');
  });
  server.on('tlsClientError', (error, socket) => {
    take(socket)?.fail({ kind: 'tls', detail: error.message });
  });
  return { server, upgrading };
}

function peerKey(socket: net.Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress} ${socket.localPort}`;
}

export function createNodeTransport(onFault: (error: unknown) => void): Transport {
  return new NodeTransport(onFault);
}
