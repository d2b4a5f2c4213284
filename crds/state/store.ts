import type { ObjectMeta } from '../types/object-meta.ts';
import { getOrCreate } from './get-or-create.ts';
import { byAge } from './order.ts';
import type { ReadKey } from './view.ts';

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
    this.#held.push(held);
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

/** Objects by the texts that `keysOf` gives for them; each text is the read key under which a change is reported. */
export class KeyIndex<M> implements Index<M> {
  readonly #keysOf: (model: M, meta: ObjectMeta) => readonly ReadKey[];
  readonly #buckets = new Map<ReadKey, Bucket<M>>();

  constructor(keysOf: (model: M, meta: ObjectMeta) => readonly ReadKey[]) {
    this.#keysOf = keysOf;
  }

  list(read: ReadKey): readonly M[] {
    return this.#buckets.get(read)?.list() ?? EMPTY;
  }

  replace(old: Held<M> | null, next: Held<M> | null, touched: Touched): void {
    const before = old === null ? EMPTY : this.#keysOf(old.model, old.meta);
    const after = next === null ? EMPTY : this.#keysOf(next.model, next.meta);
    for (const key of before) {
      this.#remove(key, old!);
      touched.reads.add(key);
      if (!after.includes(key)) touched.left.add(key);
    }
    for (const key of after) {
      this.#bucket(key).add(next!);
      touched.reads.add(key);
    }
  }

  #bucket(key: ReadKey): Bucket<M> {
    return getOrCreate(this.#buckets, key, () => new Bucket());
  }

  #remove(key: ReadKey, held: Held<M>): void {
    const bucket = this.#buckets.get(key);
    bucket?.remove(held);
    if (bucket?.size === 0) this.#buckets.delete(key);
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
