import { compareText } from '../../crds/state/order.ts';

/** How many pods of a namespace should have a proxy and have none, by `Cause` of `webhooks/inject/lack.ts`. */
export interface LackCount {
  missed: number;
  perhapsOlder: number;
}

/** The same of all namespaces: those with the most first, the rest by their number. */
export interface LackSummary extends LackCount {
  namespaces: { name: string; pods: number }[];
  otherNamespaces: number;
}

export const NO_LACKS: LackSummary = { missed: 0, perhapsOlder: 0, namespaces: [], otherNamespaces: 0 };

/** Named in a condition. */
const NAMED = 5;

/** Pods that lack a proxy, counted as they come and go: never all of them for the sake of one. */
export class LackCounts {
  readonly #lacks = new Map<string, { namespace: string; kind: keyof LackCount }>();
  readonly #counts = new Map<string, LackCount>();

  get pods(): number {
    return this.#lacks.size;
  }

  has(key: string): boolean {
    return this.#lacks.has(key);
  }

  /** `kind` null: it lacks none. */
  set(key: string, namespace: string, kind: keyof LackCount | null): void {
    const before = this.#lacks.get(key);
    if (before !== undefined) this.#add(before.namespace, before.kind, -1);
    this.#lacks.delete(key);
    if (kind === null) return;
    this.#lacks.set(key, { namespace, kind });
    this.#add(namespace, kind, 1);
  }

  /** Namespaces that have some. */
  byNamespace(): Iterable<[namespace: string, count: LackCount]> {
    return this.#counts;
  }

  summary(): LackSummary {
    const namespaces = [...this.#counts]
      .map(([name, { missed, perhapsOlder }]) => ({ name, pods: missed + perhapsOlder }))
      .sort((a, b) => b.pods - a.pods || compareText(a.name, b.name));
    const all = [...this.#counts.values()];
    return {
      missed: all.reduce((total, { missed }) => total + missed, 0),
      perhapsOlder: all.reduce((total, { perhapsOlder }) => total + perhapsOlder, 0),
      namespaces: namespaces.slice(0, NAMED),
      otherNamespaces: Math.max(0, namespaces.length - NAMED),
    };
  }

  #add(namespace: string, kind: keyof LackCount, by: number): void {
    const count = this.#counts.get(namespace) ?? { missed: 0, perhapsOlder: 0 };
    count[kind] += by;
    if (count.missed + count.perhapsOlder === 0) this.#counts.delete(namespace);
    else this.#counts.set(namespace, count);
  }
}
