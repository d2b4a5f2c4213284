import type { RawObject } from '../runtime/list-watch.ts';
import { apiVersionOf, type ResourceType, resourcePath } from './resources.ts';
import type { RestClient } from './rest.ts';

const APPLY_PATCH = 'application/apply-patch+yaml';
const MERGE_PATCH = 'application/merge-patch+json';

export interface ObjectReference {
  type: ResourceType;
  kind: string;
  /** Empty for cluster-scoped objects. */
  namespace: string;
  name: string;
  /**
   * When given, an object that is another version by now, or was created anew since, is a `Conflict` and stays untouched. (A uid does not do: the API server looks at
   * none when a status of a custom resource is written.)
   */
  resourceVersion?: string;
}

/**
 * Server-side apply under one field manager. `force`: a field that somebody else set is taken over, since only fields that nobody else should own are
 * ever applied.
 */
export class Applier {
  readonly #rest: RestClient;
  readonly #fieldManager: string;

  constructor(rest: RestClient, fieldManager: string) {
    this.#rest = rest;
    this.#fieldManager = fieldManager;
  }

  /** Creates or updates the fields in `content` (spec, data, webhooks, ...; `metadata` merged with the reference's). */
  async apply<R>(
    reference: ObjectReference,
    content: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<R> {
    return this.#patch<R>(reference, '', content, signal);
  }

  /** Sets the status subresource; fields and conditions applied before and absent now are removed. Resolves with the resourceVersion that the object has then. */
  async applyStatus(reference: ObjectReference, status: object, signal: AbortSignal): Promise<string> {
    const { metadata } = await this.#patch<RawObject>(reference, '/status', { status }, signal);
    return metadata?.resourceVersion ?? '';
  }

  /**
   * Replaces fields of the status of one version of an object, for statuses that several controllers write: lists are replaced as a whole, so they have to be
   * made from that version. Another version is a `Conflict`.
   */
  async replaceStatus(
    { type, namespace, name }: ObjectReference,
    resourceVersion: string,
    status: object,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#rest.json({
      method: 'PATCH',
      path: `${resourcePath(type, namespace, name)}/status`,
      query: { fieldManager: this.#fieldManager },
      body: { metadata: { resourceVersion }, status },
      contentType: MERGE_PATCH,
      signal,
    });
  }

  #patch<R>(
    reference: ObjectReference,
    subresource: string,
    content: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<R> {
    const { type, kind, namespace, name, resourceVersion } = reference;
    const metadata = {
      ...(content['metadata'] as object | undefined),
      name,
      ...(namespace === '' ? {} : { namespace }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    };
    return this.#rest.json<R>({
      method: 'PATCH',
      path: resourcePath(type, namespace, name) + subresource,
      query: { fieldManager: this.#fieldManager, force: 'true' },
      body: { apiVersion: apiVersionOf(type), kind, ...content, metadata },
      contentType: APPLY_PATCH,
      signal,
    });
  }
}
