import type { Fleet } from './fleet.ts';
import { PATHS } from './objects.ts';

export type ChangeKind = 'endpoint' | 'profile' | 'split' | 'route' | 'authorization';

export interface Replacement {
  op: 'replace';
  path: string;
  value: unknown;
}

/** A write of one field of one object. */
export interface Change {
  kind: ChangeKind;
  path: string;
  /** Operations of a JSON patch (RFC 6902). */
  patch: readonly Replacement[];
  /** The resource of the stream that becomes another by it, as proxies know it. */
  keys: readonly string[];
}

/** Services one after the other in an order in which neighbours are far apart: no service is changed twice within a second. */
const STRIDE = 389;
const RESOURCE_KINDS = ['profile', 'split', 'route', 'authorization'] as const;

const replace = (path: string, value: unknown): Replacement[] => [{ op: 'replace', path, value }];

/** The changes of a run, each with another effect than the one before on that object. */
export class Changes {
  readonly #fleet: Fleet;
  /** In all values: a cluster that was changed before by the same changes is changed by these too. */
  readonly #salt: number;
  #endpoints = 0;
  #resources = 0;

  constructor(fleet: Fleet, salt = 0) {
    this.#fleet = fleet;
    this.#salt = salt;
  }

  /** An endpoint goes or comes back: all but one of a service are there at any time. */
  nextEndpoint(): Change {
    const fleet = this.#fleet;
    const { services, endpointsPerService } = fleet.size;
    const number = this.#endpoints;
    this.#endpoints += 1;
    const service = (number * STRIDE) % services;
    const round = Math.floor(number / services);
    const endpoint = Math.floor(round / 2) % endpointsPerService;
    return {
      kind: 'endpoint',
      path: `${PATHS.slices(fleet.namespaceOf(service))}/${fleet.serviceName(service)}`,
      patch: replace(`/endpoints/${endpoint}/conditions/ready`, round % 2 === 1),
      keys: [fleet.endpointsKey(service)],
    };
  }

  nextResource(): Change {
    const number = this.#resources;
    this.#resources += 1;
    const kind = RESOURCE_KINDS[number % RESOURCE_KINDS.length]!;
    return this.#resource(kind, Math.floor(number / RESOURCE_KINDS.length), this.#salt + number);
  }

  #resource(kind: (typeof RESOURCE_KINDS)[number], turn: number, number: number): Change {
    const fleet = this.#fleet;
    const half = Math.floor(fleet.size.splits / 2);
    const at = (path: (namespace: string) => string, service: number, name = fleet.serviceName(service)) =>
      `${path(fleet.namespaceOf(service))}/${name}`;
    switch (kind) {
      // Profiles of other services than those whose splits are changed: each resource is known by its last change.
      case 'profile': {
        const service = (turn * STRIDE) % half;
        const path = at(PATHS.profiles, service, fleet.fqdn(service));
        const patch = replace('/spec/routes/1/timeout', `${1_000 + number}ms`);
        return { kind, path, patch, keys: [fleet.serviceKey(service)] };
      }
      case 'split': {
        const service = half + ((turn * STRIDE) % half);
        const patch = replace('/spec/backends/1/weight', 101 + (number % 800));
        return { kind, path: at(PATHS.splits, service), patch, keys: [fleet.serviceKey(service)] };
      }
      case 'route': {
        const service = fleet.routed((turn * STRIDE) % fleet.size.routes);
        const patch = replace('/spec/rules/1/timeouts/request', `${1_000 + number}ms`);
        return { kind, path: at(PATHS.routes, service), patch, keys: [fleet.serviceKey(service)] };
      }
      case 'authorization': {
        const service = (turn * STRIDE) % fleet.servers;
        const patch = replace('/spec/client/meshTLS/serviceAccounts/1/name', `client-${10 + number}`);
        return { kind, path: at(PATHS.serverAuthorizations, service), patch, keys: this.#workloads(service) };
      }
    }
  }

  #workloads(service: number): string[] {
    const fleet = this.#fleet;
    const { proxies, services } = fleet.size;
    const of = Array.from({ length: Math.ceil(proxies / services) }, (_, turn) => service + turn * services);
    return of.filter((proxy) => proxy < proxies).map((proxy) => fleet.workloadKey(fleet.proxy(proxy)));
  }
}
