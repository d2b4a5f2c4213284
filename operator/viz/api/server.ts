import { constants } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import { createSecureContext, type SecureContext, type SecureContextOptions, type TLSSocket } from 'node:tls';
import { listening } from '../../../lib/listening.ts';
import { TokenBucket } from '../../../lib/rate.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { ConnectionPlaces } from '../../runtime/connection-places.ts';
import { errorFields, type Log } from '../../runtime/log.ts';
import { send, sendFailure } from './answers.ts';
import { Callers, REPLICA_SERVER_NAME } from './caller.ts';
import { Dispatcher, type DispatcherOptions } from './dispatcher.ts';
import { type ApiLimits, DEFAULT_LIMITS } from './limits.ts';
import type { RequestHeaders } from './request-header.ts';
import { ApiFailure, type FailureStatus, statusObject } from './status.ts';

/** Something that is there now, or not yet, and is replaced while the server runs. */
export interface Source<T> {
  readonly current: T | null;
  /** Returns how to unsubscribe. */
  onChange(listener: () => void): () => void;
}

export interface Credentials {
  keyPem: string;
  certPem: string;
}

export interface ApiServerOptions extends Omit<DispatcherOptions, 'limits'> {
  /** Of the authority that the APIService names. */
  credentials: Source<Credentials>;
  requestHeaders: Source<RequestHeaders>;
  /** What replicas prove themselves with to one another. */
  mesh: () => (Credentials & { anchorsPem: string }) | null;
  ownIdentity: () => string;
  places: Pick<ConnectionPlaces, 'add' | 'works' | 'waits'>;
  handshakeFailed(error: Error): void;
  /** For a metric; `resource` is that of a row, or empty. */
  answered(resource: string, status: number): void;
  clock: Clock;
  log: Log;
  limits?: Partial<ApiLimits>;
}

/** As for the webhooks (`webhooks/server.ts`): API servers keep idle connections for 90 s, and must be the first to close them. */
const IDLE_TIMEOUT_MS = 120_000;
/** API servers reuse a few; replicas have one each. */
export const MAX_API_CONNECTIONS = 500;
/** Of what could not be answered: somebody who asks every second must not fill the log. */
const LINES = { burst: 10, intervalMs: 10_000 };
/** Whether it is there: of that anybody may hear. */
const HEALTH = ['/healthz', '/livez', '/readyz'];

/** Port 8089: the aggregated API. Whoever asks has come through an API server, which has found out who it is. */
export class ApiServer {
  readonly #options: ApiServerOptions;
  readonly #limits: ApiLimits;
  readonly #server: Server;
  /** For whoever names a server, as API servers do: the server's own context cannot be one of partial chains. */
  #forUsers: SecureContext;
  readonly #callers: Callers;
  readonly #dispatcher: Dispatcher;
  readonly #unfollow: readonly (() => void)[];
  /** On which a request is being answered. */
  readonly #answering = new WeakSet<Socket>();
  #closing = false;
  readonly #lines: TokenBucket;

