import { WeftError } from '../../contract/errors.ts';
import { identityOf } from '../tls/identity.ts';
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
import { connectFailure, MessageConnection, type MessageHandler } from './connection.ts';
import type { Resolve } from './resolve.ts';

/** One port of the operator. */
export interface ControlPeer {
  host: string;
  port: number;
  /** TLS identity that it must prove: one SAN, compared as text. */
  identity: string;
}

export interface DialOptions extends ControlPeer {
  alpn: string;
  maxMessageBytes: number;
}

/** Addresses of one answer that are tried. A Service has one of each family; a forged answer must not keep the proxy busy until its operator is out of mind. */
const MAX_ADDRESSES = 16;
/** Per address, as for other connections (Linkerd: 1 s): that of a dead node must not hold up the next one. */
const CONNECT_TIMEOUT_MS = 1000;
/** In a cluster a handshake takes milliseconds. */
const HANDSHAKE_TIMEOUT_MS = 3000;

/**
 * Connects to the operator: the first addresses of its name in turn, until one proves the identity. DNS proves nothing: whoever an answer names is told nothing
 * before that, be it loopback, a link-local address or another pod.
 * Rejects with the WeftError of the last address: WEFT_CONTROL_RESOLVE, WEFT_CONTROL_CONNECT, WEFT_CONTROL_IDENTITY, WEFT_CONTROL_PROTOCOL.
 */
export async function dial(
  transport: Transport,
  resolve: Resolve,
  options: DialOptions,
  context: TlsContext,
  handler: MessageHandler,
): Promise<MessageConnection> {
  let failure: unknown;
  const addresses = await resolve(options.host);
  for (const ip of addresses.slice(0, MAX_ADDRESSES)) {
    try {
      const connection = await new Dial(transport, options, context).run({ ip, port: options.port });
      return new MessageConnection(connection, handler, options.maxMessageBytes);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** One attempt at one address. */
class Dial implements ConnectionHandler, TimerOwner {
  readonly #transport: Transport;
  readonly #options: DialOptions;
  readonly #context: TlsContext;
  readonly #timer: Timer;
  #connection: Connection | null = null;
  #connected = false;
  #where = '';
  #resolve: ((connection: Connection) => void) | null = null;
  #reject: (error: WeftError) => void = () => {};

  constructor(transport: Transport, options: DialOptions, context: TlsContext) {
    this.#transport = transport;
    this.#options = options;
    this.#context = context;
    this.#timer = transport.timers.create(this, 'peer');
  }

  run(address: Address): Promise<Connection> {
    this.#where = `${this.#options.host} (${address.ip}) port ${address.port}`;
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#transport.timers.set(this.#timer, CONNECT_TIMEOUT_MS);
      this.#connection = this.#transport.connect(address, this, true);
    });
  }

  onConnect(connection: Connection): void {
    const { alpn, identity } = this.#options;
    this.#connected = true;
    this.#transport.timers.set(this.#timer, HANDSHAKE_TIMEOUT_MS);
    // A replica that is gone without a word is to be missed before the next change.
    this.#transport.giveUpEarly(connection);
    connection.startTls({ role: 'client', context: this.#context, alpn: [alpn], serverName: identity });
  }

  onSecure(connection: Connection, handshake: Handshake): void {
    const problem = this.#problemOf(handshake);
    if (problem !== null) {
      this.#fail(problem);
      return;
    }
    this.#transport.timers.clear(this.#timer);
    const resolve = this.#resolve;
    this.#resolve = null;
    resolve?.(connection);
  }

  onData(): void {}
  onDrain(): void {}

  onEnd(): void {
    this.#fail(new WeftError('WEFT_CONTROL_CONNECT', `${this.#where}: ended before the handshake`));
  }

  onClose(_connection: Connection, error: ConnectionError | null): void {
    const reason = error ?? { kind: 'other' as const, detail: 'closed before the handshake' };
    this.#fail(connectFailure({ kind: reason.kind, detail: `${reason.detail}, ${this.#where}` }));
  }

  onTimer(): void {
    const missing = this.#connected
      ? `no handshake within ${HANDSHAKE_TIMEOUT_MS} ms`
      : `no connection within ${CONNECT_TIMEOUT_MS} ms`;
    this.#fail(new WeftError('WEFT_CONTROL_CONNECT', `${this.#where}: ${missing}`));
  }

  #problemOf(handshake: Handshake): WeftError | null {
    const { identity, alpn } = this.#options;
    if (!handshake.authorized)
      return new WeftError('WEFT_CONTROL_IDENTITY', `${this.#where}: ${handshake.authorizationError}`);
    const proven = handshake.peerCertificate === null ? null : identityOf(handshake.peerCertificate);
    if (proven !== identity)
      return new WeftError('WEFT_CONTROL_IDENTITY', `${this.#where} is ${JSON.stringify(proven)}, not ${identity}`);
    if (handshake.alpn !== alpn) return new WeftError('WEFT_CONTROL_PROTOCOL', `${this.#where} does not speak ${alpn}`);
    return null;
  }

  #fail(error: WeftError): void {
    if (this.#resolve === null) return;
    this.#resolve = null;
    this.#transport.timers.clear(this.#timer);
    this.#connection?.reset();
    this.#reject(error);
  }
}
