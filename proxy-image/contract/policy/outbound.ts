import type { Fields, Reader } from '../read/reader.ts';
import { type Backend, readBackend } from './backend.ts';
import { type Distribution, readDistribution } from './distribution.ts';
import { type RequestMatch, readMatch } from './match.ts';
import { DEFAULT_ROUTE, type Meta, readMeta } from './meta.ts';
import { OUTBOUND_PROTOCOLS, type OutboundProtocol } from './protocol.ts';
import { type RetryBudget, readRetryBudget } from './retry.ts';
import { type RoutePolicy, readRoutePolicy, refusal } from './route-policy.ts';

/** The requests that `match` is true of get `policies[policy]`. `section`: the name of the route of a profile, or of the rule of a route; empty = it has none. */
export interface Rule {
  match: RequestMatch;
  section: string;
  policy: number;
}

/**
 * All that is done with the traffic to one port of a Service, whoever wrote it: ServiceProfile, TrafficSplit, HTTPRoute, GRPCRoute or annotations compile to
 * it, and a proxy never asks which. Tables are referred to by index.
 */
export interface OutboundPolicy {
  protocol: OutboundProtocol;
  /** Whom the traffic is for: `parent_*` labels. */
  parent: Meta;
  /** Objects that the policies come from. */
  origins: Meta[];
  backends: Backend[];
  distributions: Distribution[];
  policies: RoutePolicy[];
  /** In order of precedence, which the compiler decides: the first that matches wins. */
  rules: Rule[];
  /** For requests that no rule matches: an index of `policies`. 404 where routes exist is a policy with a `fail` filter. */
  fallback: number;
  /** For connections whose bytes are not HTTP: an index of `distributions`. */
  streams: number;
  /** Shared by all policies that retry by budget. */
  retryBudget: RetryBudget;
}

/**
 * Reads a policy of this revision. What is not understood fails closed where it stands and is reported as a denial: a filter its policy or its share, a
 * dispatch its backend, a match its rule, for every request that it could have matched, and so does an index that refers to nothing. All other rules take
 * effect. The result refers to entries of its own tables only.
 */
export function readOutboundPolicy(reader: Reader, value: unknown, path: string): OutboundPolicy {
  const fields = reader.object(value, path);
  const at = (name: string): string => `${path}.${name}`;
  const origins = reader.list(fields['origins'], at('origins'), (entry, where) => readMeta(reader, entry, where));
  const backends = reader.list(fields['backends'], at('backends'), (entry, where) => readBackend(reader, entry, where));
  const distributions = reader.list(fields['distributions'], at('distributions'), (entry, where) =>
    readDistribution(reader, entry, where, backends.length),
  );
  const tables = new Tables(reader, origins, backends, distributions);
  tables.readPolicies(fields, path);
  return {
    protocol: reader.oneOf(fields['protocol'], at('protocol'), OUTBOUND_PROTOCOLS, 'opaque'),
    parent: readMeta(reader, fields['parent'], at('parent')),
    origins,
    backends,
    distributions,
    policies: tables.policies,
    rules: reader.list(fields['rules'], at('rules'), (entry, where) => tables.readRule(entry, where)),
    fallback: tables.policy(fields['fallback'], at('fallback')),
    streams: tables.streams(fields['streams'], at('streams')),
    retryBudget: readRetryBudget(reader, fields['retryBudget'], at('retryBudget')),
  };
}

/** The tables of one policy while it is read; what fails closed is added to them once, when it is first referred to. */
class Tables {
  policies: RoutePolicy[] = [];
  readonly #reader: Reader;
  readonly #origins: Meta[];
  readonly #backends: readonly Backend[];
  readonly #distributions: Distribution[];
  #known = 0;
  #refusal = -1;
  #nowhere = -1;

  constructor(reader: Reader, origins: Meta[], backends: readonly Backend[], distributions: Distribution[]) {
    this.#reader = reader;
    this.#origins = origins;
    this.#backends = backends;
    this.#distributions = distributions;
  }

  readPolicies(fields: Fields, path: string): void {
    const sizes = {
      origins: this.#origins.length,
      backends: this.#backends.length,
      distributions: this.#distributions.length,
    };
    const read = this.#reader.list(fields['policies'], `${path}.policies`, (entry, at) =>
      readRoutePolicy(this.#reader, entry, at, sizes),
    );
    this.policies = read.map((policy) => {
      return policy.origin === -1 || policy.distribution === -1 ? this.#newRefusal(policy.origin) : policy;
    });
    this.#known = read.length;
  }

  readRule(value: unknown, path: string): Rule {
    const fields = this.#reader.object(value, path);
    const { match, understood } = readMatch(this.#reader, fields['match'], `${path}.match`);
    const section = this.#reader.textOf(fields, path, 'section');
    const policy = this.policy(fields['policy'], `${path}.policy`);
    return { match, section, policy: understood ? policy : this.#refuse() };
  }

  policy(value: unknown, path: string): number {
    const index = this.#reader.index(value, path, this.#known);
    return index === -1 ? this.#refuse() : index;
  }

  streams(value: unknown, path: string): number {
    const index = this.#reader.index(value, path, this.#distributions.length);
    return index === -1 ? this.#emptyDistribution() : index;
  }

  #refuse(): number {
    if (this.#refusal === -1) this.#refusal = this.policies.push(this.#newRefusal(-1)) - 1;
    return this.#refusal;
  }

  #newRefusal(origin: number): RoutePolicy {
    const known = origin === -1 ? this.#origins.push({ ...DEFAULT_ROUTE }) - 1 : origin;
    return refusal(known, this.#emptyDistribution());
  }

  #emptyDistribution(): number {
    if (this.#nowhere === -1) this.#nowhere = this.#distributions.push([]) - 1;
    return this.#nowhere;
  }
}
