import type { LoopLag } from './awake-clock.ts';

/**
 * The narrow interface between the data plane and the runtime's sockets. `bun.ts` ships, `node.ts` keeps the interface honest and lets
 * tests drive whole stacks in one process; both pass the same contract tests (test/integration/transport).
 *
 * A connection calls its `handler`, an object whose methods live on a prototype: no closure per connection or event. The handler may be
 * replaced at any time (protocol detection hands over to HTTP or to a splice); the next event goes to the new one.
 */

/** An IP address without brackets and a port. IPv4-mapped IPv6 addresses (`::ffff:1.2.3.4`) always appear as IPv4. */
export interface Address {
  ip: string;
  port: number;
}

export interface ConnectionHandler {
  /** The outgoing connection is established (TCP only; TLS starts when asked). Never called for accepted connections. */
  onConnect(connection: Connection): void;
  /** The TLS handshake asked for by `startTls` has finished. A failed handshake calls `onClose` with an error instead. */
  onSecure(connection: Connection, handshake: Handshake): void;
  /** `chunk` is valid only during the call: what must outlive it is copied. Never empty. */
  onData(connection: Connection, chunk: Buffer): void;
  /** After a partial `write`: the kernel takes bytes again. May also come without need. */
  onDrain(connection: Connection): void;
  /** The peer has sent FIN (or TLS close_notify): no more `onData`. Our own direction stays open until `end`, `close` or `reset`. */
  onEnd(connection: Connection): void;
  /** Last call, exactly once, also after our own `close` and `reset`, and when a connection attempt failed. */
  onClose(connection: Connection, error: ConnectionError | null): void;
}

export type ConnectionErrorKind = 'refused' | 'unreachable' | 'timeout' | 'reset' | 'tls' | 'other';

export interface ConnectionError {
  kind: ConnectionErrorKind;
  /** For logs only: the runtime's own words. */
  detail: string;
}

export interface Connection {
  handler: ConnectionHandler;
  readonly remote: Address;
  readonly local: Address;
  /** File descriptor for socket options, -1 when there is none (closed). */
  readonly fd: number;
  /** True from `onConnect` (or acceptance) until `onClose`. */
  readonly isOpen: boolean;
  /** What it has ended by, as `onClose` tells it; `null` before, and for an orderly end. */
  readonly failure: ConnectionError | null;
  /** Bytes read and written as the handler sees them (plaintext under TLS). */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /**
   * Hands bytes to the kernel (under TLS: encrypts and hands over). Returns how many were taken, 0..length; what was not taken is still the
   * caller's, to be offered again from `onDrain`. The buffer may be reused after the call. 0 on a closed connection.
   */
  write(bytes: Uint8Array, offset: number, length: number): number;
  /** Stops and restarts `onData`. One chunk may still arrive after `pause`. Idempotent. */
  pause(): void;
  resume(): void;
  /** Half-close: FIN (under TLS close_notify and FIN) after what `write` took. Reading goes on. */
  end(): void;
  /** Graceful close of both directions: what `write` took is still delivered. `onClose` follows, not within the call. */
  close(): void;
  /** Aborts with RST, dropping what is unsent. `onClose` follows, not within the call, and tells `failure` where it is named. */
  reset(failure?: ConnectionError): void;
  /** Upgrades the plain connection before its first byte has been read. At most once. A bad context closes with an error of kind `tls`. */
  startTls(options: TlsOptions): void;
}

/** An immutable set of key, certificate chain and anchors in the runtime's own form. Rotation makes a new one; old connections keep theirs. */
export interface TlsContext {
  readonly credentials: TlsCredentials;
}

/** PEM texts. `keyPem` and `certificatePem` may both be empty: a client without a certificate (identity bootstrap). */
export interface TlsCredentials {
  keyPem: string;
  certificatePem: string;
  anchorsPem: string;
}

/**
 * TLS 1.3 only, no session tickets, no early data. Certificates of the peer are always verified against the anchors but never refused by
 * the transport: `Handshake.authorized` says the result, the caller decides (policy decides who may come without an identity).
 * A client whose protocols the server does not know gets an alert; one that names none gets `alpn: null`.
 */
export type TlsOptions =
  | { role: 'server'; context: TlsContext; alpn: readonly string[]; requestClientCertificate: boolean }
  | { role: 'client'; context: TlsContext; alpn: readonly string[]; serverName: string };

