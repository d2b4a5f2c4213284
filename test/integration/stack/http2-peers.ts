import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Address } from '../../../proxy-image/io/transport/types.ts';
import type { TestMesh } from './mesh.ts';

/** What a client has heard on one stream. */
export interface Http2Answer {
  status: number;
  headers: http2.IncomingHttpHeaders;
  trailers: http2.IncomingHttpHeaders;
  interim: number[];
  body: string;
  /** Error code of the RST_STREAM that ended it; 0 = none. */
  code: number;
}

/** A client with prior knowledge. Its session's errors are the streams'. */
export function dialHttp2(
  mesh: TestMesh,
  address: Address,
  options: http2.ClientSessionOptions = {},
): http2.ClientHttp2Session {
  const session = http2.connect(`http://${address.ip}:${address.port}`, options);
  session.on('error', () => {});
  mesh.onStop(() => session.destroy());
  return session;
}

/** One request, and all that comes back. `body` null = END_STREAM with the head. */
export function ask(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body: string | Buffer | null = null,
): Promise<Http2Answer> {
  const stream = session.request({ ':path': '/', ...headers }, { endStream: body === null });
  if (body !== null) stream.end(body);
  return heard(stream);
}

export function heard(stream: http2.ClientHttp2Stream): Promise<Http2Answer> {
  const answer: Http2Answer = { status: 0, headers: {}, trailers: {}, interim: [], body: '', code: 0 };
  return new Promise((resolve) => {
    stream.on('headers', (headers) => answer.interim.push(Number(headers[':status'])));
    stream.on('response', (headers) => {
      answer.status = Number(headers[':status']);
      answer.headers = headers;
    });
    stream.on('trailers', (headers) => {
      answer.trailers = headers;
    });
    stream.setEncoding('latin1');
    stream.on('data', (chunk: string) => {
      answer.body += chunk;
    });
    stream.on('error', () => {});
    stream.on('close', () => {
      answer.code = stream.rstCode ?? 0;
      resolve(answer);
    });
  });
}

/** Whatever head a test asks for. */
const MAX_BLOCK_BYTES = 2 * 1024 * 1024;

export type OnStream = (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void;

export interface Http2Application {
  port: number;
  sessions: Set<http2.ServerHttp2Session>;
}

/** An application that speaks HTTP/2 with prior knowledge. */
export async function serveHttp2(
  mesh: TestMesh,
  onStream: OnStream,
  settings: http2.Settings = {},
): Promise<Http2Application> {
  const sessions = new Set<http2.ServerHttp2Session>();
  const server = http2.createServer({ settings, maxSendHeaderBlockLength: MAX_BLOCK_BYTES });
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
    session.on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
    stream.on('error', () => {});
    onStream(stream, headers);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  mesh.onStop(() => {
    server.close();
    for (const session of sessions) session.destroy();
  });
  return { port: (server.address() as AddressInfo).port, sessions };
}

/** Answers with what was asked: method, path, fields, and the body. */
export const echo: OnStream = (stream, headers) => {
  let body = '';
  stream.setEncoding('latin1');
  stream.on('data', (chunk: string) => {
    body += chunk;
  });
  stream.on('end', () => {
    stream.respond({ ':status': 200, 'x-asked': JSON.stringify(headers) });
    stream.end(body, 'latin1');
  });
};
