import net from 'node:net';
import type { Address } from '../../../proxy-image/io/transport/types.ts';
import { until } from '../transport/recorder.ts';
import type { TestMesh } from './mesh.ts';

export const GET = 'GET / HTTP/1.1\r\nHost: web\r\n\r\n';

/** A TCP client that says exactly what a test tells it and remembers what it hears. */
export class RawClient {
  readonly socket: net.Socket;
  text = '';
  ended = false;
  closed = false;
  error: NodeJS.ErrnoException | null = null;

  constructor(address: Address) {
    this.socket = net.connect({ host: address.ip, port: address.port, allowHalfOpen: true });
    this.socket.setNoDelay(true);
    this.socket.on('data', (chunk) => {
      this.text += chunk.toString('latin1');
    });
    this.socket.on('end', () => {
      this.ended = true;
    });
    this.socket.on('close', () => {
      this.closed = true;
    });
    this.socket.on('error', (error) => {
      this.error = error;
    });
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** Waits until the text so far contains `part`. */
  async hears(part: string, timeoutMs = 15_000): Promise<string> {
    await until(
      () => this.text.includes(part),
      `hear ${JSON.stringify(part)}, heard ${JSON.stringify(this.text)}`,
      timeoutMs,
    );
    return this.text;
  }

  async gone(timeoutMs = 15_000): Promise<string> {
    await until(() => this.ended || this.closed, `the end, heard ${JSON.stringify(this.text)}`, timeoutMs);
    return this.text;
  }

  close(): void {
    this.socket.destroy();
  }
}

/** The answer to a request: its head, and its body where that has a length. */
export async function askOn(client: RawClient, request: string = GET): Promise<string> {
  client.text = '';
  client.send(request);
  const head = await client.hears('\r\n\r\n');
  const length = request.startsWith('HEAD ') ? 0 : Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
  const bodyAt = head.indexOf('\r\n\r\n') + 4;
  await until(() => client.text.length >= bodyAt + length, 'the body');
  return client.text;
}

export function dialRaw(mesh: TestMesh, address: Address): RawClient {
  const client = new RawClient(address);
  mesh.onStop(() => client.close());
  return client;
}

/** One connection that a server of a test has accepted. */
export interface Served {
  socket: net.Socket;
  text: string;
  ended: boolean;
}

/** A TCP server of a test. `onText` is called with all that a connection has said so far, after every chunk. */
export async function serveRaw(
  mesh: TestMesh,
  onText: (served: Served, chunk: string) => void,
): Promise<{ port: number; served: Served[]; stop: () => void }> {
  const served: Served[] = [];
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    const one: Served = { socket, text: '', ended: false };
    served.push(one);
    socket.on('data', (chunk) => {
      const text = chunk.toString('latin1');
      one.text += text;
      onText(one, text);
    });
    socket.on('end', () => {
      one.ended = true;
    });
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  mesh.onStop(() => {
    server.close();
    for (const { socket } of served) socket.destroy();
  });
  // No new connections; those that there are stay.
  return { port: (server.address() as net.AddressInfo).port, served, stop: () => server.close() };
}

/** Answers every complete bodiless request with what `respond` makes of it. */
export async function serveHttp(
  mesh: TestMesh,
  respond: (request: string) => string,
): Promise<{ port: number; served: Served[] }> {
  return serveRaw(mesh, (one) => {
    for (let end = one.text.indexOf('\r\n\r\n'); end !== -1; end = one.text.indexOf('\r\n\r\n')) {
      const request = one.text.slice(0, end + 4);
      one.text = one.text.slice(end + 4);
      one.socket.write(respond(request), 'latin1');
    }
  });
}

export function ok(body: string, lines = ''): string {
  return `HTTP/1.1 200 OK\r\n${lines}content-length: ${body.length}\r\n\r\n${body}`;
}