export interface Handshake {
  /**
   * The peer showed a certificate and its chain leads to one of the anchors, is valid now and has the right purpose. Says nothing about
   * names (a runtime may say false when the certificate does not have the server name): compare those with `io/tls/identity.ts`.
   */
  authorized: boolean;
  /** Why not; empty when authorized. For logs. */
  authorizationError: string;
  /** Negotiated protocol, `null` when none. */
  alpn: string | null;
  /** DER of the peer's leaf certificate, `null` when it sent none. `io/tls/identity.ts` reads the names. */
  peerCertificate: Uint8Array | null;
  /** Server name that the client asked for, empty when none. Empty on the client side. */
  serverName: string;
}

export interface Acceptor {
  /** Returns the handler of a new connection. May `close` or `reset` it at once. */
  accept(connection: Connection): ConnectionHandler;
  /** `accept` always calls `startTls`: the runtime need not hand up the encrypted bytes. */
  readonly startsTls?: boolean;
}

export interface Listener {
  readonly address: Address;
  /** Stops accepting; connections already accepted live on. */
  stop(): void;
}

export interface Transport {
  readonly timers: Timers & { readonly lag: LoopLag };
  /** Port 0 picks a free one. Rejects with WeftError WEFT_TRANSPORT_LISTEN. `[::]` also takes IPv4. */
  listen(address: Address, acceptor: Acceptor): Promise<Listener>;
  /**
   * Never throws and calls nothing back within the call: failure is `onClose` with an error. The caller sets the time limit.
   * `startsTls`: `onConnect` always calls `startTls`.
   */
  connect(address: Address, handler: ConnectionHandler, startsTls?: boolean): Connection;
  /**
   * The other side's machine has acknowledged nothing of what was sent to it, for three seconds. Says nothing about one that has nothing to acknowledge: the kernel
   * ends such a connection itself. Always false where the runtime cannot tell.
   */
  isSilent(connection: Connection): boolean;
  /** From `onConnect` on: ends after three seconds in which nothing is acknowledged, also where the other side lives and takes nothing. */
  giveUpEarly(connection: Connection): void;
  /** Runs it once, when the events that are ready now have been delivered, before the loop waits for others. */
  atEndOfTurn(run: () => void): void;
  /** Throws WeftError WEFT_TLS_CREDENTIALS when key, certificate or anchors do not parse or do not fit together. */
  tlsContext(credentials: TlsCredentials): TlsContext;
}

/** Where a redirected connection wanted to go: the kernel's answer, a fixed one per listener (local network), or a fake's. */
export interface OriginalDestination {
  /** `null` when unknown; also when the connection was made to the listener itself the listener's own address comes back. */
  of(connection: Connection): Address | null;
}

/** Owner of a timer. One object may own several timers and tells them apart by the argument. */
export interface TimerOwner {
  onTimer(timer: Timer): void;
}

/** Allocated once per connection or request record, set and cleared many times. Opaque but for `owner`. */
export interface Timer {
  readonly owner: TimerOwner;
}

/**
 * `own`: when something of ours is to happen, by the clock on the wall (an idle limit, a timeout that an application was promised).
 * `peer`: how long somebody else may take. It counts only time in which this process was there to notice (`awakeMs`).
 */
export type TimerKind = 'own' | 'peer';

/**
 * Coarse shared timers: a timer fires at its time or up to `resolutionMs` later, never earlier. Where the event loop is late, it fires only after what is
 * ready on the sockets has been handled, so that nobody is judged by what we have not read. Setting and clearing cost no allocation.
 */
export interface Timers {
  readonly resolutionMs: number;
  /** Monotonic milliseconds with fraction. */
  nowMs(): number;
  /** The same without the time in which this process was not there to notice anything. Compared only with itself. */
  awakeMs(): number;
  /** `own` unless said otherwise. */
  create(owner: TimerOwner, kind?: TimerKind): Timer;
  /** (Re)arms. */
  set(timer: Timer, delayMs: number): void;
  clear(timer: Timer): void;
}

/**
 * The file named by WEFT_PROXY_LOCAL_NETWORK: explicit listeners instead of redirection (embedded mode, tests without a network namespace).
 * Texts are `ip:port` as `contract/keys.ts` writes them.
 */
export interface LocalNetworkFile {
  /** A connection accepted on `listen` is outbound traffic whose original destination is `destination`. */
  outbound: { listen: string; destination: string }[];
  /** Address that a pod has in the cluster's view → loopback address where this machine serves it. Ports stay. */
  addresses: Record<string, string>;
}
