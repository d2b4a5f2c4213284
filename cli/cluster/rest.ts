import { Agent as HttpAgent, type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { type AgentOptions, Agent as HttpsAgent, request as requestHttps } from 'node:https';
import type { Duplex } from 'node:stream';
import { isObject } from '../../lib/json.ts';
import { CliError } from '../errors.ts';
import { ApiError, type ClusterRequest, type PodAccess, type PodName, type StreamAccess } from './cluster.ts';

/** How to be let in. */
export interface Access {
  headers: Readonly<Record<string, string | string[]>>;
  tls: AgentOptions;
  /** Connects through the proxy that the kubeconfig names; `null` = without one. */
  viaProxy: HttpAgent | null;
}

export interface RestOptions {
  server: string;
  namespace: string;
  timeoutMs: number;
  /** Asked before every request, since tokens expire. */
  access(): Promise<Access>;
  forward(pod: PodName, port: number): Promise<Duplex>;
}

/** An answer of the API server: what a large cluster lists at once stays far below. */
const MAX_ANSWER_BYTES = 512 * 1024 * 1024;

export class RestCluster implements PodAccess, StreamAccess {
  readonly server: string;
  readonly namespace: string;
  readonly #options: RestOptions;
  /** One for all requests, so that they share connections. */
  #agent: HttpAgent | null = null;
  #serverMs: number | null = null;

  constructor(options: RestOptions) {
    this.server = options.server;
    this.namespace = options.namespace;
    this.#options = options;
  }

  serverMs(): number | null {
    return this.#serverMs;
  }

  async request<R>(wanted: ClusterRequest): Promise<R> {
    const text = await this.#answer(wanted, wanted.accept ?? 'application/json');
    try {
      return JSON.parse(text) as R;
    } catch (error) {
      throw new CliError('WEFT_CLI_UNREACHABLE', `what answers at ${this.server} sends no JSON`, error);
    }
  }

  text(wanted: ClusterRequest): Promise<string> {
    return this.#answer(wanted, '*/*');
  }

  forward(pod: PodName, port: number): Promise<Duplex> {
    return this.#options.forward(pod, port);
  }

  async #answer(wanted: ClusterRequest, accept: string): Promise<string> {
    const { status, text, date } = await this.#exchange(wanted, accept);
    this.#serverMs = Number.isNaN(date) ? null : date;
    if (status >= 300) throw refusalOf(status, text, wanted);
    return text;
  }

  async #exchange(wanted: ClusterRequest, accept: string): Promise<Exchanged> {
    const limitMs = wanted.timeoutMs ?? this.#options.timeoutMs;
    const access = await this.#options.access();
    try {
      const response = await this.#open(wanted, access, accept, AbortSignal.timeout(limitMs));
      const date = Date.parse(response.headers.date ?? '');
      return { status: response.statusCode ?? 0, text: await readAll(response), date };
    } catch (error) {
      throw this.#unreachable(error, limitMs);
    }
  }

  async stream(wanted: ClusterRequest, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const limitMs = wanted.timeoutMs ?? this.#options.timeoutMs;
    const access = await this.#options.access();
    const opening = new AbortController();
    const late = setTimeout(() => opening.abort(new DOMException('late', 'TimeoutError')), limitMs);
    try {
      const response = await this.#open(wanted, access, '*/*', AbortSignal.any([signal, opening.signal]));
      const status = response.statusCode ?? 0;
      if (status >= 300) throw refusalOf(status, await readAll(response), wanted);
      return this.#chunks(response, signal);
    } catch (error) {
      throw error instanceof ApiError ? error : this.#unreachable(error, limitMs);
    } finally {
      clearTimeout(late);
    }
  }

  async *#chunks(response: IncomingMessage, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      yield* response as AsyncIterable<Uint8Array>;
    } catch (error) {
      if (!signal.aborted) throw this.#unreachable(error, 0);
    }
  }

  #unreachable(error: unknown, limitMs: number): CliError {
    return new CliError('WEFT_CLI_UNREACHABLE', `${this.server}: ${reasonOf(error, limitMs)}`, error);
  }

  /** Resolves with the head of the answer. */
  #open(wanted: ClusterRequest, access: Access, accept: string, signal: AbortSignal): Promise<IncomingMessage> {
    const { method = 'GET', path, query = {}, body, contentType = 'application/json' } = wanted;
    const url = new URL(this.server + path);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const payload = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
    const entity =
      body === undefined ? {} : { 'content-type': contentType, 'content-length': Buffer.byteLength(payload) };
    const headers = { ...access.headers, accept, ...entity };
    return send(url, { method, headers, agent: this.#agentFor(access), signal }, payload);
  }

  #agentFor({ tls, viaProxy }: Access): HttpAgent {
    const isPlain = this.server.startsWith('http:');
    this.#agent ??=
      viaProxy ?? (isPlain ? new HttpAgent({ keepAlive: true }) : new HttpsAgent({ ...tls, keepAlive: true }));
    return this.#agent;
  }
}

interface Exchanged {
  status: number;
  text: string;
  /** Milliseconds since the epoch, of the field `Date`; NaN without one. */
  date: number;
}

function send(url: URL, options: RequestOptions, payload: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'http:' ? requestHttp : requestHttps)(url, options, resolve);
    request.on('error', reject);
    request.end(payload);
  });
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The API server says why in an object of kind Status. */
function refusalOf(status: number, text: string, { method = 'GET', path }: ClusterRequest): ApiError {
  const { message, reason } = statusOf(text);
  return new ApiError(status, reason, `${status} to ${method} ${path}${message === '' ? '' : `: ${message}`}`);
}

function statusOf(text: string): { message: string; reason: string } {
  try {
    const object: unknown = JSON.parse(text);
    if (!isObject(object)) return { message: '', reason: '' };
    const { message, reason } = object;
    return { message: typeof message === 'string' ? message : '', reason: typeof reason === 'string' ? reason : '' };
  } catch {
    return { message: '', reason: '' };
  }
}

function reasonOf(error: unknown, limitMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return `no answer within ${limitMs / 1000} s`;
  // Where a name has several addresses, the errors of all are in one that says nothing itself.
  if (error instanceof AggregateError) return error.errors.map((each) => reasonOf(each, limitMs)).join(', ');
  return error.message;
}
