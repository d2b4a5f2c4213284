import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Counters } from './counters.ts';
import { ECHO_PATH, framed, messageOf, OK } from './grpc.ts';

/** Set while it runs, by `/control` of the HTTP port. */
export interface GrpcBehaviour {
  /** Before every answer. */
  slowMs: number;
  /** Status of every answer; 0 = the message comes back. */
  status: number;
}

export interface GrpcOptions {
  host: string;
  port: number;
  /** Tells the replicas apart: sent as `x-version`. */
  replica: string;
}

const UNIMPLEMENTED = 12;
const INVALID_ARGUMENT = 3;

/** The unary method `Say`, which answers what it hears. */
export class GrpcService {
  readonly #options: GrpcOptions;
  readonly #counters: Counters;
  readonly #behaviour: GrpcBehaviour;
  readonly #server: Http2Server = createServer();
  readonly #sessions = new Set<ServerHttp2Session>();

  constructor(options: GrpcOptions, counters: Counters, behaviour: GrpcBehaviour) {
    this.#options = options;
    this.#counters = counters;
    this.#behaviour = behaviour;
    this.#server.on('session', (session) => {
      this.#sessions.add(session.on('error', () => {}));
      session.on('close', () => this.#sessions.delete(session));
    });
    this.#server.on('stream', (stream: ServerHttp2Stream, headers) => this.#read(stream, headers));
    this.#server.listen(options.port, options.host);
  }

  /** No new calls; those under way are answered. */
  close(): void {
    this.#server.close();
    for (const session of this.#sessions) session.close();
  }

  #read(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const chunks: Buffer[] = [];
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const { slowMs, status } = this.#behaviour;
      this.#counters.count(String(headers['x-phase'] ?? ''), headers[':path'] ?? '', status !== OK);
      setTimeout(() => this.#answer(stream, headers, Buffer.concat(chunks), status), slowMs);
    });
  }

  #answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, body: Buffer, status: number): void {
    const message = messageOf(body);
    if (headers[':path'] !== ECHO_PATH) this.#refuse(stream, UNIMPLEMENTED);
    else if (message === null) this.#refuse(stream, INVALID_ARGUMENT);
    else if (status !== OK) this.#refuse(stream, status);
    else this.#say(stream, message);
  }

  #say(stream: ServerHttp2Stream, message: Buffer): void {
    if (stream.destroyed) return;
    stream.respond(this.#head(), { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': OK }));
    stream.end(framed(message));
  }

  /** Trailers only. */
  #refuse(stream: ServerHttp2Stream, status: number): void {
    if (stream.destroyed) return;
    const details = { 'grpc-status': status, 'grpc-message': 'as%20it%20was%20told%20to' };
    stream.respond({ ...this.#head(), ...details }, { endStream: true });
  }

  #head(): Record<string, string | number> {
    return { ':status': 200, 'content-type': 'application/grpc', 'x-version': this.#options.replica };
  }
}
