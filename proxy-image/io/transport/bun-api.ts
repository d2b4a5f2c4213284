/**
 * What we use of Bun's sockets, as tried on Bun 1.4.5: its published types lack `fd`, the server side of `upgradeTLS` and its options. Only this
 * folder knows Bun; the rest of the project type-checks without its global types.
 */
export interface BunSocket {
  data: unknown;
  readonly fd: number;
  /** `undefined` once the socket is closed. */
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  /** `undefined` once the socket is closed. */
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly authorized: boolean;
  readonly alpnProtocol: string | false | null;
  /** -1 on a closed or half-closed socket. */
  write(bytes: Uint8Array, offset: number, length: number): number;
  /** Closes at once, FIN after what was written. Calls `close` before it returns. */
  close(): void;
  /** RST. Calls `close` before it returns. */
  terminate(): void;
  /** FIN; reading goes on (with `allowHalfOpen`). */
  shutdown(): void;
  pause(): void;
  resume(): void;
  setNoDelay(noDelay: boolean): boolean;
  getServername(): string | undefined;
  getPeerCertificate(): { raw?: Uint8Array } | null;
  upgradeTLS(options: {
    data: unknown;
    tls: BunTlsOptions;
    socket: BunSocketHandler;
  }): [raw: BunSocket, tls: BunSocket];
}

export interface BunTlsOptions {
  key?: string;
  cert?: string;
  ca: string;
  requestCert?: boolean;
  rejectUnauthorized: false;
  serverName?: string;
  /** Protocol names, each behind its length (RFC 7301). */
  ALPNProtocols?: Uint8Array;
  secureOptions: number;
}

export interface BunError extends Error {
  code?: string;
}

export interface BunSocketHandler {
  open?(socket: BunSocket): void;
  data?(socket: BunSocket, chunk: Buffer): void;
  drain?(socket: BunSocket): void;
  end?(socket: BunSocket): void;
  close?(socket: BunSocket, error?: BunError): void;
  error?(socket: BunSocket, error: BunError): void;
  handshake?(socket: BunSocket, success: boolean, error: BunError | null): void;
  connectError?(socket: BunSocket, error: BunError): void;
}

export interface BunListener {
  readonly hostname: string;
  readonly port: number;
  stop(closeActiveConnections?: boolean): void;
}

interface BunAddress {
  hostname: string;
  port: number;
  allowHalfOpen: boolean;
  data?: unknown;
  socket: BunSocketHandler;
}

export interface BunRuntime {
  listen(options: BunAddress): BunListener;
  connect(options: BunAddress): Promise<BunSocket>;
  /** Addresses of a name, in the order of the resolver; of both families. Rejects where there is none. */
  readonly dns: { lookup(name: string): Promise<{ address: string }[]> };
  /** Collects all garbage, now: about 4 ms for a heap of 10 MiB. */
  gc(now: true): void;
  /** Collects garbage, drops compiled code and gives memory back to the kernel, when next idle. Returns at once. */
  shrink(): void;
}

/** The runtime, or `null` under another one. */
export function bunRuntime(): BunRuntime | null {
  return (globalThis as { Bun?: BunRuntime }).Bun ?? null;
}
