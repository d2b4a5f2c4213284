import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  createServer as createHttp2Server,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { CONTENT_TYPE, ECHO_PATH, framed, textOf } from './grpc.ts';
import { headersOf, type Seen, seenCallText, seenText } from './report.ts';

const UNIMPLEMENTED = 12;
const INVALID_ARGUMENT = 3;
/** First bytes of a client that speaks HTTP/2 with prior knowledge (RFC 9113 §3.4); no method of HTTP/1 begins so. */
const PREFACE = 'PRI';

/** One port for HTTP/1.1 and HTTP/2 without TLS, told apart by their first bytes. Every request is answered with what was seen of it. */
export function httpServer(): Server {
  const http1 = createServer(answer);
  const http2 = createHttp2Server(answer);
  return createTcpServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('readable', () => {
      const first: Buffer | null = socket.read();
      if (first === null) return socket.destroy();
      socket.unshift(first);
      if (first.toString('latin1', 0, PREFACE.length) === PREFACE) return http2.emit('connection', socket);
      http1.emit('connection', socket);
      return socket.resume();
    });
  });
}

function answer(request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse): void {
  request.resume();
  request.on('error', () => {});
  request.on('end', () => {
    response.setHeader('content-type', 'text/plain');
    response.end(
      seenText({
        ...common(request.socket, request.rawHeaders),
        authority: String(request.headers[':authority'] ?? request.headers.host ?? ''),
        path: request.url ?? '',
        method: request.method ?? '',
        protocol: `HTTP/${request.httpVersion}`,
      }),
    );
  });
}

function common(socket: Socket, rawHeaders: readonly string[]): Pick<Seen, 'hostname' | 'port' | 'ip' | 'headers'> {
  const { localPort = 0, remoteAddress = '' } = socket;
  return { hostname: hostname(), port: localPort, ip: remoteAddress, headers: headersOf(rawHeaders) };
}

/** `Echo`, which answers with what was seen of the call, and no other method. */
export function grpcServer(): Http2Server {
  const server = createHttp2Server();
  server.on('stream', (stream: ServerHttp2Stream, headers, _flags, rawHeaders: string[]) => {
    const chunks: Buffer[] = [];
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => reply(stream, headers, rawHeaders, Buffer.concat(chunks)));
  });
  return server;
}

function reply(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: string[], body: Buffer): void {
  const path = headers[':path'] ?? '';
  if (path !== ECHO_PATH) refuse(stream, UNIMPLEMENTED);
  else if (textOf(body) === null) refuse(stream, INVALID_ARGUMENT);
  else {
    const authority = headers[':authority'] ?? '';
    const { socket } = stream.session!;
    const seen = { ...common(socket, rawHeaders), authority, path, method: 'POST', protocol: 'GRPC' };
    stream.respond({ ':status': 200, 'content-type': CONTENT_TYPE }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': 0 }));
    stream.end(framed(seenCallText(seen)));
  }
}

/** Trailers only. */
function refuse(stream: ServerHttp2Stream, status: number): void {
  stream.respond({ ':status': 200, 'content-type': CONTENT_TYPE, 'grpc-status': status }, { endStream: true });
}

export function tcpServer(): Server {
  return createTcpServer((socket) => socket.on('error', () => socket.destroy()).pipe(socket));
}
