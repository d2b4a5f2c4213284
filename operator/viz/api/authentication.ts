import { isObject } from '../../../lib/json.ts';
import { Informer, type InformerOptions } from '../../runtime/informer.ts';
import type { ListWatch, RawObject } from '../../runtime/list-watch.ts';
import { AUTHENTICATION_CONFIG, type RequestHeaders, readRequestHeaders } from './request-header.ts';

export interface AuthenticationOptions extends Pick<InformerOptions<RawObject, null>, 'clock' | 'random' | 'log'> {
  /** Of that one ConfigMap. */
  source: ListWatch<RawObject>;
}

/**
 * By what an API server is to be known, followed: its authorities are replaced while this process runs. A version that cannot be read changes nothing; without the
 * ConfigMap nobody is known.
 */
export class Authentication {
  readonly #informer: Informer<RawObject, RequestHeaders>;
  readonly #listeners = new Set<() => void>();
  #current: RequestHeaders | null = null;

  constructor({ source, clock, random, log }: AuthenticationOptions) {
    this.#informer = new Informer({
      name: `configmap ${AUTHENTICATION_CONFIG.name}`,
      source,
      transform: (raw) => readRequestHeaders(isObject(raw) ? (raw as { data?: unknown }).data : undefined),
      clock,
      random,
      log,
    });
    this.#informer.addHandler({
      added: (settings) => this.#set(settings),
      updated: (_, settings) => this.#set(settings),
      deleted: () => this.#set(null),
    });
  }

  get current(): RequestHeaders | null {
    return this.#current;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    this.#informer.start();
  }

  stop(): Promise<void> {
    return this.#informer.stop();
  }

  #set(settings: RequestHeaders | null): void {
    this.#current = settings;
    for (const listener of this.#listeners) listener();
  }
}
