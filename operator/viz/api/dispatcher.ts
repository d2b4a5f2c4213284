import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, DeadlineExceeded, withDeadline } from '../../runtime/clock.ts';
import { type Access, forbidden } from './access.ts';
import { readBody, send, sendChunks } from './answers.ts';
import { discovery } from './discovery.ts';
import type { ApiLimits } from './limits.ts';
import { nameOf, type Target, targetOf } from './paths.ts';
import type { ApiAnswer, ApiRow, User } from './rows.ts';
import { ApiFailure } from './status.ts';
import { asksForTable, tableObject } from './table.ts';

/** What other replicas ask, by path; JSON is answered. Nobody but a replica gets there, and a replica nowhere else. */
export type ReplicaHandler = (query: URLSearchParams, signal: AbortSignal) => Promise<object>;

export interface DispatcherOptions {
  rows: readonly ApiRow[];
  replicaPaths: Readonly<Record<string, ReplicaHandler>>;
  access: Pick<Access, 'review'>;
  clock: Clock;
  limits: ApiLimits;
}

/** A request of somebody who is known. */
export interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  accept: string;
  request: IncomingMessage;
  response: ServerResponse;
}

/** From a request to its row: what it asks for, whether it may, and the answer, within bounds of number and time. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #discovery: ReturnType<typeof discovery>;
  /** Ends streams when the server stops. */
  readonly #stopping = new AbortController();
  #inFlight = 0;
  /** By the name of the user. */
  readonly #streams = new Map<string, number>();
  #streamCount = 0;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#discovery = discovery(options.rows);
  }

  stop(): void {
    this.#stopping.abort(new Error('stopping'));
  }

  /** @throws ApiFailure */
  async answerReplica({ method, path, query, response }: Asked): Promise<void> {
    const { replicaPaths } = this.#options;
    const handler = Object.hasOwn(replicaPaths, path) ? replicaPaths[path] : undefined;
    if (handler === undefined || method !== 'GET') {
      throw new ApiFailure(404, 'WEFT_VIZ_REQUEST', 'there is nothing at this path that a replica may ask another');
    }
    // A connection does not outlive the trust under which it was made.
    response.setHeader('connection', 'close');
    this.#sendJson(response, await this.#within(response, (signal) => handler(query, signal)));
  }

  /**
   * @param named told of the resource, once it is known
   * @throws ApiFailure, and what a handler throws
   */
  async answer(asked: Asked, user: User, named: (resource: string) => void): Promise<void> {
    const { method, path, query, accept, request, response } = asked;
    const document = method === 'GET' ? this.#discovery(path, accept) : null;
    if (document !== null) {
      this.#sendJson(response, document.body, document.contentType);
      return;
    }
    const target = targetOf(this.#options.rows, method, path, query);
    named(nameOf(target.row));
    const streaming = new AbortController();
    const answer = await this.#within(response, async (signal) => {
      // A stream outlives the time for an answer, but neither its client nor the server.
      signal.addEventListener('abort', () => streaming.abort(signal.reason), { once: true });
      await this.#authorize(user, target);
      const { row, verb, namespace, name } = target;
      return row.handle({ verb, namespace, name, query, user, signal: streaming.signal, body: bodyOf(request) });
    });
    if ('json' in answer) {
      const table = asksForTable(accept) ? answer.table?.() : undefined;
      this.#sendJson(response, table === undefined ? answer.json : tableObject(table));
    } else await this.#stream(response, answer, user, streaming);
  }

  async #authorize(user: User, { row, verb, namespace, name }: Target): Promise<void> {
    const { group, version, resource, subresource = '' } = row;
    const attributes = { group, version, resource, subresource, namespace: namespace ?? '', name: name ?? '', verb };
    const verdict = await this.#options.access.review(user, attributes).catch((error: unknown) => {
      const message = 'the API server does not say whether this is allowed';
      throw new ApiFailure(503, 'WEFT_VIZ_UNAVAILABLE', message, error);
    });
    if (verdict.allowed) return;
    throw new ApiFailure(403, 'WEFT_VIZ_FORBIDDEN', forbidden(user, attributes, verdict.reason));
  }

  async #within<R>(response: ServerResponse, work: (signal: AbortSignal) => Promise<R>): Promise<R> {
    const { clock, limits } = this.#options;
    if (this.#inFlight >= limits.inFlight) {
      throw new ApiFailure(429, 'WEFT_VIZ_LIMIT', 'too many requests are being answered at the moment');
    }
    const left = new AbortController();
    const leave = () => left.abort(new Error('the client has left'));
    response.once('close', leave);
    this.#inFlight += 1;
    try {
      return await withDeadline(clock, limits.answerMs, left.signal, work);
    } catch (error) {
      if (!(error instanceof DeadlineExceeded)) throw error;
      throw new ApiFailure(504, 'WEFT_VIZ_UNAVAILABLE', 'the answer took too long', error);
    } finally {
      this.#inFlight -= 1;
      response.off('close', leave);
    }
  }

  async #stream(
    response: ServerResponse,
    { contentType, chunks }: Extract<ApiAnswer, { chunks: unknown }>,
    { name }: User,
    streaming: AbortController,
  ): Promise<void> {
    const { limits } = this.#options;
    const { signal: stopping } = this.#stopping;
    const end = () => streaming.abort(new Error('the client has left, or the server stops'));
    const own = this.#streams.get(name) ?? 0;
    if (this.#streamCount >= limits.streams || own >= limits.streamsOfUser || stopping.aborted) {
      end();
      const whose = own >= limits.streamsOfUser ? 'of this user ' : '';
      throw new ApiFailure(429, 'WEFT_VIZ_LIMIT', `too many streams ${whose}are open at the moment`);
    }
    response.once('close', end);
    stopping.addEventListener('abort', end, { once: true });
    this.#countStream(name, 1);
    try {
      await sendChunks(response, contentType, chunks, streaming.signal, limits.takeMs);
    } finally {
      this.#countStream(name, -1);
      stopping.removeEventListener('abort', end);
      end();
    }
  }

  #countStream(user: string, change: 1 | -1): void {
    this.#streamCount += change;
    const own = (this.#streams.get(user) ?? 0) + change;
    if (own === 0) this.#streams.delete(user);
    else this.#streams.set(user, own);
  }

  #sendJson(response: ServerResponse, body: object, contentType = 'application/json'): void {
    send(response, 200, contentType, JSON.stringify(body), this.#options.limits.takeMs);
  }
}

function bodyOf(request: IncomingMessage): (maxBytes: number) => Promise<Buffer> {
  return async (maxBytes) => {
    const body = await readBody(request, maxBytes);
    if (body !== null) return body;
    throw new ApiFailure(413, 'WEFT_VIZ_REQUEST', `the body is longer than ${maxBytes} octets`);
  };
}
