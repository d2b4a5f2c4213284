import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { KubeConfig } from '@kubernetes/client-node';
import { createLeaf, createTestAuthority } from '../support/certificates.ts';
import { type ApiObject, FakeObjects, type StoredEvent } from './api-objects.ts';

export interface SeenRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  contentType: string;
  accept: string;
  isWatch: boolean;
  /** Of whoever asks. */
  token: string;
}

/** What happens to a request instead of its answer. */
export type Fault =
  | { type: 'status'; status: number; headers?: Record<string, string>; body?: object | string }
  | { type: 'hang' }
  | { type: 'reset' }
  | { type: 'delay'; ms: number };

interface OpenWatch {
  path: string;
  response: ServerResponse;
}

/**
 * An API server as far as list, watch and simple writes go, over real TLS sockets, whose failures can be scripted. What it does in good weather follows
 * the real one (which the integration tests use); what the real one cannot be made to do on command is why this exists.
 */
export class FakeApiServer {
  readonly objects = new FakeObjects();
  readonly requests: SeenRequest[] = [];
  /** Asked for every request; null = a normal answer. */
  fault: (request: SeenRequest) => Fault | null = () => null;
  /** While true, watches stay open but nothing is written to them. */
  silent = false;
  connections = 0;
  readonly #authority = createTestAuthority();
  readonly #hostName: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #watches = new Set<OpenWatch>();

  /** `hostName`: the one in its certificate. */
  constructor(hostName = 'api.test') {
    this.#hostName = hostName;
    const { keyPem, chainPem } = createLeaf(this.#authority, hostName);
    this.#server = createServer({ key: keyPem, cert: chainPem });
    this.#server.on('secureConnection', (socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
    });
    this.#server.on('request', (request, response) => this.#receive(request, response));
    this.objects.onEvent((event) => this.#broadcast(event));
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get openConnections(): number {
    return this.#sockets.size;
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  async start(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    return this;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** What it proves itself by, for somebody who comes without a kubeconfig. */
  get proof(): { caPem: string; serverName: string } {
    return { caPem: this.#authority.anchorsPem, serverName: this.#hostName };
  }

  /** Points `config` at this server; `token` tells one who asks from another. */
  configure<C extends KubeConfig>(config: C, token = 'not-checked'): C {
    config.loadFromClusterAndUser(
      {
        name: 'fake',
        server: this.url,
        caData: Buffer.from(this.#authority.anchorsPem).toString('base64'),
        tlsServerName: this.#hostName,
        skipTLSVerify: false,
      },
      { name: 'tester', token },
    );
    return config;
  }

  seen(method: string, path: string): SeenRequest[] {
    return this.requests.filter((request) => request.method === method && request.path === path);
  }

  lists(path: string): SeenRequest[] {
    return this.seen('GET', path).filter(({ isWatch }) => !isWatch);
  }

  watches(path: string): SeenRequest[] {
    return this.seen('GET', path).filter(({ isWatch }) => isWatch);
  }

  /** Ends the open watches: cleanly, by cutting the connection, or with an ERROR event. */
  endWatches(how: 'close' | 'reset' | { error: object }): void {
    for (const watch of [...this.#watches]) {
      if (how === 'reset') watch.response.socket?.destroy();
      else if (how === 'close') watch.response.end();
      else watch.response.end(`${JSON.stringify({ type: 'ERROR', object: how.error })}\n`);
    }
  }

  bookmark(): void {
    const metadata = { resourceVersion: this.objects.version };
    for (const { response } of this.#watches) {
      if (!this.silent) response.write(`${JSON.stringify({ type: 'BOOKMARK', object: { metadata } })}\n`);
    }
  }

  /** Raw bytes into every open watch. */
  inject(bytes: string | Buffer): void {
    for (const { response } of this.#watches) response.write(bytes);
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', `https://${this.#hostName}`);
    const seen: SeenRequest = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      contentType: request.headers['content-type'] ?? '',
      accept: request.headers.accept ?? '',
      isWatch: url.searchParams.get('watch') === 'true',
      token: (request.headers.authorization ?? '').replace(/^Bearer /, ''),
    };
    this.requests.push(seen);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => this.#respond(seen, Buffer.concat(chunks).toString(), response));
  }

  #respond(seen: SeenRequest, body: string, response: ServerResponse): void {
    const fault = this.fault(seen);
    switch (fault?.type) {
      case undefined:
        this.#answer(seen, body, response);
        return;
      case 'hang':
        return;
      case 'reset':
        response.socket?.destroy();
        return;
      case 'delay':
        setTimeout(() => this.#answer(seen, body, response), fault.ms);
        return;
      case 'status':
        send(response, fault.status, fault.body ?? statusBody(fault.status), fault.headers);
    }
  }

  #answer(seen: SeenRequest, body: string, response: ServerResponse): void {
    if (seen.isWatch) {
      this.#watch(seen, response);
      return;
    }
    const { status, body: answer } = this.objects.handle(seen.method, seen.path, seen.query, body);
    send(response, status, answer ?? statusBody(status));
  }

  #watch({ path: asked, query }: SeenRequest, response: ServerResponse): void {
    // Of all namespaces: whoever asks for one of them hears of the others too.
    const path = asked.replace(/\/namespaces\/[^/]+(?=\/)/, '');
    const backlog = this.objects.since(path, query.get('resourceVersion') ?? '');
    if (backlog === null) {
      send(response, 410, statusBody(410));
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    const watch: OpenWatch = { path, response };
    this.#watches.add(watch);
    response.on('close', () => this.#watches.delete(watch));
    for (const event of backlog) write(response, event);
  }

  #broadcast(event: StoredEvent): void {
    if (this.silent) return;
    for (const watch of this.#watches) if (watch.path === event.path) write(watch.response, event);
  }
}

function write(response: ServerResponse, { type, object }: StoredEvent): void {
  response.write(`${JSON.stringify({ type, object })}\n`);
}

export function statusBody(code: number, reason = '', details: object = {}): object {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message: `status ${code}`, details };
}

function send(
  response: ServerResponse,
  status: number,
  body: object | string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

export type { ApiObject };
