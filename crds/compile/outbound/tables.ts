import type { Backend } from '../../../proxy-image/contract/policy/backend.ts';
import type { Distribution } from '../../../proxy-image/contract/policy/distribution.ts';
import type { Meta } from '../../../proxy-image/contract/policy/meta.ts';
import type { OutboundPolicy, Rule } from '../../../proxy-image/contract/policy/outbound.ts';
import type { RoutePolicy } from '../../../proxy-image/contract/policy/route-policy.ts';

/** The tables of an `OutboundPolicy` while it is put together: equal entries are one, and everything refers to them by index. */
export class PolicyTables {
  readonly rules: Rule[] = [];
  readonly #origins = new Table<Meta>();
  readonly #backends = new Table<Backend>();
  readonly #distributions = new Table<Distribution>();
  readonly #policies = new Table<RoutePolicy>();

  origin(meta: Meta): number {
    return this.#origins.indexOf(meta);
  }

  backend(backend: Backend): number {
    return this.#backends.indexOf(backend);
  }

  distribution(distribution: Distribution): number {
    return this.#distributions.indexOf(distribution);
  }

  policy(policy: RoutePolicy): number {
    return this.#policies.indexOf(policy);
  }

  finish(): Pick<OutboundPolicy, 'origins' | 'backends' | 'distributions' | 'policies' | 'rules'> {
    return {
      origins: this.#origins.entries,
      backends: this.#backends.entries,
      distributions: this.#distributions.entries,
      policies: this.#policies.entries,
      rules: this.rules,
    };
  }
}

/** Entries are plain data, written by one piece of code each: their JSON is the same exactly when they are. */
class Table<T> {
  readonly entries: T[] = [];
  readonly #indexes = new Map<string, number>();

  indexOf(entry: T): number {
    const text = JSON.stringify(entry);
    const known = this.#indexes.get(text);
    if (known !== undefined) return known;
    this.#indexes.set(text, this.entries.length);
    return this.entries.push(entry) - 1;
  }
}
