import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { BEHAVIOUR, type Behaviour, CONTROL_PORT, GRPC, type Seen, TAG } from './contract.ts';

type Response = ServerResponse | Http2ServerResponse;

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

function answer(name: string, request: IncomingMessage | Http2ServerRequest, response: Response): void {
  const seen = seenOf(name, request);
  const nth = count(name, seen.headers[TAG]);
  request.resume();
  request.on('error', () => {});
  response.on('error', () => {});
  request.on('end', () => void respond(seen, nth, response));
}

/** Ends early where the client has gone. */
async function respond(seen: Seen, nth: number, response: Response): Promise<void> {
  let gone = false;
  response.once('close', () => {
    gone = true;
  });
  const { silentMs = 0, drip = { bytes: 0, pauseMs: 0 }, fail } = behaviourOf(seen);
  await sleep(silentMs);
  if (gone) return;
  const isGrpc = seen.headers['content-type'] === GRPC;
  response.setHeader('x-server', 'echo');
  response.setHeader('x-kind', 'plain');
  response.setHeader('content-type', isGrpc ? GRPC : 'application/json');
  const failing = fail !== undefined && nth <= fail.first ? fail.status : 0;
  if (failing > 0 && isGrpc) {
    response.setHeader('grpc-status', String(failing));
    return void response.end();
  }
  if (failing > 0) response.statusCode = failing;
  if (isGrpc) response.addTrailers({ 'grpc-status': '0' });
  const body = isGrpc ? messageOf(seen) : Buffer.from(JSON.stringify(seen));
  for (let sent = 0; sent < drip.bytes; sent++) {
    writeTo(response, body.subarray(sent, sent + 1));
    await sleep(drip.pauseMs);
    if (gone) return;
  }
  response.end(body.subarray(drip.bytes));
}

/** Both have the method, of different types. */
function writeTo(response: Response, bytes: Uint8Array): void {
  (response as ServerResponse).write(bytes);
}

function behaviourOf({ headers }: Seen): Behaviour {
  return JSON.parse(headers[BEHAVIOUR] ?? '{}') as Behaviour;
}

/** One message of gRPC, not compressed. */
function messageOf(seen: Seen): Buffer {
  const text = Buffer.from(JSON.stringify(seen));
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(text.length, 1);
  return Buffer.concat([prefix, text]);
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

/** Which of the requests with this tag it is, from 1; 0 without a tag. */
function count(name: string, tag: string | undefined): number {
  if (tag === undefined) return 0;
  const of = counts.get(tag) ?? {};
  const nth = (of[name] ?? 0) + 1;
  of[name] = nth;
  counts.set(tag, of);
  return nth;
}
