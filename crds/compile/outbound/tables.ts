import type { Backend } from '../../../proxy-image/contract/policy/backend.ts';
import type { Distribution } from '../../../proxy-image/contract/policy/distribution.ts';
import type { Meta } from '../../../proxy-image/contract/policy/meta.ts';
import type { RoutePolicy } from '../../../proxy-image/contract/policy/route-policy.ts';

/** One table of a policy: equal entries stand in it once. */
class Table<T> {
  readonly entries: T[] = [];
  readonly #indexes = new Map<string, number>();

  /** The index of `entry`, which is added unless an equal one is there. */
  of(entry: T): number {
    const text = JSON.stringify(entry);
    const known = this.#indexes.get(text);
    if (known !== undefined) return known;
    const index = this.entries.push(entry) - 1;
    this.#indexes.set(text, index);
    return index;
  }
}

/** What the rules of one policy refer to, by index, while it is compiled. */
export class PolicyTables {
  readonly origins: Table<Meta> = new Table();
  readonly backends: Table<Backend> = new Table();
  readonly distributions: Table<Distribution> = new Table();
  readonly policies: Table<RoutePolicy> = new Table();
}
