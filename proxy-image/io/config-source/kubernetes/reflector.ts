import { REFLECTION, Reflection, type ReflectionFailure, watchSeconds } from '../../../../lib/reflection.ts';
import { WeftError } from '../../../contract/errors.ts';
import type { Surroundings } from '../../control/clock.ts';
import { errorFields } from '../../control/error-fields.ts';
import { pause } from '../../control/pause.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { ApiClient } from './api.ts';
import { ApiError, isExpired } from './api-error.ts';
import { JsonLines } from './json-lines.ts';

/** What one kind's objects go into. */
export interface Feed {
  /** A list starts; what an unfinished one brought is forgotten. Nothing of a list is in force before `listEnded`. */
  listStarted(): void;
  page(items: readonly unknown[]): void;
  listEnded(resourceVersion: string): void;
  /** An event of the watch. */
  stored(object: unknown): void;
  deleted(object: unknown): void;
  /** Everything up to this version has been seen. */
  bookmark(resourceVersion: string): void;
  /** The API server serves no such kind. What was known stays. Only of an optional one. */
  absent(): void;
}

export interface ReflectorOptions {
  /** `/api/v1/services` */
  path: string;
  /** The API server need not serve the kind. */
  optional: boolean;
  /** No byte for so long: the watch is opened again from where it was. Above the API server's bookmark period of about a minute. */
  silenceMs: number;
}

/**
 * Keeps one kind current: lists, then watches with bookmarks, and goes on from the last seen version after every interruption.
 * By the rules of the operator's (`lib/reflection.ts`). Never empties what it has because a request failed.
 */
export class Reflector {
  readonly #client: ApiClient;
  readonly #feed: Feed;
  readonly #options: ReflectorOptions;
  readonly #surroundings: Surroundings;
  readonly #log: Logger;
  readonly #reflection: Reflection;
  readonly #abort = new AbortController();
  #lastContactMs = Number.NEGATIVE_INFINITY;
  /** Consecutive failures; 0 = healthy. */
  #failing = 0;

  constructor(client: ApiClient, feed: Feed, options: ReflectorOptions, surroundings: Surroundings, log: Logger) {
    this.#client = client;
    this.#feed = feed;
    this.#options = options;
    this.#surroundings = surroundings;
    this.#log = log;
    this.#reflection = new Reflection(REFLECTION, surroundings.random);
  }

  /** A list has been taken in, or there is none to take, and nothing has failed since the last answer. */
  get current(): boolean {
    return (this.#reflection.version !== '' || this.#reflection.isAbsent) && this.#failing === 0;
  }

  /** Monotonic milliseconds of the last byte from the API server. */
  get lastContactMs(): number {
    return this.#lastContactMs;
  }

  /** Runs until `stop`. Never rejects. */
  async run(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      try {
        if (this.#reflection.version === '') await this.#list();
        else await this.#watch();
        this.#failing = 0;
      } catch (error) {
        if (this.#abort.signal.aborted) return;
        await this.#recover(error);
      }
    }
  }

  stop(): void {
    this.#abort.abort();
  }

  async #recover(error: unknown): Promise<void> {
    const { timers } = this.#surroundings;
    const failure = this.#failureOf(error);
    const atLeastMs = error instanceof ApiError ? error.retryAfterMs : 0;
    const delayMs = this.#reflection.failed(failure, timers.nowMs(), atLeastMs);
    if (failure === 'absent') {
      this.#heard();
      this.#feed.absent();
    } else {
      this.#failing += 1;
      const fields = { path: this.#options.path, retryMs: Math.round(delayMs), ...errorFields(error) };
      this.#log.warn('direct mode: watching a kind was interrupted', fields);
    }
    await pause(timers, delayMs, this.#abort.signal);
  }

  #failureOf(error: unknown): ReflectionFailure {
    if (isExpired(error)) return 'expired';
    return this.#options.optional && error instanceof ApiError && error.status === 404 ? 'absent' : 'other';
  }

  async #list(): Promise<void> {
    let next = '';
    this.#feed.listStarted();
    do {
      const page = parseList(await this.#getText(this.#listPath(next)));
      this.#feed.page(page.items);
      next = page.next;
      if (next === '') this.#listed(page.resourceVersion);
    } while (next !== '');
  }

  #listed(resourceVersion: string): void {
    this.#feed.listEnded(resourceVersion);
    this.#reflection.listed(resourceVersion, this.#surroundings.timers.nowMs());
  }

  #listPath(next: string): string {
    const from =
      next === '' ? `&resourceVersion=${this.#reflection.listFrom}` : `&continue=${encodeURIComponent(next)}`;
    return `${this.#options.path}?limit=${REFLECTION.pageSize}${from}`;
  }

