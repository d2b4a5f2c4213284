import type { ApiClient } from '../bench/propagation/api-client.ts';
import { machineMs } from './clock.ts';

/** Kinds whose objects are changed. */
const WATCHED = [
  '/apis/discovery.k8s.io/v1/endpointslices',
  '/apis/linkerd.io/v1alpha2/serviceprofiles',
  '/apis/split.smi-spec.io/v1alpha2/trafficsplits',
  '/apis/policy.linkerd.io/v1beta3/httproutes',
  '/apis/policy.linkerd.io/v1beta1/serverauthorizations',
];
const REVISION = /"resourceVersion":"(\d+)"/;
const WATCH_SECONDS = 3_600;

/**
 * A watch beside those of the operators, at the same API server: when it has delivered which revision of an object. Nothing else is made of an event: of what is late
 * in it, all but a few microseconds is late at the API server.
 */
export class BareWatch {
  readonly #seenMs = new Map<string, number>();
  readonly #close: (() => void)[] = [];

  async open(client: ApiClient): Promise<void> {
    for (const path of WATCHED) {
      const { metadata } = await client.json<{ metadata: { resourceVersion: string } }>('GET', `${path}?limit=1`);
      const query = `watch=1&resourceVersion=${metadata.resourceVersion}&timeoutSeconds=${WATCH_SECONDS}`;
      this.#close.push(client.watch(`${path}?${query}`, (line) => this.#note(line)));
    }
  }

  /** Once: it is forgotten then. `null`: not seen yet. */
  take(revision: string): number | null {
    const seenMs = this.#seenMs.get(revision) ?? null;
    this.#seenMs.delete(revision);
    return seenMs;
  }

  close(): void {
    for (const close of this.#close) close();
  }

  #note(line: string): void {
    const nowMs = machineMs();
    const [, revision] = REVISION.exec(line) ?? [];
    if (revision !== undefined) this.#seenMs.set(revision, nowMs);
  }
}
