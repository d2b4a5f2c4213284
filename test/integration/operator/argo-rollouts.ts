import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { failureOf } from '../../../operator/runtime/errors.ts';
import type { Cluster, SeenObject } from './plane.ts';

/** What a Rollout says of its canary (`spec.strategy.canary`): two Services, and the names of the header routes that are the plugin's to manage. */
export interface Rollout {
  stable: string;
  canary: string;
  managedRoutes: readonly string[];
}

/** The step `setHeaderRoute`. Without `match` the route is taken away again. */
export interface HeaderRoute {
  name: string;
  match?: readonly { headerName: string; headerValue: { exact: string } | { prefix: string } | { regex: string } }[];
}

interface RouteRule {
  name?: string;
  matches?: { headers?: object[]; [field: string]: unknown }[];
  filters?: object[];
  backendRefs?: { group?: string; kind?: string; name: string; port?: number; weight?: number }[];
}

/** A HTTPRoute or a GRPCRoute. */
export interface CanaryRoute extends SeenObject {
  spec: { parentRefs: Record<string, unknown>[]; rules: RouteRule[] };
}

/** What the controller asks of the plugin `argoproj-labs/gatewayAPI`. */
export interface TrafficRouter {
  /** @param weight percent for the canary */
  setWeight(weight: number): Promise<void>;
  setHeaderRoute(route: HeaderRoute): Promise<void>;
  removeManagedRoutes(): Promise<void>;
}

export interface Pass {
  weight: number;
  /** The Rollout is at this step. */
  header?: HeaderRoute;
  /** It is promoted or aborted. */
  over?: boolean;
}

/**
 * One pass of Argo Rollouts' controller over a Rollout, as far as a route goes (argo-rollouts: rollout/trafficrouting.go). It waits for nothing in between. Why
 * this is a replay: `hack/adr/0030-argo-rollouts-replayed.md`.
 */
export async function pass(router: TrafficRouter, { weight, header, over = false }: Pass): Promise<void> {
  if (over) await router.removeManagedRoutes();
  if (header !== undefined) await router.setHeaderRoute(header);
  await router.setWeight(weight);
}

/** client-go: `retry.DefaultRetry`. */
const ATTEMPTS = 5;
const PAUSE_MS = 10;

/** Writes a route as the plugin's client of Go's types does: a GET, and a PUT of the whole object with the status that was read. */
export class RouteClient {
  /** Every PUT that was taken, and the answer to it. */
  readonly writes: { sent: CanaryRoute; stored: CanaryRoute }[] = [];
  readonly #cluster: Cluster;
  readonly #path: string;

  constructor(cluster: Cluster, path: string) {
    this.#cluster = cluster;
    this.#path = path;
  }

  read(): Promise<CanaryRoute> {
    return this.#cluster.read<CanaryRoute>(this.#path);
  }

  /**
   * @param change `null`: nothing is to be written
   * @throws RequestError when the object is refused, or has changed between every GET and its PUT
   */
  async update(change: (held: CanaryRoute) => CanaryRoute | null): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const changed = change(await this.read());
      if (changed === null) return;
      // The field has no `omitempty` (Gateway API: RouteStatus).
      const sent = { ...changed, status: changed.status ?? { parents: null } } as CanaryRoute;
      try {
        this.writes.push({ sent, stored: (await this.#cluster.put(this.#path, sent)) as CanaryRoute });
        return;
      } catch (error) {
        if (failureOf(error) !== 'Conflict' || attempt === ATTEMPTS) throw error;
      }
      await sleep(PAUSE_MS);
    }
  }
}

const IN_PROGRESS = 'rollouts.argoproj.io/gatewayapi-canary';

/** The plugin since it finds the rules that it has added by their names (pkg/plugin/{httproute,grpcroute}.go; its issue 182). */
export class NamedRules implements TrafficRouter {
  readonly #client: RouteClient;
  readonly #rollout: Rollout;

  constructor(client: RouteClient, rollout: Rollout) {
    this.#client = client;
    this.#rollout = rollout;
  }

  /** In every rule that names both Services; where that changes nothing, it writes nothing. */
  setWeight(weight: number): Promise<void> {
    return this.#client.update((held) => {
      const rules = held.spec.rules.map((rule) => {
        return isSplit(rule, this.#rollout) ? withWeights(rule, this.#rollout, weight) : rule;
      });
      const changed = withLabel({ ...held, spec: { ...held.spec, rules } }, weight > 0);
      return isDeepStrictEqual(changed, held) ? null : changed;
    });
  }

