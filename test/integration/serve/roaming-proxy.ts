import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff, UPPER_HALF } from '../../../lib/backoff.ts';
import type { Change } from '../../../proxy-image/contract/messages.ts';
import { type ClientOptions, ProxyClient } from './proxy-client.ts';

/** A replica as the Service knows it. */
export interface ServicePort {
  replica: string;
  port: number;
}

export interface RoamingOptions extends Pick<ClientOptions, 'anchorsPem' | 'keyPem' | 'chainPem' | 'serverName'> {
  namespace: string;
  pod: string;
  /** Where the Service leads to now; it is asked for each connection. */
  service(): readonly ServicePort[];
}

/** As that of a proxy (`io/config-source/operator/source.ts`). */
const BACKOFF = { initialMs: 100, maxMs: 5_000, spread: UPPER_HALF };

/** A proxy that keeps its stream as the contract says: by the Service to any replica, after each end to any again, with what it has. */
export class RoamingProxy {
  /** Of the replica that it is connected to; empty: it is not. */
  replica = '';
  client: ProxyClient | null = null;
  /** Code of the last message of each connection that has ended. */
  readonly ends: string[] = [];
  /** What it was sent because of what it came with, and not because something has changed since: before the answer to its first ping. */
  readonly changesAfterResume: Change[] = [];
  readonly #options: RoamingOptions;
  readonly #backoff = new Backoff(BACKOFF, Math.random);
  readonly #wanted: string[];
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: RoamingOptions, wanted: string[]) {
    this.#options = options;
    this.#wanted = wanted;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** It is connected, and has what it wants. */
  get settled(): boolean {
    const { client } = this;
    return client !== null && !client.closed && this.#wanted.every((key) => client.held.has(key));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.client?.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await this.#once().catch(() => undefined);
      this.replica = '';
      if (!this.#stopped) await sleep(this.#backoff.nextMs());
    }
  }

  /** One connection, to its end. */
  async #once(): Promise<void> {
    const { namespace, pod, service, ...tls } = this.#options;
    const endpoints = service();
    const endpoint = endpoints[Math.floor(Math.random() * endpoints.length)];
    if (endpoint === undefined) return;
    const before = this.client;
    const client = await ProxyClient.connect({ ...tls, port: endpoint.port });
    for (const [key, held] of before?.held ?? []) client.held.set(key, held);
    this.client = client;
    client.hello(namespace, pod, client.heldKeys());
    client.send({ type: 'subscribe', keys: this.#wanted.filter((key) => !client.held.has(key)) });
    client.send({ type: 'ping' });
    const ended = new Promise<void>((resolve) => client.socket.once('close', () => resolve()));
    client.socket.once('data', () => {
      this.replica = endpoint.replica;
      this.#backoff.reset();
    });
    const pings = setInterval(() => client.send({ type: 'ping' }), 5_000);
    await ended;
    clearInterval(pings);
    const last = client.messages.at(-1);
    this.ends.push(last?.type === 'error' ? last.code : '');
    if (before !== null) this.changesAfterResume.push(...answersOf(client));
  }
}

function answersOf({ messages }: ProxyClient): Change[] {
  const pong = messages.findIndex(({ type }) => type === 'pong');
  return messages.slice(0, Math.max(0, pong)).flatMap((message) => (message.type === 'batch' ? message.changes : []));
}
