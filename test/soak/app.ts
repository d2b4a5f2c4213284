/** The application of the server pods, as a process of its own: `node test/soak/app.ts ADDRESS...`. Says `{port per protocol}` on one line when it listens. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer as createTcpServer, type Socket } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import { ECHO } from './grpc-service.ts';

/** The same on every pod's address, as a container port is. */
export const APP_PORTS = { http: 8080, http2: 8081, grpc: 8082, tcp: 8083 } as const;

const LARGE = Buffer.alloc(64 * 1024, 'weft');
const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** `/large/N`: N bytes; `/status/N`: that status; POST: the body back; anything else: a small answer. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  const [, kind, number] = (request.url ?? '/').split('/');
  if (request.method === 'POST') request.pipe(response);
  else if (kind === 'large') sendLarge(response, Number(number));
  else if (kind === 'status') response.writeHead(Number(number)).end();
  else response.end(`you are at ${request.url}\n`);
}

function sendLarge(response: ServerResponse, bytes: number): void {
  response.writeHead(200, { 'content-length': bytes });
  let left = bytes;
  const send = (): void => {
    while (left > 0) {
      const part = LARGE.subarray(0, Math.min(left, LARGE.length));
      left -= part.length;
      if (!response.write(part)) {
        response.once('drain', send);
        return;
      }
    }
    response.end();
  };
  send();
}

/** RFC 6455 section 4.2.2; what follows the handshake is sent back as it came. */
function upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
  const key = request.headers['sec-websocket-key'] ?? '';
  const accept = createHash('sha1')
    .update(key + WEBSOCKET_GUID)
    .digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
  );
  socket.on('error', () => socket.destroy());
  if (head.length > 0) socket.write(head);
  socket.pipe(socket);
}

function echoStream(stream: ServerHttp2Stream): void {
  stream.on('error', () => stream.destroy());
  stream.respond({ ':status': 200 });
  stream.pipe(stream);
}

function createGrpc(): grpc.Server {
  const server = new grpc.Server();
  server.addService(ECHO, {
    unary: (call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) => done(null, call.request),
    stream: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
      call.on('data', (message: Buffer) => call.write(message));
      call.on('end', () => call.end());
      call.on('error', () => {});
    },
  });
  return server;
}

async function serve(address: string): Promise<void> {
  // Longer than any proxy keeps an idle connection, so that the application is never the one who closes.
  const http = createServer({ keepAliveTimeout: 60_000 }, answer);
  http.on('upgrade', (request, socket, head) => upgrade(request, socket as Socket, head));
  const http2 = createHttp2Server().on('stream', echoStream);
  const tcp = createTcpServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  });
  for (const [server, port] of [
    [http, APP_PORTS.http],
    [http2, APP_PORTS.http2],
    [tcp, APP_PORTS.tcp],
  ] as const) {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, address, () => resolve()));
  }
  const credentials = grpc.ServerCredentials.createInsecure();
  await new Promise<void>((resolve, reject) =>
    createGrpc().bindAsync(`${address}:${APP_PORTS.grpc}`, credentials, (error) =>
      error === null ? resolve() : reject(error),
    ),
  );
}

if (import.meta.main) {
  for (const address of process.argv.slice(2)) await serve(address);
  process.send?.('listening');
  process.on('disconnect', () => process.exit(0));
}
