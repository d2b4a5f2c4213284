import type { Model } from '../types/kind-name.ts';
import type { ObjectMeta } from '../types/object-meta.ts';
import { getOrCreate } from './get-or-create.ts';
import type { KeyIndexOf } from './kind.ts';
import { byAge } from './order.ts';
import { indexRead, type ReadKey } from './reads.ts';

export interface Held<M> {
  meta: ObjectMeta;
  model: M;
}

/** What an index tells of one change: the reads whose answer may differ, and of those the ones that the old object has left. */
export interface Touched {
  reads: Set<ReadKey>;
  left: Set<ReadKey>;
}

/** A secondary index that a `Store` keeps in step. */
export interface Index<M> {
  replace(old: Held<M> | null, next: Held<M> | null, touched: Touched): void;
}

/** Objects that share an index key, oldest first. */
export class Bucket<M> {
  #held: Held<M>[] = [];
  #sorted: readonly M[] | null = null;

  get size(): number {
    return this.#held.length;
  }

  add(held: Held<M>): void {
    // Most have one: pushed into an empty array, it would take room for sixteen more.
    if (this.#held.length === 0) this.#held = [held];
    else this.#held.push(held);
    this.#sorted = null;
  }

  remove(held: Held<M>): void {
    const at = this.#held.indexOf(held);
    if (at >= 0) this.#held.splice(at, 1);
    this.#sorted = null;
  }

  list(): readonly M[] {
    this.#sorted ??= this.#held.sort(byAge).map((held) => held.model);
    return this.#sorted;
  }
}

const EMPTY: readonly never[] = [];

/** Objects by the texts that its declaration gives for them; each makes a read under which a change is reported. */
export class KeyIndex<M extends Model> implements Index<M> {
  readonly #declared: KeyIndexOf<M>;
  readonly #buckets = new Map<ReadKey, Bucket<M>>();

  constructor(declared: KeyIndexOf<M>) {
    this.#declared = declared;
  }

  list(read: ReadKey): readonly M[] {
    return this.#buckets.get(read)?.list() ?? EMPTY;
  }

  replace(old: Held<M> | null, next: Held<M> | null, touched: Touched): void {
    const before = old === null ? [] : this.#readsOf(old);
    const after = next === null ? [] : this.#readsOf(next);
    for (const read of before) {
      this.#remove(read, old!);
      touched.reads.add(read);
      if (!after.includes(read)) touched.left.add(read);
    }
    for (const read of after) {
      this.#bucket(read).add(next!);
      touched.reads.add(read);
    }
  }

  #readsOf({ model, meta }: Held<M>): ReadKey[] {
    const keys = new Set(this.#declared.keysOf(model, meta));
    return [...keys].map((key) => indexRead(this.#declared, key));
  }

  #bucket(read: ReadKey): Bucket<M> {
    return getOrCreate(this.#buckets, read, () => new Bucket());
  }

  #remove(read: ReadKey, held: Held<M>): void {
    const bucket = this.#buckets.get(read);
    bucket?.remove(held);
    if (bucket?.size === 0) this.#buckets.delete(read);
  }
}

/** The objects of one kind by namespace and name, and their indexes. */
export class Store<M> {
  readonly #namespaces = new Map<string, Map<string, Held<M>>>();
  readonly #indexes: readonly Index<M>[];

  constructor(indexes: readonly Index<M>[] = []) {
    this.#indexes = indexes;
  }

  held(namespace: string, name: string): Held<M> | null {
    return this.#namespaces.get(namespace)?.get(name) ?? null;
  }

  get(namespace: string, name: string): M | null {
    return this.held(namespace, name)?.model ?? null;
  }

  /** Sorted anew with every call: only assessments list whole namespaces. */
  list(namespace: string): readonly M[] {
    const held = [...(this.#namespaces.get(namespace)?.values() ?? EMPTY)];
    return held.sort(byAge).map((each) => each.model);
  }

  replace(meta: ObjectMeta, model: M | null, touched: Touched): void {
    const old = this.held(meta.namespace, meta.name);
    const next = model === null ? null : { meta, model };
    for (const index of this.#indexes) index.replace(old, next, touched);
    if (next === null) this.#delete(meta);
    else this.#names(meta.namespace).set(meta.name, next);
  }

  #names(namespace: string): Map<string, Held<M>> {
    return getOrCreate(this.#namespaces, namespace, () => new Map());
  }

  #delete(meta: ObjectMeta): void {
    const names = this.#namespaces.get(meta.namespace);
    names?.delete(meta.name);
    if (names?.size === 0) this.#namespaces.delete(meta.namespace);
  }
}
