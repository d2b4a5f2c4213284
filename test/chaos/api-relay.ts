import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { PooledKubeConfig } from '../../operator/kube/kubeconfig.ts';
import { createLeaf, createTestAuthority } from '../support/certificates.ts';
import type { Ledger } from './ledger.ts';
import { WatchStream } from './watch-stream.ts';
import { FAIR, type Weather } from './weather.ts';

/** Making keys takes longer than all else that a relay does to begin. */
const AUTHORITY = createTestAuthority();
const HOST = 'api.test';
const LEAF = createLeaf(AUTHORITY, HOST);
const GONE_STATUS = {
  apiVersion: 'v1',
  kind: 'Status',
  status: 'Failure',
  reason: 'Expired',
  message: 'too old resource version',
  code: 410,
};

/** What a request is, as far as faults are about it. */
export interface Asked {
  method: string;
  path: string;
  isWatch: boolean;
  isList: boolean;
}

/** The API server as it is reached. */
export interface Upstream {
  port: number;
  caPem: string;
  adminCertificatePem: string;
  adminKeyPem: string;
  /** That it proves, where that is not its address. */
  serverName?: string;
}

export interface ApiRelayOptions {
  api: Upstream;
  ledger: Ledger;
  /** Of who comes by it, in the ledger. */
  author: string;
  random: () => number;
}

/**
 * Stands between one operator and the API server: ends the operator's TLS, asks the API server itself, and does to requests and answers what the weather says.
 * What has been passed on is carried out whether or not the operator still waits for it, and noted in the ledger: only so is anything known of requests
 * whose answer got lost.
 */
export class ApiRelay {
  /** Looks at each request before it is passed on, and may hold it; for tests that wait for a certain one. */
  before: (asked: Asked) => Promise<void> | undefined = () => undefined;
  /** The same before the answer is given back. */
  after: (asked: Asked) => Promise<void> | undefined = () => undefined;
  /** What has been asked for. */
  requests = 0;
  readonly #options: ApiRelayOptions;
  readonly #server: Server;
  readonly #upstream: Agent;
  readonly #sockets = new Set<Socket>();
  readonly #watches = new Set<WatchStream>();
  #weather: Weather = FAIR;
  #ended = false;

  constructor(options: ApiRelayOptions) {
    const { api } = options;
    this.#options = options;
    this.#server = createServer({ key: LEAF.keyPem, cert: LEAF.chainPem });
    const { caPem: ca, adminCertificatePem: cert, adminKeyPem: key, serverName: servername } = api;
    const named = servername === undefined ? {} : { servername };
    this.#upstream = new Agent({ keepAlive: true, ca, cert, key, ...named });
    this.#server.on('connection', (socket) => this.#connected(socket));
    this.#server.on('tlsClientError', () => {});
    this.#server.on('request', (asked, answer) => void this.#serve(asked, answer).catch(() => answer.destroy()));
  }

  get weather(): Weather {
    return this.#weather;
  }

