import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { type CliResult, runCli } from './cli.ts';
import { ServerWebSocket } from './websocket.ts';

export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; [field: string]: unknown };
  [field: string]: unknown;
}

interface Answer {
  status: number;
  text: string;
}

/**
 * An API server as far as verbs read it, on a port of its own: the objects given, and what pods answer behind `pods/proxy` and `pods/portforward`. Without objects of a
 * kind the list is empty, whatever the kind.
 */
export class CliCluster {
  objects: KubeObject[] = [];
  /** `GET` and such of paths that no object has: path (without parameters) → answer. */
  readonly answers = new Map<string, (url: URL) => Answer>();
  /** What is answered bit by bit: path → who writes it. */
  readonly streams = new Map<string, (url: URL, response: ServerResponse) => void>();
  /** `namespace/pod:port` → port of this machine that stands for it. */
  readonly forwarded = new Map<string, number>();
  /** Whether `pods/portforward` is allowed. */
  mayForward = true;
  readonly asked: IncomingMessage[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), 'weft-cli-'));
  readonly #sockets = new Set<Socket>();
  readonly #server: Server = createServer((request, response) => this.#answer(request, response));

  async start(): Promise<void> {
    this.#server.on('upgrade', (request, socket) => this.#upgrade(request, socket));
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const [name, server] = ['test', `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`];
    const config = {
      'current-context': name,
      clusters: [{ name, cluster: { server } }],
      users: [{ name, user: { token: 'a-token' } }],
      contexts: [{ name, context: { cluster: name, user: name, namespace: 'shop' } }],
    };
    writeFileSync(this.#kubeconfig, JSON.stringify(config));
  }

  reset(): void {
    this.objects = [];
    this.answers.clear();
    this.streams.clear();
    this.forwarded.clear();
    this.asked.length = 0;
    this.mayForward = true;
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    rmSync(this.#folder, { recursive: true });
  }

  /** The command, whose current context has this cluster and the namespace `shop`. */
  run(argv: readonly string[], world: Parameters<typeof runCli>[1] = {}): Promise<CliResult> {
    return runCli(argv, { ...world, env: { KUBECONFIG: this.#kubeconfig, ...world.env } });
  }

  get env(): Record<string, string> {
    return { KUBECONFIG: this.#kubeconfig };
  }

  /** What a pod answers to `GET` of a path of one of its ports, by way of `pods/proxy`. */
  podAnswers(namespace: string, pod: string, port: number, path: string, text: string, status = 200): void {
    this.answers.set(`/api/v1/namespaces/${namespace}/pods/${pod}:${port}/proxy${path}`, () => ({ status, text }));
  }

  get #kubeconfig(): string {
    return join(this.#folder, 'config');
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.asked.push(request);
    const url = new URL(request.url ?? '/', 'http://api');
    const stream = this.streams.get(url.pathname);
    if (stream !== undefined) {
      response.writeHead(200, { 'content-type': 'application/json' });
      stream(url, response);
      return;
    }
    const { status, text } = this.answers.get(url.pathname)?.(url) ?? this.#objectAnswer(url);
    response.writeHead(status, { 'content-type': text.startsWith('{') ? 'application/json' : 'text/plain' }).end(text);
  }

  #objectAnswer(url: URL): Answer {
    const place =
      /^(?:\/api|\/apis\/(?<group>[^/]+))\/(?<version>[^/]+)(?:\/namespaces\/(?<namespace>[^/]+)(?=\/))?\/(?<plural>[a-z]+)(?:\/(?<name>[^/]+))?$/.exec(
        url.pathname,
      )?.groups;
    if (place === undefined) return failure(404, 'NotFound', url.pathname);
    const { group, version, namespace, plural, name } = place;
    const apiVersion = group === undefined ? version : `${group}/${version}`;
    const found = this.objects.filter(
      (object) =>
        object.apiVersion === apiVersion &&
        pluralOf(object.kind) === plural &&
        (namespace === undefined || object.metadata.namespace === namespace),
    );
    if (name === undefined) {
      const selector = url.searchParams.get('labelSelector') ?? '';
      const items = found.filter(({ metadata }) => fulfils(metadata.labels ?? {}, selector));
      return { status: 200, text: JSON.stringify({ metadata: { resourceVersion: '1' }, items }) };
    }
    const object = found.find(({ metadata }) => metadata.name === name);
    if (object === undefined) return failure(404, 'NotFound', `${plural} "${name}" not found`);
    return { status: 200, text: JSON.stringify(object) };
  }

  #upgrade(request: IncomingMessage, socket: Duplex): void {
    this.asked.push(request);
    const url = new URL(request.url ?? '/', 'http://api');
    const [, namespace, pod] = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/portforward$/.exec(url.pathname) ?? [];
    const port = Number(url.searchParams.get('ports'));
    if (pod === undefined || !this.mayForward) {
      socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    const web = new ServerWebSocket(request, socket, 'v4.channel.k8s.io');
    const opening = Buffer.from([port & 0xff, port >> 8]);
    web.send(Buffer.concat([Buffer.from([0]), opening]));
    web.send(Buffer.concat([Buffer.from([1]), opening]));
    const target = this.forwarded.get(`${namespace}/${pod}:${port}`);
    if (target === undefined) {
      web.send(Buffer.concat([Buffer.from([1]), Buffer.from(`error forwarding port ${port}: connection refused`)]));
      return;
    }
    const there = connect(target, '127.0.0.1');
    there.on('data', (chunk: Buffer) => web.send(Buffer.concat([Buffer.from([0]), chunk])));
    there.on('error', () => {});
    there.on('close', () => web.close());
    web.onMessage = (message) => void there.write(message.subarray(1));
    web.onClose = () => there.destroy();
  }
}

function failure(code: number, reason: string, message: string): Answer {
  return { status: code, text: JSON.stringify({ kind: 'Status', status: 'Failure', code, reason, message }) };
}

function pluralOf(kind: string): string {
  const lower = kind.toLowerCase();
  if (lower.endsWith('y')) return `${lower.slice(0, -1)}ies`;
  return /(?:s|sh)$/.test(lower) ? `${lower}es` : `${lower}s`;
}

/** Equality only; `!a` is the absence of a label. */
function fulfils(labels: Readonly<Record<string, string>>, selector: string): boolean {
  return selector
    .split(',')
    .filter((part) => part !== '')
    .every((part) => {
      const [key = '', value] = part.split('=');
      if (key.startsWith('!')) return !(key.slice(1) in labels);
      return value === undefined ? key in labels : labels[key] === value;
    });
}
