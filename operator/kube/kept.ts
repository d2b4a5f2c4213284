import { failureOf } from '../runtime/errors.ts';
import type { RawObject } from '../runtime/list-watch.ts';
import type { Applier, ObjectReference } from './apply.ts';
import { resourcePath } from './resources.ts';
import type { RestClient } from './rest.ts';

const REQUEST_TIMEOUT_MS = 10_000;

interface Applied {
  content: string;
  resourceVersion: string;
}

/**
 * Objects that are looked at now and then, for somebody may have deleted or edited them. An apply that changes nothing is a write to whoever counts writes, and runs through
 * admission; it is left out where the object is of the version that the last apply left, and the same is wanted.
 */
export class Kept {
  readonly #rest: Pick<RestClient, 'json'>;
  readonly #applier: Pick<Applier, 'apply'>;
  /** By the path of the object. */
  readonly #applied = new Map<string, Applied>();

  constructor(rest: Pick<RestClient, 'json'>, applier: Pick<Applier, 'apply'>) {
    this.#rest = rest;
    this.#applier = applier;
  }

  /** `null`: there is none. */
  async find(reference: ObjectReference, signal: AbortSignal): Promise<RawObject | null> {
    try {
      const path = pathOf(reference);
      return await this.#rest.json<RawObject>({ method: 'GET', path, timeoutMs: REQUEST_TIMEOUT_MS, signal });
    } catch (error) {
      if (failureOf(error) === 'NotFound') return null;
      throw error;
    }
  }

  /** @param found what `find` has just said of it */
  async keep(
    reference: ObjectReference,
    wanted: Readonly<Record<string, unknown>>,
    found: RawObject | null,
    signal: AbortSignal,
  ): Promise<void> {
    const path = pathOf(reference);
    const content = JSON.stringify(wanted);
    const last = this.#applied.get(path);
    const version = found?.metadata?.resourceVersion;
    if (last !== undefined && last.content === content && last.resourceVersion === version) return;
    const { metadata } = await this.#applier.apply<RawObject>(reference, wanted, signal);
    this.#applied.set(path, { content, resourceVersion: metadata?.resourceVersion ?? '' });
  }
}

function pathOf({ type, namespace, name }: ObjectReference): string {
  return resourcePath(type, namespace, name);
}
