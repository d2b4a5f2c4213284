import { HttpMethod, RequestContext } from '@kubernetes/client-node';
import { type Dispatcher, request } from 'undici';
import { DeadlineExceeded, systemClock, withDeadline } from '../runtime/clock.ts';
import { RequestError } from '../runtime/errors.ts';
import type { Reach } from '../runtime/reach.ts';
import type { Tenure } from '../runtime/tenure.ts';
import { fromResponse, toRequestError } from './errors.ts';
import type { PooledKubeConfig } from './kubeconfig.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface RestRequest {
  method: Method;
  /** `/api/v1/...` */
  path: string;
  query?: Readonly<Record<string, string>>;
  body?: unknown;
  contentType?: string;
  /** Form of the answer; JSON of the whole where nothing is said. */
  accept?: string;
  /** From sending to the last byte; `send` does not look at it. */
  timeoutMs?: number;
  signal: AbortSignal;
}

/** Names of client-go's `rest_client_*` labels. `code` is `<error>` where no answer came. */
export interface RestObserver {
  started?(): void;
  finished(labels: { code: string; method: string; host: string }, seconds: number): void;
}

/** Has `reach` hear of each request too. An API server that cannot reach etcd answers with 500 and more: it is not back. */
export function tellingReach(observer: RestObserver, reach: Reach): RestObserver {
  return {
    ...observer,
    finished(labels, seconds) {
      observer.finished(labels, seconds);
      reach.note(Number(labels.code) < 500);
    },
  };
}

const UNOBSERVED: RestObserver = { finished() {} };

const JSON_TYPE = 'application/json';

/** An API server answers in milliseconds; a webhook or etcd under way may take seconds. */
const TIMEOUT_MS = 10_000;

/** Requests to the API server with the credentials and pooled connections of a KubeConfig. Failures are `RequestError`s. */
export class RestClient {
  readonly #config: PooledKubeConfig;
  readonly #observer: RestObserver;
  readonly #tenure: Tenure | null;

  constructor(config: PooledKubeConfig, observer: RestObserver = UNOBSERVED, tenure: Tenure | null = null) {
    this.#config = config;
    this.#observer = observer;
    this.#tenure = tenure;
  }

  /** The same for what only the leader does: nothing but reads is sent, or waited for, beyond its tenure. */
  boundTo(tenure: Tenure): RestClient {
    return new RestClient(this.#config, this.#observer, tenure);
  }

  /** The parsed answer. The caller names its type: the API server's schema is the contract. */
  async json<R>(wanted: RestRequest): Promise<R> {
    return (await this.dated<R>(wanted)).value;
  }

  /** The same, with what the clock of the API server showed (RFC 9110 §6.6.1), milliseconds since the epoch; 0 where it did not say. */
  async dated<R>(wanted: RestRequest): Promise<{ value: R; dateMs: number }> {
    return await this.#answered(wanted, async ({ headers, body }) => {
      const dateMs = Date.parse(String(headers['date'] ?? ''));
      const text = await body.text();
      return { value: JSON.parse(text) as R, dateMs: Number.isNaN(dateMs) ? 0 : dateMs };
    });
  }

  /** What `read` makes of the body of an accepted answer, as it comes. */
  async stream<R>(wanted: RestRequest, read: (body: AsyncIterable<Buffer>) => Promise<R>): Promise<R> {
    return await this.#answered(wanted, ({ body }) => read(body));
  }

  /** From sending to the last byte, in the time that is given. */
  async #answered<R>(wanted: RestRequest, read: (response: Dispatcher.ResponseData) => Promise<R>): Promise<R> {
    try {
      const { limitMs, outer } = this.#limits(wanted);
      return await withDeadline(systemClock, limitMs, outer, async (signal) => {
        return await read(await this.send({ ...wanted, signal }));
      });
    } catch (error) {
      this.#doubtConnections(error, wanted.signal);
      throw toRequestError(error);
    }
  }

  #limits({ method, timeoutMs = TIMEOUT_MS, signal }: RestRequest): { limitMs: number; outer: AbortSignal } {
    if (this.#tenure === null || method === 'GET') return { limitMs: timeoutMs, outer: signal };
    const leftMs = this.#tenure.leftMs();
    if (leftMs === 0) throw new RequestError('Transient', 'not sent: another process may hold the lease');
    return { limitMs: Math.min(timeoutMs, leftMs), outer: AbortSignal.any([signal, this.#tenure.signal]) };
  }

  /** Where nobody answers, the other connections of the pool may be dead as well: requests after this one get new ones. */
  #doubtConnections(error: unknown, signal: AbortSignal): void {
    const reason: unknown = signal.aborted ? signal.reason : error;
    if (reason instanceof DeadlineExceeded) this.#config.renewConnections();
  }

  /** An accepted answer with its body unread. */
  async send(wanted: RestRequest): Promise<Dispatcher.ResponseData> {
    const url = this.#url(wanted);
    const startedMs = performance.now();
    let code = '<error>';
    this.#observer.started?.();
    try {
      const response = await this.#exchange(url, wanted);
      code = String(response.statusCode);
      if (response.statusCode < 300) return response;
      const retryAfter = response.headers['retry-after'];
      throw fromResponse(response.statusCode, await response.body.text(), retryAfter?.toString());
    } catch (error) {
      throw toRequestError(error);
    } finally {
      const seconds = (performance.now() - startedMs) / 1000;
      this.#observer.finished({ code, method: wanted.method, host: url.host }, seconds);
    }
  }

  async #exchange(url: URL, wanted: RestRequest): Promise<Dispatcher.ResponseData> {
    const context = new RequestContext(url.toString(), HttpMethod[wanted.method]);
    await this.#config.applySecurityAuthentication(context);
    wanted.signal.throwIfAborted();
    const headers: Record<string, string> = { ...context.getHeaders(), accept: wanted.accept ?? JSON_TYPE };
    if (wanted.body !== undefined) headers['content-type'] = wanted.contentType ?? 'application/json';
    return request(url, {
      method: wanted.method,
      headers,
      body: wanted.body === undefined ? undefined : JSON.stringify(wanted.body),
      dispatcher: context.getDispatcher(),
      signal: wanted.signal,
    });
  }

  #url({ path, query }: RestRequest): URL {
    const server = this.#config.getCurrentCluster()?.server;
    if (server === undefined) throw toRequestError(new Error('the kubeconfig names no current cluster'));
    const url = new URL(server.replace(/\/$/, '') + path);
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value);
    return url;
  }
}
