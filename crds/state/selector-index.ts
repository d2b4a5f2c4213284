import { matchesSelector } from '../scalars/label-selector.ts';
import type { Model } from '../types/kind-name.ts';
import type { LabelSelector } from '../types/label-selector.ts';
import { getOrCreate } from './get-or-create.ts';
import type { SelectorIndexOf } from './kind.ts';
import { labelKeysRead, labelRead, type ReadKey } from './reads.ts';
import { Bucket, type Held, type Index, type Touched } from './store.ts';
import type { Labels } from './view.ts';

interface Filed {
  label: string;
  read: ReadKey;
}

const ANY = '*';

/**
 * Finds the objects whose label selector matches given labels without asking every object: each is filed under one label pair of its selector
 * (the least crowded one), or under `*` when it demands none. A change touches only the pair it is filed under, so that a new Server or
 * Service does not recompile every workload of its namespace.
 */
export class SelectorIndex<M extends Model> implements Index<M> {
  readonly #declared: SelectorIndexOf<M>;
  readonly #buckets = new Map<ReadKey, Bucket<M>>();
  readonly #filed = new Map<Held<M>, Filed>();
  /** Namespace → label key → how many objects are filed under it. */
  readonly #labelKeys = new Map<string, Map<string, number>>();

  constructor(declared: SelectorIndexOf<M>) {
    this.#declared = declared;
  }

  /** The reads that answer `select`, in the order of evaluation. */
  readsFor(namespace: string, labels: Labels): ReadKey[] {
    const reads = [labelKeysRead(this.#declared, namespace), labelRead(this.#declared, namespace, ANY)];
    for (const key of this.#labelKeys.get(namespace)?.keys() ?? []) {
      if (Object.hasOwn(labels, key)) reads.push(labelRead(this.#declared, namespace, `${key}=${labels[key]}`));
    }
    return reads;
  }

  /** Not sorted: the caller merges several buckets. */
  select(reads: readonly ReadKey[], labels: Labels): M[] {
    const found: M[] = [];
    for (const read of reads) {
      for (const model of this.#buckets.get(read)?.list() ?? []) {
        const selector = this.#declared.selectorOf(model);
        if (selector !== null && matchesSelector(selector, labels)) found.push(model);
      }
    }
    return found;
  }

  replace(old: Held<M> | null, next: Held<M> | null, touched: Touched): void {
    const left = old === null ? null : this.#remove(old, touched);
    const filed = next === null ? null : this.#add(next, touched);
    if (left !== null && left !== filed) touched.left.add(left);
  }

  #add(held: Held<M>, touched: Touched): ReadKey | null {
    const selector = this.#declared.selectorOf(held.model);
    if (selector === null) return null;
    const { namespace } = held.meta;
    const label = this.#leastCrowded(namespace, selector);
    const read = labelRead(this.#declared, namespace, label);
    this.#bucket(read).add(held);
    this.#filed.set(held, { label, read });
    this.#count(namespace, label, 1, touched);
    touched.reads.add(read);
    return read;
  }

  #remove(held: Held<M>, touched: Touched): ReadKey | null {
    const filed = this.#filed.get(held);
    if (filed === undefined) return null;
    this.#filed.delete(held);
    const bucket = this.#bucket(filed.read);
    bucket.remove(held);
    if (bucket.size === 0) this.#buckets.delete(filed.read);
    this.#count(held.meta.namespace, filed.label, -1, touched);
    touched.reads.add(filed.read);
    return filed.read;
  }

  #leastCrowded(namespace: string, selector: LabelSelector): string {
    let best = ANY;
    let fewest = Number.POSITIVE_INFINITY;
    for (const [key, value] of Object.entries(selector.matchLabels)) {
      const label = `${key}=${value}`;
      const size = this.#buckets.get(labelRead(this.#declared, namespace, label))?.size ?? 0;
      if (size < fewest) [best, fewest] = [label, size];
    }
    return best;
  }

  #bucket(read: ReadKey): Bucket<M> {
    return getOrCreate(this.#buckets, read, () => new Bucket());
  }

  #count(namespace: string, label: string, step: 1 | -1, touched: Touched): void {
    if (label === ANY) return;
    const key = label.slice(0, label.indexOf('='));
    const keys = this.#labelKeys.get(namespace) ?? new Map<string, number>();
    const count = (keys.get(key) ?? 0) + step;
    if (count === 0) keys.delete(key);
    else keys.set(key, count);
    this.#labelKeys.set(namespace, keys);
    if (keys.size === 0) this.#labelKeys.delete(namespace);
    if (count === 0 || (count === 1 && step === 1)) touched.reads.add(labelKeysRead(this.#declared, namespace));
  }
}