  async #getText(path: string): Promise<string> {
    const decoder = new TextDecoder();
    let text = '';
    const events = {
      opened: () => this.#heard(),
      chunk: (bytes: Uint8Array) => {
        this.#heard();
        text += decoder.decode(bytes, { stream: true });
      },
    };
    await this.#client.get(path, events, this.#options.silenceMs, this.#abort.signal);
    return text;
  }

  async #watch(): Promise<void> {
    const lines = new JsonLines();
    const { version } = this.#reflection;
    const seconds = watchSeconds(REFLECTION, this.#surroundings.random);
    const path = `${this.#options.path}?watch=true&allowWatchBookmarks=true&resourceVersion=${version}&timeoutSeconds=${seconds}`;
    const events = {
      opened: () => this.#heard(),
      chunk: (bytes: Uint8Array) => {
        this.#heard();
        for (const event of lines.push(bytes)) this.#take(event);
      },
    };
    const startedMs = this.#surroundings.timers.nowMs();
    await this.#client.get(path, events, this.#options.silenceMs, this.#abort.signal);
    // A server that ends every watch at once must not be asked again at once.
    if (this.#surroundings.timers.nowMs() - startedMs < REFLECTION.shortWatchMs)
      throw new WeftError('WEFT_DIRECT_API', 'the watch ended as soon as it had begun');
  }

  #heard(): void {
    this.#lastContactMs = this.#surroundings.timers.nowMs();
    this.#failing = 0;
  }

  #take(event: unknown): void {
    const { type, object } = parseEvent(event);
    if (type === 'ERROR') throw eventError(this.#options.path, object);
    const version = resourceVersionOf(object);
    if (version === '') throw new WeftError('WEFT_DIRECT_API', `${type} event without resourceVersion`);
    if (type === 'ADDED' || type === 'MODIFIED') this.#feed.stored(object);
    else if (type === 'DELETED') this.#feed.deleted(object);
    else if (type === 'BOOKMARK') this.#feed.bookmark(version);
    this.#reflection.advanced(version);
  }
}

interface ListPage {
  items: readonly unknown[];
  resourceVersion: string;
  next: string;
}

function parseList(text: string): ListPage {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    throw new WeftError('WEFT_DIRECT_API', 'a list is no JSON', error);
  }
  const items = field(list, 'items');
  const metadata = field(list, 'metadata');
  const resourceVersion = field(metadata, 'resourceVersion');
  const next = field(metadata, 'continue');
  if (typeof resourceVersion !== 'string' || resourceVersion === '')
    throw new WeftError('WEFT_DIRECT_API', 'a list has no resourceVersion');
  // An empty list of a Go server may be `null`.
  return { items: Array.isArray(items) ? items : [], resourceVersion, next: typeof next === 'string' ? next : '' };
}

function parseEvent(event: unknown): { type: unknown; object: unknown } {
  return { type: field(event, 'type'), object: field(event, 'object') };
}

function resourceVersionOf(object: unknown): string {
  const version = field(field(object, 'metadata'), 'resourceVersion');
  return typeof version === 'string' ? version : '';
}

/** An in-stream ERROR carries a `Status`. */
function eventError(path: string, status: unknown): ApiError {
  const code = field(status, 'code');
  const message = field(status, 'message');
  return new ApiError(path, typeof code === 'number' ? code : 500, String(message ?? 'ERROR event').slice(0, 300), 0);
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
