import { once } from 'node:events';
import tls from 'node:tls';
import { encodeFrame, FrameReader } from '../../../proxy-image/contract/framing.ts';
import { formatAddress } from '../../../proxy-image/contract/keys.ts';
import {
  type Change,
  CONFIG_ALPN,
  type Hello,
  MAX_MESSAGE_BYTES,
  type OperatorMessage,
  type ProxyMessage,
  REVISION,
} from '../../../proxy-image/contract/messages.ts';
import type { Endpoint, EndpointsResource, ResourceBody } from '../../../proxy-image/contract/resources.ts';

export type Batch = Extract<OperatorMessage, { type: 'batch' }>;

export interface HeldKey {
  version: string;
  body: ResourceBody;
}

export interface ClientOptions {
  port: number;
  anchorsPem: string;
  keyPem?: string;
  chainPem?: string;
  alpn?: string[];
  /** Identity that the server must prove. */
  serverName?: string;
}

/** Bounds every wait: a test that would hang fails instead. */
const WAIT_MS = 5_000;

/**
 * A proxy as far as the stream goes, written against the contract and not against the server: applies what it is sent the way the contract
 * says, and fails when it cannot be applied.
 */
export class ProxyClient {
  readonly held = new Map<string, HeldKey>();
  readonly batches: Batch[] = [];
  /** Every message, batches included. */
  readonly messages: OperatorMessage[] = [];
  /** Keys to refuse, with the problem. */
  readonly refuse = new Map<string, string>();
  /** False: batches are applied and not acknowledged. */
  acknowledging = true;
  closed = false;
  readonly socket: tls.TLSSocket;
  readonly #frames = new FrameReader(MAX_MESSAGE_BYTES);
  readonly #watchers = new Set<() => void>();

  private constructor(socket: tls.TLSSocket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Uint8Array) => {
      for (const message of this.#frames.push(chunk)) this.#receive(message as OperatorMessage);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
  }

  /** Resolves after the handshake; a server that refuses the certificate of a TLS 1.3 client closes afterwards. */
  static async connect(options: ClientOptions): Promise<ProxyClient> {
    const socket = tls.connect({
      port: options.port,
      host: '127.0.0.1',
      ca: options.anchorsPem,
      key: options.keyPem,
      cert: options.chainPem,
      ALPNProtocols: options.alpn ?? [CONFIG_ALPN],
      servername: options.serverName ?? 'weft-operator.test',
      minVersion: 'TLSv1.3',
    });
    const client = new ProxyClient(socket);
    await once(socket, 'secureConnect');
    return client;
  }

  send(message: ProxyMessage): void {
    this.socket.write(encodeFrame(message));
  }

  /** What a reconnecting proxy says it has. */
  heldKeys(): Hello['held'] {
    return [...this.held].map(([key, { version, body }]) => ({ key, version, sources: body.sources }));
  }

  hello(namespace: string, pod: string, held: Hello['held'] = [], extra: object = {}): void {
    const hello: Hello = {
      type: 'hello',
      revision: REVISION,
      namespace,
      pod,
      node: 'node-1',
      proxyVersion: 't',
      held,
    };
    this.send({ ...hello, ...extra });
  }

  body<B extends ResourceBody>(key: string): B {
    const held = this.held.get(key);
    if (held === undefined) throw new Error(`${key} is not held`);
    return held.body as B;
  }

  addresses(key: string): string[] {
    return this.body<EndpointsResource>(key).endpoints.map(({ address }) => address);
  }

  /** Changes of all batches so far, in order. */
  changes(): Change[] {
    return this.batches.flatMap(({ changes }) => changes);
  }

  acknowledgeLast(): void {
    this.send({ type: 'ack', seq: this.batches.at(-1)?.seq ?? 0 });
  }

  /** Waits until `condition` holds; looks after every message. */
  async until(condition: () => boolean, what = 'the condition'): Promise<void> {
    const endMs = performance.now() + WAIT_MS;
    while (!condition()) {
      if (performance.now() > endMs) throw new Error(`waited too long for ${what}; held: ${[...this.held.keys()]}`);
      await this.#next();
    }
  }

  /** Everything that was sent before has been answered: messages are handled in order, and the pong comes last. */
  async settled(): Promise<void> {
    const pongs = () => this.messages.filter(({ type }) => type === 'pong').length;
    const before = pongs();
    this.send({ type: 'ping' });
    await this.until(() => pongs() > before || this.closed, 'pong');
  }

  async ended(): Promise<Extract<OperatorMessage, { type: 'error' }> | null> {
    await this.until(() => this.closed, 'the end of the connection');
    return this.messages.find((message) => message.type === 'error') ?? null;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.socket.destroy();
    await this.until(() => this.closed);
  }

  #receive(message: OperatorMessage): void {
    this.messages.push(message);
    if (message.type === 'batch') {
      this.batches.push(message);
      for (const change of message.changes) this.#apply(message.seq, change);
      if (this.acknowledging) this.send({ type: 'ack', seq: message.seq });
    }
    this.#wake();
  }

  #apply(seq: number, change: Change): void {
    const problem = this.refuse.get(change.key);
    if (problem !== undefined) {
      this.send({ type: 'nack', seq, key: change.key, problems: [problem] });
      return;
    }
    if (change.op === 'delete') this.held.delete(change.key);
    else if (change.op === 'set') this.held.set(change.key, { version: change.version, body: change.body });
    else this.#patch(change);
  }

  #patch(change: Extract<Change, { op: 'patch' }>): void {
    const held = this.held.get(change.key);
    if (held?.version !== change.baseVersion) throw new Error(`patch of ${change.baseVersion}, held ${held?.version}`);
    const { endpoints } = held.body as EndpointsResource;
    const byId = new Map<string, Endpoint>(endpoints.map((each) => [formatAddress(each.address, each.port), each]));
    for (const id of change.removed) byId.delete(id);
    for (const each of [...change.changed, ...change.added]) byId.set(formatAddress(each.address, each.port), each);
    const patched = [...byId.values()].sort((a, b) => (a.address < b.address ? -1 : 1));
    this.held.set(change.key, { version: change.version, body: { endpoints: patched, sources: change.sources } });
  }

  #wake(): void {
    for (const watcher of this.#watchers) watcher();
    this.#watchers.clear();
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, 50);
      this.#watchers.add(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
