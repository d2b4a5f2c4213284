import { type Clock, withDeadline } from '../runtime/clock.ts';
import { failureOf } from '../runtime/errors.ts';
import { type ResourceType, resourcePath } from './resources.ts';
import type { RestClient } from './rest.ts';

const CONFIG_MAPS: ResourceType = { group: '', version: 'v1', plural: 'configmaps' };
const TIMEOUT_MS = 10_000;

/** ConfigMaps of one namespace, read only. */
export class NamespacedConfigMaps {
  readonly #rest: RestClient;
  readonly #namespace: string;
  readonly #clock: Clock;

  constructor(rest: RestClient, namespace: string, clock: Clock) {
    this.#rest = rest;
    this.#namespace = namespace;
    this.#clock = clock;
  }

  /** Its texts by key; `null` when there is none. */
  async get(name: string): Promise<Readonly<Record<string, string>> | null> {
    const path = resourcePath(CONFIG_MAPS, this.#namespace, name);
    try {
      const { data = {} } = await withDeadline(this.#clock, TIMEOUT_MS, new AbortController().signal, (signal) =>
        this.#rest.json<{ data?: Record<string, string> }>({ method: 'GET', path, signal }),
      );
      return data;
    } catch (error) {
      if (failureOf(error) === 'NotFound') return null;
      throw error;
    }
  }
}