  /** For every rule that names both Services one of the canary alone, at the end; those of the same name are replaced. */
  setHeaderRoute({ name, match }: HeaderRoute): Promise<void> {
    if (match === undefined) return this.removeManagedRoutes();
    return this.#client.update((held) => {
      const split = held.spec.rules.filter((rule) => isSplit(rule, this.#rollout));
      const added = split.map((rule, at) => {
        return { name: at === 0 ? name : `${name}-${at}`, ...headerRule(rule, this.#rollout, match) };
      });
      const rules = [...held.spec.rules.filter((rule) => !isNamed(rule, [name])), ...added];
      return { ...held, spec: { ...held.spec, rules } };
    });
  }

  removeManagedRoutes(): Promise<void> {
    return this.#client.update((held) => {
      const rules = held.spec.rules.filter((rule) => !isNamed(rule, this.#rollout.managedRoutes));
      return rules.length === held.spec.rules.length ? null : { ...held, spec: { ...held.spec, rules } };
    });
  }
}

/**
 * The plugin as of 0.8: the rules that it adds have no name, it knows where they stand. (It keeps that in a ConfigMap, which is no business of a mesh.) They
 * name the canary, and get its weight like every other backend of that name. It gives a conflict back to the controller, which comes again; here the write
 * is tried again. That it cannot take a single rule off a GRPCRoute is not replayed.
 */
export class CountedRules implements TrafficRouter {
  readonly #client: RouteClient;
  readonly #rollout: Rollout;
  readonly #places = new Map<string, number>();

  constructor(client: RouteClient, rollout: Rollout) {
    this.#client = client;
    this.#rollout = rollout;
  }

  setWeight(weight: number): Promise<void> {
    return this.#client.update((held) => {
      const rules = held.spec.rules.map((rule) => withWeights(rule, this.#rollout, weight));
      return { ...held, spec: { ...held.spec, rules } };
    });
  }

  async setHeaderRoute({ name, match }: HeaderRoute): Promise<void> {
    if (match === undefined) return this.#remove([name]);
    await this.#client.update((held) => {
      const [first] = held.spec.rules;
      this.#places.set(name, held.spec.rules.length);
      const rules = [...held.spec.rules, headerRule(first!, this.#rollout, match)];
      return { ...held, spec: { ...held.spec, rules } };
    });
  }

  removeManagedRoutes(): Promise<void> {
    return this.#remove(this.#rollout.managedRoutes);
  }

  async #remove(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const place = this.#places.get(name);
      if (place === undefined) continue;
      await this.#client.update((held) => {
        return { ...held, spec: { ...held.spec, rules: held.spec.rules.toSpliced(place, 1) } };
      });
      this.#places.delete(name);
      for (const [other, at] of this.#places) if (at > place) this.#places.set(other, at - 1);
    }
  }
}

function isSplit({ backendRefs = [] }: RouteRule, { stable, canary }: Rollout): boolean {
  return [stable, canary].every((service) => backendRefs.some(({ name }) => name === service));
}

/** Of the names, or of one of them and a number. */
function isNamed({ name = '' }: RouteRule, names: readonly string[]): boolean {
  return names.includes(name.replace(/-\d+$/, '')) || names.includes(name);
}

function withWeights(rule: RouteRule, { stable, canary }: Rollout, weight: number): RouteRule {
  const weights = new Map([
    [canary, weight],
    [stable, 100 - weight],
  ]);
  const backendRefs = rule.backendRefs?.map((ref) => ({ ...ref, weight: weights.get(ref.name) ?? ref.weight }));
  return { ...rule, backendRefs };
}

/** The matches of a rule with these headers besides, for the canary alone. It says no weight. */
function headerRule(rule: RouteRule, { canary }: Rollout, match: NonNullable<HeaderRoute['match']>): RouteRule {
  const headers = match.map(({ headerName: name, headerValue }) => {
    if ('exact' in headerValue) return { type: 'Exact', name, value: headerValue.exact };
    const value = 'prefix' in headerValue ? `${headerValue.prefix}.*` : headerValue.regex;
    return { type: 'RegularExpression', name, value };
  });
  const port = rule.backendRefs?.find(({ name }) => name === canary)?.port;
  const matches = (rule.matches ?? [{}]).map((each) => ({ ...each, headers: [...(each.headers ?? []), ...headers] }));
  return {
    matches,
    ...(rule.filters === undefined ? {} : { filters: rule.filters }),
    backendRefs: [{ group: '', kind: 'Service', name: canary, port }],
  };
}

function withLabel(route: CanaryRoute, inProgress: boolean): CanaryRoute {
  const labels = { ...(route.metadata['labels'] as Record<string, string> | undefined) };
  if (inProgress) labels[IN_PROGRESS] = 'in-progress';
  else delete labels[IN_PROGRESS];
  const metadata = { ...route.metadata, labels };
  if (Object.keys(labels).length > 0) return { ...route, metadata };
  const { labels: _none, ...others } = metadata;
  return { ...route, metadata: others };
}
