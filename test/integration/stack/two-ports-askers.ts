import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Address } from '../../../proxy-image/io/transport/types.ts';
import type { TestMesh } from './mesh.ts';
import { ok, RawClient, serveHttp } from './peers.ts';
import type { CallerName, PortName, Referee } from './two-ports.ts';

/** Asks again as soon as it is answered. */
export interface Asker {
  start(): void;
  stop(): void;
}

/** Where and as whom. */
export interface AskerOptions {
  address: Address;
  caller: CallerName;
  port: PortName;
  referee: Referee;
}

/** On one connection for as long as it is left open. */
export class Http1Asker implements Asker {
  readonly #options: AskerOptions;
  #client: RawClient | null = null;
  #target = '';
  #stopped = false;

  constructor(options: AskerOptions) {
    this.#options = options;
  }

  start(): void {
    const client = new RawClient(this.#options.address);
    this.#client = client;
    client.socket.on('data', () => this.#heard(client));
    client.socket.on('close', () => {
      if (!this.#stopped) this.start();
    });
    this.#ask(client);
  }

  #ask(client: RawClient): void {
    const { referee, port, caller } = this.#options;
    this.#target = referee.target(port, caller);
    client.text = '';
    client.send(`GET ${this.#target} HTTP/1.1\r\nHost: ${port}\r\n\r\n`);
  }

  #heard(client: RawClient): void {
    const head = client.text.indexOf('\r\n\r\n');
    const length = Number(/content-length: (\d+)/i.exec(client.text)?.[1]);
    if (head === -1 || client.text.length < head + 4 + length) return;
    this.#options.referee.answered(this.#target, Number(client.text.slice(9, 12)));
    if (/^connection: close\r$/im.test(client.text)) client.close();
    else this.#ask(client);
  }

  stop(): void {
    this.#stopped = true;
    this.#client?.close();
  }
}

/** Many streams of one connection. */
export class Http2Asker implements Asker {
  readonly #options: AskerOptions;
  readonly #streams: number;
  #session: http2.ClientHttp2Session | null = null;
  #stopped = false;

  constructor(options: AskerOptions, streams: number) {
    this.#options = options;
    this.#streams = streams;
  }

  start(): void {
    const { ip, port } = this.#options.address;
    this.#session = http2.connect(`http://${ip}:${port}`).on('error', () => {});
    for (let i = 0; i < this.#streams; i++) this.#ask(this.#session);
  }

  #ask(session: http2.ClientHttp2Session): void {
    const { referee, port, caller } = this.#options;
    const target = referee.target(port, caller);
    const stream = session.request({ ':path': target, ':authority': port });
    let status = 0;
    stream.on('response', (headers) => {
      status = headers[':status'] ?? 0;
    });
    stream.on('error', () => {});
    stream.on('close', () => {
      if (this.#stopped) return;
      if (status === 0) {
        referee.faults.push(`${target} was not answered`);
        return;
      }
      referee.answered(target, status);
      this.#ask(session);
    });
    stream.resume();
  }

  stop(): void {
    this.#stopped = true;
    this.#session?.destroy();
  }
}

/** An application that reports to `referee()` whatever reaches it, and on which port it listens. */
export async function serveHttp1Port(mesh: TestMesh, name: PortName, referee: () => Referee): Promise<number> {
  const { port } = await serveHttp(mesh, (request) => {
    referee().arrived(name, request.split(' ', 2)[1]!, /l5d-client-id: (.*)\r\n/.exec(request)?.[1] ?? '');
    return ok(name);
  });
  return port;
}

export async function serveHttp2Port(mesh: TestMesh, name: PortName, referee: () => Referee): Promise<number> {
  const sessions = new Set<http2.ServerHttp2Session>();
  const server = http2.createServer();
  server.on('session', (session) => sessions.add(session.on('error', () => {})));
  server.on('stream', (stream: http2.ServerHttp2Stream, headers) => {
    stream.on('error', () => {});
    referee().arrived(name, String(headers[':path']), String(headers['l5d-client-id'] ?? ''));
    stream.respond({ ':status': 200 });
    stream.end(name);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  mesh.onStop(() => {
    server.close();
    for (const session of sessions) session.destroy();
  });
  return (server.address() as AddressInfo).port;
}
