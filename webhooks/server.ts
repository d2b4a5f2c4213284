import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { listening } from '../lib/listening.ts';
import { CodedError } from '../proxy-image/contract/errors.ts';
import { readBody } from './body.ts';
import { type AdmissionRequest, ALLOWED, type Answer, decodeReview, encodeReview, UnusableReview } from './review.ts';

/** Certificate and key of the server, replaced while it runs. */
export interface CredentialSource {
  readonly current: { keyPem: string; certPem: string } | null;
  /** Returns how to unsubscribe. */
  onChange(listener: (credentials: { keyPem: string; certPem: string }) => void): () => void;
}

/** A webhook judges one review; what it throws is answered as HTTP 500, so that `failurePolicy` decides. */
export type Webhook = (request: AdmissionRequest) => Promise<Answer>;

/** Hooks for metrics and logs. */
export interface WebhookObserver {
  answered(path: string, request: AdmissionRequest, answer: Answer, durationMs: number): void;
  /** No verdict was given: a bad request (4xx), or a failure of ours (5xx). */
  failed(path: string, status: number, error: Error): void;
}

/** Decides who makes room where there are too many connections. */
export interface ConnectionPlaces {
  /** A new one, before TLS. It may be destroyed within the call. */
  add(socket: Socket): void;
  /** A request is under way on it. */
  works(socket: Socket): void;
  /** It waits for the next. */
  waits(socket: Socket): void;
}

export interface WebhookServerOptions {
  credentials: CredentialSource;
  /** By path, such as `/inject`. */
  webhooks: Readonly<Record<string, Webhook>>;
  observer: WebhookObserver;
  nowMs: () => number;
  /** PEM. When given, only clients with a certificate of this authority are answered. */
  clientAuthorityPem?: string;
  /** Whole request: head and body. */
  requestTimeoutMs?: number;
  /** Without it, whoever comes when there are too many is refused. */
  places?: ConnectionPlaces;
  handshakeFailed?(error: Error): void;
}

/** The API server waits `timeoutSeconds: 10`; what takes longer is not read by anybody. */
const REQUEST_TIMEOUT_MS = 10_000;
const ANSWER_TIMEOUT_MS = 9_000;
/**
 * Of a connection between two reviews. An API server closes its own after 90 s (`IdleConnTimeout` of Go's transports). Whoever closes first may do so while a
 * review is on its way, which is not sent again: `failurePolicy` then lets a pod start without a proxy. So this end must not be the first; Node's default is 5 s.
 */
const IDLE_TIMEOUT_MS = 120_000;
/** An API server reuses one connection and opens more under load; a few of them are all there is. */
export const MAX_WEBHOOK_CONNECTIONS = 500;
/** Reviews at a time; with bodies of the largest size they are 1 GB, of the usual one 5 MB. */
const MAX_IN_FLIGHT = 100;

/** An error that is answered with this status of HTTP. */
class HttpFailure extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = 'HttpFailure';
    this.status = status;
  }
}

export class WebhookServer {
  readonly #options: WebhookServerOptions;
  readonly #server: Server;
  readonly #unfollow: () => void;
  #inFlight = 0;
  #leaving = false;

