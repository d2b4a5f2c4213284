import { WeftError } from '../../../contract/errors.ts';
import { dnsNamesOf } from '../../tls/identity.ts';
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
} from '../../transport/types.ts';
import { ApiError, retryAfterMs, statusMessage } from './api-error.ts';
import { type ResponseEvents, ResponseReader } from './response.ts';

export interface ApiCallEvents {
  /** The server accepted the request. */
  opened(): void;
  /** Valid only during the call. */
  chunk(bytes: Uint8Array): void;
}

export interface ApiRequest {
  path: string;
  token: string;
  serverName: string;
  /** No byte for so long ends the call. */
  silenceMs: number;
}

/** The body of an error is for people; the start of it will do. */
const MAX_ERROR_BYTES = 16 * 1024;
const ALPN = 'http/1.1';

/** One GET over one connection. */
export class ApiCall implements ConnectionHandler, ResponseEvents, TimerOwner {
  readonly #transport: Transport;
  readonly #request: ApiRequest;
  readonly #events: ApiCallEvents;
  readonly #reader = new ResponseReader(this);
  readonly #timer: Timer;
  readonly #unsent: Uint8Array;
  #sent = 0;
  #context: TlsContext | null = null;
  #connection: Connection | null = null;
  #status = 0;
  #retryAfter: string | undefined;
  #errorBody = '';
  #settle: ((error: unknown) => void) | null = null;

  constructor(transport: Transport, request: ApiRequest, events: ApiCallEvents) {
    this.#transport = transport;
    this.#request = request;
    this.#events = events;
    this.#timer = transport.timers.create(this, 'peer');
    this.#unsent = new TextEncoder().encode(requestHead(request));
  }

  run(address: Address, context: TlsContext, signal: AbortSignal): Promise<void> {
    this.#context = context;
    return new Promise((resolve, reject) => {
      const abort = () => this.#finish(failure('stopped'));
      this.#settle = (error) => {
        signal.removeEventListener('abort', abort);
        if (error === null) resolve();
        else reject(error);
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#connection = this.#transport.connect(address, this, true);
      this.#heard();
      if (signal.aborted) abort();
    });
  }

  onConnect(connection: Connection): void {
    const { serverName } = this.#request;
    connection.startTls({ role: 'client', context: this.#context!, alpn: [ALPN], serverName });
  }

  onSecure(connection: Connection, handshake: Handshake): void {
    const problem = serverProblem(handshake, this.#request.serverName);
    if (problem === null) this.onDrain(connection);
    else this.#finish(failure(problem));
  }

  onDrain(connection: Connection): void {
    if (this.#sent < this.#unsent.length)
      this.#sent += connection.write(this.#unsent, this.#sent, this.#unsent.length - this.#sent);
  }

  onData(_connection: Connection, chunk: Uint8Array): void {
    this.#heard();
    this.#guarded(() => this.#reader.push(chunk));
  }

  onEnd(): void {
    this.#guarded(() => this.#reader.end());
  }

  onClose(_connection: Connection, error: ConnectionError | null): void {
    this.#finish(failure(error === null ? 'the connection closed early' : `${error.kind}: ${error.detail}`));
  }

  onTimer(): void {
    this.#finish(failure(`silent for ${this.#request.silenceMs} ms`));
  }

  head(status: number, headers: ReadonlyMap<string, string>): void {
    this.#status = status;
    this.#retryAfter = headers.get('retry-after');
    if (this.#accepted) this.#events.opened();
  }

  body(chunk: Uint8Array): void {
    if (this.#accepted) this.#events.chunk(chunk);
    else if (this.#errorBody.length < MAX_ERROR_BYTES) this.#errorBody += new TextDecoder().decode(chunk);
  }

  complete(): void {
    this.#finish(this.#accepted ? null : this.#refusal());
  }

  #refusal(): ApiError {
    const message = statusMessage(this.#errorBody);
    return new ApiError(this.#request.path, this.#status, message, retryAfterMs(this.#retryAfter));
  }

  get #accepted(): boolean {
    return this.#status >= 200 && this.#status < 300;
  }

  #heard(): void {
    this.#transport.timers.set(this.#timer, this.#request.silenceMs);
  }

  /** A malformed byte, or a throwing receiver, ends this call and nothing else. */
  #guarded(run: () => void): void {
    if (this.#settle === null) return;
    try {
      run();
    } catch (error) {
      this.#finish(error);
    }
  }

  #finish(error: unknown): void {
    const settle = this.#settle;
    if (settle === null) return;
    this.#settle = null;
    this.#transport.timers.clear(this.#timer);
    this.#connection?.reset();
    settle(error);
  }
}

function requestHead(request: ApiRequest): string {
  return [
    `GET ${request.path} HTTP/1.1`,
    `Host: ${request.serverName}`,
    `Authorization: Bearer ${request.token}`,
    'Accept: application/json',
    'User-Agent: weft-proxy',
    'Connection: close',
    '\r\n',
  ].join('\r\n');
}

/** The chain was verified by the transport; whose it is, is ours to compare. No wildcards: an API server's own names are written out. */
function serverProblem(handshake: Handshake, serverName: string): string | null {
  if (!handshake.authorized) return `the API server's certificate is not trusted: ${handshake.authorizationError}`;
  const names = handshake.peerCertificate === null ? [] : dnsNamesOf(handshake.peerCertificate);
  return names.includes(serverName) ? null : `the certificate is not that of ${serverName}`;
}

function failure(detail: string): WeftError {
  return new WeftError('WEFT_DIRECT_API', detail);
}