  /** @throws Error when there is no certificate yet */
  constructor(options: ApiServerOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#lines = new TokenBucket(LINES, options.clock.nowMs());
    this.#dispatcher = new Dispatcher({ ...options, limits: this.#limits });
    this.#callers = new Callers({
      requestHeaders: () => options.requestHeaders.current,
      ownIdentity: options.ownIdentity,
      wallMs: () => options.clock.wallMs(),
    });
    this.#forUsers = createSecureContext(this.#context());
    this.#server = this.#createServer();
    const follow = () => {
      this.#forUsers = createSecureContext(this.#context());
      this.#server.setSecureContext(this.#context());
    };
    this.#unfollow = [
      options.credentials.onChange(follow),
      options.requestHeaders.onChange(() => {
        follow();
        // Made under authorities of before: whoever is still to be trusted connects again.
        this.#server.closeIdleConnections();
      }),
    ];
  }

  /** Resolves with the port when it listens. */
  listen(port: number, host: string): Promise<number> {
    return listening(this.#server, port, host);
  }

  /** Stops accepting, ends streams, lets answers that are under way be given, then closes what is idle. */
  close(): Promise<void> {
    this.#closing = true;
    for (const each of this.#unfollow) each();
    this.#dispatcher.stop();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
    });
  }

  #createServer(): Server {
    const { places, handshakeFailed } = this.#options;
    const { requestMs, headBytes } = this.#limits;
    const server = createServer(
      {
        ...this.#context(),
        requestCert: true,
        // Whoever has no certificate is told so by a Status.
        rejectUnauthorized: false,
        SNICallback: (name, done) => done(null, this.#contextFor(name)),
        handshakeTimeout: requestMs,
        requestTimeout: requestMs,
        headersTimeout: requestMs,
        keepAliveTimeout: IDLE_TIMEOUT_MS,
        // Slow senders are looked for this often; Node's own default is 30 s.
        connectionsCheckingInterval: Math.min(1_000, requestMs),
        maxHeaderSize: headBytes,
      },
      (request, response) => void this.#serve(request, response),
    );
    // Beyond a number of headers Node would leave some out, and with them groups of a user; their size is bounded.
    server.maxHeadersCount = 0;
    server.on('connection', (socket: Socket) => places.add(socket));
    server.on('tlsClientError', (error) => handshakeFailed(error));
    server.on('clientError', (error: Error & { code?: string }, socket: Socket) => this.#unreadable(error, socket));
    return server;
  }

  #context(): SecureContextOptions {
    const { credentials, requestHeaders } = this.#options;
    if (credentials.current === null) throw new Error('the aggregated API needs a certificate before it starts');
    // An empty list trusts nobody; none at all would be the authorities of the public web.
    return contextOf(credentials.current, requestHeaders.current?.authoritiesPem ?? []);
  }

  #contextFor(serverName: string): SecureContext {
    if (serverName !== REPLICA_SERVER_NAME) return this.#forUsers;
    const mesh = this.#options.mesh();
    if (mesh !== null) return createSecureContext(contextOf(mesh, mesh.anchorsPem));
    return createSecureContext(contextOf(this.#options.credentials.current!, []));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { places, answered } = this.#options;
    const { socket } = request;
    places.works(socket);
    this.#answering.add(socket);
    response.once('close', () => {
      this.#answering.delete(socket);
      // A client would keep it, and with it the server from closing.
      if (this.#closing) socket.end();
      places.waits(socket);
    });
    let resource = '';
    try {
      await this.#answer(request, response, (named) => {
        resource = named;
      });
    } catch (error) {
      this.#refuse(request, response, error);
    }
    answered(resource, response.statusCode);
  }

  async #answer(request: IncomingMessage, response: ServerResponse, named: (resource: string) => void): Promise<void> {
    const { method = '', url = '', headers, rawHeaders } = request;
    const mark = url.indexOf('?');
    const path = mark < 0 ? url : url.slice(0, mark);
    if (method === 'GET' && HEALTH.includes(path)) {
      send(response, 200, 'text/plain; charset=utf-8', 'ok', this.#limits.takeMs);
      return;
    }
    const caller = this.#callers.of(request.socket as TLSSocket, rawHeaders);
    if (caller.type === 'nobody') {
      throw new ApiFailure(
        401,
        'WEFT_VIZ_UNAUTHENTICATED',
        'only API servers of this cluster may ask, with their front-proxy certificate and exactly one user',
      );
    }
    const query = new URLSearchParams(url.slice(path.length));
    const asked = { method, path, query, accept: headers.accept ?? '', request, response };
    if (caller.type === 'replica') await this.#dispatcher.answerReplica(asked);
    else await this.#dispatcher.answer(asked, caller.user, named);
  }

  #refuse(request: IncomingMessage, response: ServerResponse, cause: unknown): void {
    // Who has left is told nothing, and is no failure.
    if (response.destroyed) return;
    const failure = failureOf(cause);
    if (failure.status >= 500 && this.#lines.take(this.#options.clock.nowMs())) {
      const path = (request.url ?? '').split('?', 1)[0]!.slice(0, 200);
      this.#options.log.warn('the aggregated API could not answer', { path, ...errorFields(failure.cause ?? failure) });
    }
    if (response.headersSent) {
      response.destroy();
      return;
    }
    // Part of the body may be on its way still; and whoever has to prove something else has to connect again for it.
    if (!request.complete || failure.status === 401) response.setHeader('connection', 'close');
    sendFailure(response, failure, this.#limits.takeMs);
  }

  /** What came is no request: too long a head, too slow, no HTTP. */
  #unreadable({ code = '' }: Error & { code?: string }, socket: Socket): void {
    if (!socket.writable || code === 'ECONNRESET' || this.#answering.has(socket)) {
      socket.destroy();
      return;
    }
    const [status, message] = UNREADABLE[code] ?? [400, 'this is no request of HTTP/1.1'];
    const body = JSON.stringify(statusObject(new ApiFailure(status, 'WEFT_VIZ_REQUEST', message)));
    const head = `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close`;
    socket.end(`HTTP/1.1 ${status} Refused\r\n${head}\r\n\r\n${body}`);
  }
}

const UNREADABLE: Readonly<Record<string, readonly [FailureStatus, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'the head of the request is too long'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request did not come in time'],
};

function failureOf(cause: unknown): ApiFailure {
  if (cause instanceof ApiFailure) return cause;
  return new ApiFailure(500, 'WEFT_VIZ_FAILED', 'the request could not be answered', cause);
}

function contextOf({ keyPem, certPem }: Credentials, authorities: string | string[]): SecureContextOptions {
  return {
    key: keyPem,
    cert: certPem,
    ca: authorities,
    // As Go reads a pool of certificates: each of them is a root, whoever has issued it.
    allowPartialTrustChain: true,
    minVersion: 'TLSv1.3',
    // A resumed session would outlive the authority that its certificate was verified against.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}
