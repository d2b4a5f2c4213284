import { type Clock, withDeadline } from '../runtime/clock.ts';
import { failureOf } from '../runtime/errors.ts';
import { type ResourceType, resourcePath } from './resources.ts';
import type { RestClient } from './rest.ts';

const SECRETS: ResourceType = { group: '', version: 'v1', plural: 'secrets' };
const TIMEOUT_MS = 10_000;

interface RawSecret {
  metadata?: { resourceVersion?: string; labels?: Record<string, string> };
  type?: string;
  data?: Record<string, string>;
}

/** A Secret with decoded data. */
export interface SecretContent {
  type: string;
  data: Readonly<Record<string, Uint8Array>>;
}

/** A Secret as it was read. */
export interface StoredSecret extends SecretContent {
  resourceVersion: string;
  /** Carries every label that this client gives to what it creates. */
  isLabelled: boolean;
  /** Clock of the API server, milliseconds since the epoch; 0 where it did not say. */
  serverMs: number;
}

/** Secrets of one namespace: read, created where absent, and replaced only in the version that was read. */
export class NamespacedSecrets {
  readonly #rest: RestClient;
  readonly #namespace: string;
  readonly #clock: Clock;
  readonly #labels: Readonly<Record<string, string>>;
  #newest = 0n;

  constructor(rest: RestClient, namespace: string, labels: Readonly<Record<string, string>>, clock: Clock) {
    this.#rest = rest;
    this.#namespace = namespace;
    this.#labels = labels;
    this.#clock = clock;
  }

  /** Greatest resourceVersion among the Secrets seen; `0` before the first. */
  get newestVersion(): string {
    return this.#newest.toString();
  }

  async get(name: string): Promise<StoredSecret | null> {
    try {
      const path = resourcePath(SECRETS, this.#namespace, name);
      const { value, dateMs } = await this.#timed((signal) =>
        this.#rest.dated<RawSecret>({ method: 'GET', path, signal }),
      );
      this.#note(value);
      const { type = '', data = {}, metadata: { resourceVersion = '', labels = {} } = {} } = value;
      return {
        type,
        data: mapValues(data, (text) => Buffer.from(text, 'base64')),
        resourceVersion,
        isLabelled: Object.entries(this.#labels).every(([key, wanted]) => labels[key] === wanted),
        serverMs: dateMs,
      };
    } catch (error) {
      if (failureOf(error) === 'NotFound') return null;
      throw error;
    }
  }

  /** False when a Secret of that name is there already. */
  async create(name: string, content: SecretContent): Promise<boolean> {
    const body = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: this.#namespace, labels: this.#labels },
      type: content.type,
      data: encoded(content),
    };
    try {
      const path = resourcePath(SECRETS, this.#namespace);
      this.#note(await this.#timed((signal) => this.#rest.json<RawSecret>({ method: 'POST', path, body, signal })));
      return true;
    } catch (error) {
      if (failureOf(error) === 'Conflict') return false;
      throw error;
    }
  }

  /** A merge patch: labels, annotations and further keys that people have added stay. False when the Secret is another version now, or gone. */
  async replace(name: string, content: SecretContent, resourceVersion: string): Promise<boolean> {
    const path = resourcePath(SECRETS, this.#namespace, name);
    const body = { metadata: { resourceVersion }, data: encoded(content) };
    const contentType = 'application/merge-patch+json';
    try {
      this.#note(
        await this.#timed((signal) => this.#rest.json<RawSecret>({ method: 'PATCH', path, body, contentType, signal })),
      );
      return true;
    } catch (error) {
      if (failureOf(error) === 'Conflict' || failureOf(error) === 'NotFound') return false;
      throw error;
    }
  }

  #note({ metadata }: RawSecret): void {
    const version = metadata?.resourceVersion ?? '';
    if (/^[0-9]{1,20}$/.test(version) && BigInt(version) > this.#newest) this.#newest = BigInt(version);
  }

  #timed<R>(work: (signal: AbortSignal) => Promise<R>): Promise<R> {
    return withDeadline(this.#clock, TIMEOUT_MS, new AbortController().signal, work);
  }
}

function encoded({ data }: SecretContent): Record<string, string> {
  return mapValues(data, (bytes) => Buffer.from(bytes).toString('base64'));
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
