import { listOf } from '../crds/parse/metadata.ts';
import { type Demand, demandsOf } from '../webhooks/inject/demands.ts';
import { type ResourceType, resourcePath } from './kube/resources.ts';
import type { RestClient } from './kube/rest.ts';
import { type Clock, withDeadline } from './runtime/clock.ts';

const QUOTAS: ResourceType = { group: '', version: 'v1', plural: 'resourcequotas' };
const RANGES: ResourceType = { group: '', version: 'v1', plural: 'limitranges' };

/** A new quota counts after so long. It is asked for and not watched: the status of a quota changes with every pod of its namespace. */
const KEPT_MS = 10_000;
/** An admission waits so long at most; then a pod is injected as if nothing were demanded. */
const LOOKUP_TIMEOUT_MS = 1_000;
const NAMESPACES_MAX = 1_000;

/** What namespaces demand of every container, remembered for a moment: pods come in crowds. */
export class NamespaceDemands {
  readonly #rest: RestClient;
  readonly #clock: Clock;
  readonly #known = new Map<string, { demands: Promise<readonly Demand[]>; atMs: number }>();

  constructor(rest: RestClient, clock: Clock) {
    this.#rest = rest;
    this.#clock = clock;
  }

  /** Never rejects. */
  of(namespace: string): Promise<readonly Demand[]> {
    const nowMs = this.#clock.nowMs();
    const known = this.#known.get(namespace);
    if (known !== undefined && nowMs - known.atMs < KEPT_MS) return known.demands;
    const demands = this.#ask(namespace).catch(() => []);
    this.#known.delete(namespace);
    this.#known.set(namespace, { demands, atMs: nowMs });
    const oldest = this.#known.keys().next();
    if (this.#known.size > NAMESPACES_MAX && oldest.done !== true) this.#known.delete(oldest.value);
    return demands;
  }

  #ask(namespace: string): Promise<readonly Demand[]> {
    return withDeadline(this.#clock, LOOKUP_TIMEOUT_MS, new AbortController().signal, async (signal) => {
      const list = (type: ResourceType) =>
        this.#rest.json({ method: 'GET', path: resourcePath(type, namespace), signal });
      const [quotas, ranges] = await Promise.all([list(QUOTAS), list(RANGES)]);
      return demandsOf(listOf(quotas, 'items'), listOf(ranges, 'items'));
    });
  }
}
