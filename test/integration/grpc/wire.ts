import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { digest, type Fields, fieldsOfHeaders } from './transcript.ts';

export type WireHandler = (stream: http2.ServerHttp2Stream, message: Buffer) => void;

export interface WireServed {
  headers: Fields;
  body: string;
}

/** A server that knows HTTP/2 and nothing of gRPC: says and sees exactly what is on the wire. */
export class WireServer {
  handler: WireHandler = (stream) => stream.respond({ ':status': 404 }, { endStream: true });
  served: WireServed[] = [];
  port = 0;
  readonly #server = http2.createServer();
  readonly #sessions = new Set<http2.ServerHttp2Session>();

  async start(): Promise<this> {
    this.#server.on('session', (session) => {
      this.#sessions.add(session);
      session.on('close', () => this.#sessions.delete(session));
    });
    this.#server.on('stream', (stream: http2.ServerHttp2Stream, headers) => this.#serve(stream, headers));
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  #serve(stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders): void {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', () => {});
    stream.on('end', () => {
      const body = Buffer.concat(chunks);
      this.served.push({ headers: fieldsOfHeaders(headers), body: digest(body) });
      this.handler(stream, body);
    });
  }

  use(handler: WireHandler): void {
    this.handler = handler;
    this.served = [];
  }

  stop(): void {
    this.#server.close();
    for (const session of this.#sessions) session.destroy();
  }
}

/** The length-prefixed message of gRPC over HTTP/2. */
export function framed(message: Buffer, compressed = false): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = compressed ? 1 : 0;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

export interface WireAnswer {
  headers: Fields;
  /** The head was all of it: END_STREAM was on its frame. */
  headOnly: boolean;
  body: string;
  trailers: Fields | null;
  resetCode: number;
}

const END_STREAM = 0x1;

/** One request on a connection of its own. */
export async function ask(port: number, headers: http2.OutgoingHttpHeaders, body: Buffer): Promise<WireAnswer> {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  const stream = session.request({ ':method': 'POST', ':authority': 'web.shop.svc.cluster.local:80', ...headers });
  const answer: WireAnswer = { headers: {}, headOnly: false, body: '', trailers: null, resetCode: 0 };
  const chunks: Buffer[] = [];
  stream.on('response', (fields, flags) => {
    answer.headers = fieldsOfHeaders(fields);
    answer.headOnly = (flags & END_STREAM) !== 0;
  });
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('trailers', (fields) => {
    answer.trailers = fieldsOfHeaders(fields);
  });
  stream.on('error', () => {});
  const closed = new Promise((resolve) => stream.on('close', resolve));
  stream.end(body);
  await closed;
  session.destroy();
  return { ...answer, body: digest(Buffer.concat(chunks)), resetCode: stream.rstCode ?? 0 };
}