  set weather(weather: Weather) {
    this.#weather = weather;
    if (weather.silent) for (const watch of this.#watches) watch.silence();
    if (weather.refusing) this.cut();
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  /** What an operator is given to come by here. */
  kubeConfig(): PooledKubeConfig {
    const config = new PooledKubeConfig();
    const authority = Buffer.from(AUTHORITY.anchorsPem).toString('base64');
    const cluster = { server: this.url, 'certificate-authority-data': authority, 'tls-server-name': HOST };
    config.loadFromString(
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'c', cluster }],
        users: [{ name: 'u', user: { token: 'whoever' } }],
        contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
        'current-context': 'x',
      }),
    );
    return config;
  }

  /** Resets every connection of now. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Every open watch is told that its version has expired, and ended. */
  expire(): void {
    for (const watch of this.#watches) watch.end({ type: 'ERROR', object: GONE_STATUS });
  }

  /** From now on, as when the process that came by here is gone: nothing more is passed on. */
  end(): void {
    this.#ended = true;
    this.cut();
  }

  async stop(): Promise<void> {
    this.end();
    this.#upstream.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #connected(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    if (this.#weather.refusing || this.#ended) socket.resetAndDestroy();
  }

  async #serve(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const asked = askedBy(incoming);
    const body = await bodyOf(incoming);
    this.requests += 1;
    answer.on('error', () => {});
    const weather = this.#weather;
    await sleep(weather.latencyMs + (asked.isList ? weather.listLatencyMs : 0));
    await this.before(asked);
    // Forgotten on the way: nobody hears of it again.
    if (this.#weather.silent) return;
    if (this.#ended || answer.destroyed) return void answer.destroy();
    if (this.#happens(weather.refused)) return refuse(answer, weather);
    const upstream = await this.#pass(incoming, body);
    if (asked.isWatch && upstream.statusCode === 200) return this.#watch(upstream, answer);
    const content = await bodyOf(upstream);
    this.#note(asked, body, upstream.statusCode ?? 0, content);
    await this.after(asked);
    if (this.#weather.silent) return;
    this.#give(answer, upstream, content);
  }

  #pass(incoming: IncomingMessage, body: Buffer): Promise<IncomingMessage> {
    const { api } = this.#options;
    const { authorization: _, host: __, connection: ___, ...headers } = incoming.headers;
    const target = { host: '127.0.0.1', port: api.port, path: incoming.url, method: incoming.method };
    return new Promise((resolve, reject) => {
      const upstream = request({ ...target, headers, agent: this.#upstream }, resolve);
      upstream.on('error', reject);
      upstream.end(body);
    });
  }

  #watch(upstream: IncomingMessage, answer: ServerResponse): void {
    const watch = new WatchStream(
      upstream,
      answer,
      () => this.#weather,
      (share) => this.#happens(share),
    );
    this.#watches.add(watch);
    answer.once('close', () => this.#watches.delete(watch));
  }

  #give(answer: ServerResponse, { statusCode = 502, headers }: IncomingMessage, content: Buffer): void {
    const { 'transfer-encoding': _, connection: __, ...given } = headers;
    const half = content.subarray(0, Math.floor(content.length / 2));
    if (this.#happens(this.#weather.cut)) {
      answer.writeHead(statusCode, { ...given, 'content-length': content.length });
      answer.write(half, () => answer.socket?.destroy());
      return;
    }
    const whole = this.#happens(this.#weather.truncated) ? half : content;
    answer.writeHead(statusCode, { ...given, 'content-length': whole.length }).end(whole);
  }

  #note({ method, path }: Asked, body: Buffer, status: number, content: Buffer): void {
    if (method === 'GET' || status >= 300) return;
    const { ledger, author } = this.#options;
    ledger.note(author, method, path, parsed(body), parsed(content));
  }

  #happens(share: number): boolean {
    return share > 0 && this.#options.random() < share;
  }
}

function askedBy({ method = 'GET', url = '/' }: IncomingMessage): Asked {
  const { pathname: path, searchParams } = new URL(url, 'https://api');
  const isWatch = searchParams.get('watch') === 'true';
  return { method, path, isWatch, isList: method === 'GET' && !isWatch && searchParams.has('limit') };
}

function refuse(answer: ServerResponse, { refusal: { status, retryAfterSeconds } }: Weather): void {
  const headers = retryAfterSeconds > 0 ? { 'retry-after': String(retryAfterSeconds) } : {};
  const body = { apiVersion: 'v1', kind: 'Status', status: 'Failure', message: 'refused by the weather', code: status };
  const reason = status === 410 ? { reason: 'Expired' } : {};
  answer.writeHead(status, { 'content-type': 'application/json', ...headers });
  answer.end(JSON.stringify({ ...body, ...reason }));
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return null;
  }
}