  /** @throws Error when there is no certificate yet */
  constructor(options: WebhookServerOptions) {
    const credentials = options.credentials.current;
    if (credentials === null) throw new Error('the webhook server needs a certificate before it starts');
    this.#options = options;
    const timeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
    this.#server = createServer(
      {
        ...this.#tlsOptions(credentials),
        handshakeTimeout: timeoutMs,
        requestTimeout: timeoutMs,
        headersTimeout: timeoutMs,
        keepAliveTimeout: IDLE_TIMEOUT_MS,
        // Slow senders are looked for this often; Node's own default is 30 s.
        connectionsCheckingInterval: Math.min(1_000, timeoutMs),
      },
      (request, response) => void this.#serve(request, response),
    );
    if (options.places === undefined) this.#server.maxConnections = MAX_WEBHOOK_CONNECTIONS;
    this.#server.on('connection', (socket: Socket) => options.places?.add(socket));
    this.#server.on('tlsClientError', (error) => options.handshakeFailed?.(error));
    this.#unfollow = options.credentials.onChange((next) => this.#server.setSecureContext(this.#tlsOptions(next)));
  }

  #tlsOptions({ keyPem, certPem }: { keyPem: string; certPem: string }) {
    const { clientAuthorityPem } = this.#options;
    const verification =
      clientAuthorityPem === undefined ? {} : { ca: clientAuthorityPem, requestCert: true, rejectUnauthorized: false };
    return { key: keyPem, cert: certPem, minVersion: 'TLSv1.3' as const, ...verification };
  }

  /** Resolves with the port when it listens. */
  listen(port: number, host: string): Promise<number> {
    return listening(this.#server, port, host);
  }

  /** Goes on, and with each answer asks the client to send the next review over another connection, which may lead elsewhere. */
  leave(): void {
    this.#leaving = true;
  }

  /** Stops accepting, lets running reviews end, then closes what is idle. */
  close(): Promise<void> {
    this.#leaving = true;
    this.#unfollow();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = pathOf(request);
    const { places } = this.#options;
    places?.works(request.socket);
    response.once('close', () => places?.waits(request.socket));
    try {
      const webhook = this.#admit(request, path);
      this.#inFlight += 1;
      try {
        this.#send(response, 200, await this.#judge(path, webhook, request));
      } finally {
        this.#inFlight -= 1;
      }
    } catch (error) {
      this.#refuse(path, error, request, response);
    }
  }

  /** Everything that can be said before the body. */
  #admit(request: IncomingMessage, path: string): Webhook {
    const { webhooks, clientAuthorityPem } = this.#options;
    const webhook = Object.hasOwn(webhooks, path) ? webhooks[path] : undefined;
    if (clientAuthorityPem !== undefined && !(request.socket as TLSSocket).authorized) {
      throw new HttpFailure(403, 'the client certificate is missing or of another authority');
    }
    if (webhook === undefined) throw new HttpFailure(404, 'there is no webhook at this path');
    if (request.method !== 'POST') throw new HttpFailure(405, 'reviews are sent with POST');
    if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '')) {
      throw new HttpFailure(415, 'reviews are application/json');
    }
    if (this.#inFlight >= MAX_IN_FLIGHT) throw new HttpFailure(503, 'too many reviews at a time');
    return webhook;
  }

  async #judge(path: string, webhook: Webhook, incoming: IncomingMessage): Promise<string> {
    const startMs = this.#options.nowMs();
    const body = await readBody(incoming);
    let request: AdmissionRequest;
    try {
      request = decodeReview(body);
    } catch (error) {
      if (!(error instanceof UnusableReview)) throw error;
      this.#options.observer.failed(path, 200, error);
      return encodeReview(error.uid, { ...ALLOWED, allowed: false, message: error.message }, null);
    }
    const answer = await withTimeout(webhook(request));
    this.#options.observer.answered(path, request, answer, this.#options.nowMs() - startMs);
    return encodeReview(request.uid, answer, request);
  }

  #refuse(path: string, cause: unknown, request: IncomingMessage, response: ServerResponse): void {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    const status = statusOf(error);
    this.#options.observer.failed(path, status, error);
    // Part of the body may be on its way still: the connection cannot carry another request.
    if (!request.complete) response.setHeader('connection', 'close');
    if (status === 405) response.setHeader('allow', 'POST');
    const message = status === 500 ? 'the review could not be judged' : error.message;
    this.#send(response, status, JSON.stringify({ code: error instanceof CodedError ? error.code : '', message }));
  }

  #send(response: ServerResponse, status: number, body: string): void {
    if (response.headersSent || response.destroyed) return;
    // A client would keep it, and with it the server from closing.
    if (this.#leaving) response.setHeader('connection', 'close');
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    response.writeHead(status, headers).end(body);
  }
}

/** Without the query (API servers add `?timeout=10s`), and not longer than a log line can bear. */
function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0]!.slice(0, 100);
}

function statusOf(error: Error): number {
  if (error instanceof HttpFailure) return error.status;
  if (!(error instanceof CodedError)) return 500;
  if (error.code === 'WEFT_WEBHOOK_LIMIT') return 413;
  return error.code === 'WEFT_WEBHOOK_REVIEW' ? 400 : 500;
}

async function withTimeout(answer: Promise<Answer>): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new HttpFailure(503, 'the review was not judged in time')), ANSWER_TIMEOUT_MS);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
