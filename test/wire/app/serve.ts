import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { CONTROL_PORT, GRPC, type Seen, TAG } from './contract.ts';

/** First bytes of a client that speaks HTTP/2 with prior knowledge (RFC 9113 §3.4); no method of HTTP/1 begins so. */
const PREFACE = 'PRI';
const HTTP1 = /^[A-Z]+ /;

/** By tag, then by the name that was called. */
const counts = new Map<string, Record<string, number>>();

/** Each port speaks HTTP/1.1, HTTP/2, gRPC, and sends anything else back as it comes; told apart by the first bytes. */
export function serve(named: readonly string[]): void {
  for (const [name, port] of named.flatMap(portsOf)) listen(name, port);
  const control = createServer((request, response) => {
    const tag = new URL(request.url ?? '/', 'http://control').searchParams.get('tag') ?? '';
    response.end(JSON.stringify(counts.get(tag) ?? {}));
  });
  control.listen(CONTROL_PORT, '127.0.0.1', () => console.log('serving'));
}

/** `name=8001`, `name=9000-9004`. */
function portsOf(text: string): [string, number][] {
  const [name = '', range = ''] = text.split('=');
  const [first = 0, last = first] = range.split('-').map(Number);
  return Array.from({ length: last - first + 1 }, (_, index) => [name, first + index]);
}

function listen(name: string, port: number): void {
  const http1 = createServer((request, response) => answer(name, request, response));
  const http2 = createHttp2Server((request, response) => answer(name, request, response));
  const server = createTcpServer((socket: Socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('readable', () => {
      const first: Buffer | null = socket.read();
      if (first === null) return socket.destroy();
      const text = first.toString('latin1', 0, 16);
      socket.unshift(first);
      if (text.startsWith(PREFACE)) return http2.emit('connection', socket);
      if (!HTTP1.test(text)) return socket.pipe(socket);
      http1.emit('connection', socket);
      return socket.resume();
    });
  });
  server.listen(port);
}

function answer(
  name: string,
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
): void {
  const seen = seenOf(name, request);
  count(name, seen.headers[TAG]);
  request.resume();
  request.on('error', () => {});
  request.on('end', () => {
    response.setHeader('x-server', 'echo');
    response.setHeader('x-kind', 'plain');
    const text = Buffer.from(JSON.stringify(seen));
    if (seen.headers['content-type'] !== GRPC) {
      response.setHeader('content-type', 'application/json');
      return void response.end(text);
    }
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(text.length, 1);
    response.setHeader('content-type', GRPC);
    response.addTrailers({ 'grpc-status': '0' });
    response.end(Buffer.concat([prefix, text]));
  });
}

function seenOf(name: string, request: IncomingMessage | Http2ServerRequest): Seen {
  const headers: Record<string, string> = {};
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const key = request.rawHeaders[i]!.toLowerCase();
    const value = request.rawHeaders[i + 1]!;
    headers[key] = headers[key] === undefined ? value : `${headers[key]},${value}`;
  }
  return {
    name,
    method: request.method ?? '',
    target: request.url ?? '',
    host: headers[':authority'] ?? headers['host'] ?? '',
    headers,
  };
}

function count(name: string, tag: string | undefined): void {
  if (tag === undefined) return;
  const of = counts.get(tag) ?? {};
  of[name] = (of[name] ?? 0) + 1;
  counts.set(tag, of);
}
