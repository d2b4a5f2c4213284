import { createServer, type Server, type ServerResponse } from 'node:http';
import { Client, credentials, status } from '@grpc/grpc-js';
import { FIND, LIST, RESULTS, VOTES_FOR } from './api.ts';
import type { Counts } from './counts.ts';
import { PAGE } from './page.ts';
import { CHANNEL_OPTIONS, call, Refusal } from './rpc.ts';

export interface WebOptions {
  /** `host:port` of the two services. */
  patterns: string;
  ballots: string;
  counts: Counts;
}

interface Answer {
  status: number;
  type: string;
  body: string;
}

/** An operation and what it does; the operation is what it is counted as. */
interface Operation {
  name: string;
  answer(): Promise<Answer>;
}

/** A caller may name anything; what has no method is counted as one thing. */
const UNKNOWN = '(unknown)';
const VOTE_PATH = /^\/votes\/([^/]+)$/;
const KEEP_ALIVE_MS = 60_000;

/** The front end: HTTP/1.1 to the world, gRPC to the services behind it. */
export class Web {
  readonly server: Server;
  readonly #counts: Counts;
  readonly #patterns: Client;
  readonly #ballots: Client;

  constructor({ patterns, ballots, counts }: WebOptions) {
    this.#counts = counts;
    this.#patterns = new Client(patterns, credentials.createInsecure(), CHANNEL_OPTIONS);
    this.#ballots = new Client(ballots, credentials.createInsecure(), CHANNEL_OPTIONS);
    this.server = createServer((request, response) => {
      request.resume();
      const operation = this.#operationOf(request.method ?? '', (request.url ?? '/').split('?', 1)[0]!);
      void this.#serve(operation, response);
    });
    this.server.keepAliveTimeout = KEEP_ALIVE_MS;
  }

  /** No new requests; resolves when those under way are answered. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeIdleConnections();
    await closed;
    this.#patterns.close();
    this.#ballots.close();
  }

  async #serve(operation: Operation, response: ServerResponse): Promise<void> {
    const { status, type, body } = await operation.answer().catch(failure);
    this.#counts.received(operation.name, status);
    response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body);
  }

  #operationOf(method: string, path: string): Operation {
    const name = `${method} ${path}`;
    switch (name) {
      case 'GET /':
        return { name, answer: async () => ({ status: 200, type: 'text/html; charset=utf-8', body: PAGE }) };
      case 'GET /patterns':
        return { name, answer: async () => json(200, await call(this.#patterns, this.#counts, LIST, {})) };
      case 'GET /leaderboard':
        return { name, answer: async () => json(200, await call(this.#ballots, this.#counts, RESULTS, {})) };
    }
    const [, pattern] = VOTE_PATH.exec(path) ?? [];
    if (method !== 'POST' || pattern === undefined) return { name: UNKNOWN, answer: async () => NOT_FOUND };
    return {
      name: `POST /votes/${VOTES_FOR.has(pattern) ? pattern : UNKNOWN}`,
      answer: () => this.#vote(pattern),
    };
  }
  async #vote(pattern: string): Promise<Answer> {
    const { name } = await call(this.#patterns, this.#counts, FIND, { name: pattern });
    const { votes } = await call(this.#ballots, this.#counts, VOTES_FOR.get(name)!, {});
    return json(200, { pattern: name, votes });
  }
}

function json(status: number, body: object): Answer {
  return { status, type: 'application/json', body: JSON.stringify(body) };
}

const NOT_FOUND = json(404, { error: 'expected GET /, GET /patterns, GET /leaderboard or POST /votes/{pattern}' });

/** What a call behind has refused: 500, but 404 for what is not there. */
function failure(error: unknown): Answer {
  if (!(error instanceof Refusal)) return json(500, { error: String(error) });
  return json(error.status === status.NOT_FOUND ? 404 : 500, { error: error.message, grpcStatus: error.status });
}
