import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

interface Pair {
  client: Socket;
  upstream: Socket;
}

/** A TCP relay whose connections can go silent without an end, as when a firewall forgets them, or be cut. */
export class TcpRelay {
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #upstreamPort: number;
  #frozen = false;
  /** Connections made through it so far. */
  accepted = 0;

  constructor(upstreamPort: number) {
    this.#upstreamPort = upstreamPort;
    this.#server = createServer((client) => this.#accept(client));
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get open(): number {
    return this.#pairs.size;
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** The connections of now carry nothing any more; later ones do. */
  freezeOpen(): void {
    for (const { client, upstream } of this.#pairs) {
      client.unpipe(upstream).pause();
      upstream.unpipe(client).pause();
    }
  }

  /** Nothing is carried, on connections of now or later, until `thaw`. */
  freeze(): void {
    this.#frozen = true;
    this.freezeOpen();
  }

  /** New connections work again; those of before stay silent. */
  thaw(): void {
    this.#frozen = false;
  }

  cut(): void {
    for (const { client, upstream } of this.#pairs) {
      client.destroy();
      upstream.destroy();
    }
  }

  #accept(client: Socket): void {
    this.accepted += 1;
    const upstream = connect(this.#upstreamPort, '127.0.0.1');
    const pair: Pair = { client, upstream };
    this.#pairs.add(pair);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => {
        other.destroy();
        this.#pairs.delete(pair);
      });
      if (!this.#frozen) one.pipe(other);
    }
  }
}
