import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Component } from '../runtime/manager.ts';

/** One condition of readiness; `check` gives null when it holds, else what is wrong in one line. */
export interface ReadinessCheck {
  name: string;
  check(): string | null;
}

export interface AdminOptions {
  host: string;
  /** 0 = any free one. */
  port: number;
  checks: readonly ReadinessCheck[];
  metrics(): Promise<{ contentType: string; body: string }>;
}

/** Requests are small and rare; a peer that trickles bytes is cut off. */
const REQUEST_TIMEOUT_MS = 5_000;

/** `/live`, `/ready` and `/metrics`. Liveness is only that the event loop answers: a restart would not heal an absent API server. */
export class AdminServer implements Component {
  readonly name = 'admin server';
  readonly #options: AdminOptions;
  readonly #server: Server;

  constructor(options: AdminOptions) {
    this.#options = options;
    this.#server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: REQUEST_TIMEOUT_MS });
    this.#server.on('request', (request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  /** The port that is listened on. */
  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#options.port, this.#options.host, resolve);
    });
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, 'only GET\n');
    switch (request.url?.split('?', 1)[0]) {
      case '/live':
        return send(response, 200, 'ok\n');
      case '/ready':
        return this.#ready(response);
      case '/metrics': {
        const { contentType, body } = await this.#options.metrics();
        return send(response, 200, body, contentType);
      }
      default:
        return send(response, 404, 'not found: try /live, /ready or /metrics\n');
    }
  }

  #ready(response: ServerResponse): void {
    const results = this.#options.checks.map(({ name, check }) => ({ name, problem: check() }));
    const lines = results.map(({ name, problem }) => (problem === null ? `[+] ${name}` : `[-] ${name}: ${problem}`));
    const failed = results.some(({ problem }) => problem !== null);
    send(response, failed ? 503 : 200, `${lines.join('\n')}\n`);
  }
}

function send(response: ServerResponse, status: number, body: string, contentType = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
