/** Index name → the values under which an object is found. */
export type Indexers<T> = Readonly<Record<string, (object: T) => readonly string[]>>;

export interface Entry<T> {
  key: string;
  uid: string;
  /** resourceVersion. */
  version: string;
  object: T;
}

const EMPTY: ReadonlySet<string> = new Set();

/** What an informer knows: frozen objects by key, and by the values of named indexes. */
export class Store<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #indexers: Indexers<T>;
  /** Index name → value → keys. */
  readonly #indexes = new Map<string, Map<string, Set<string>>>();

  constructor(indexers: Indexers<T> = {}) {
    this.#indexers = indexers;
    for (const name of Object.keys(indexers)) this.#indexes.set(name, new Map());
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): T | undefined {
    return this.#entries.get(key)?.object;
  }

  entry(key: string): Entry<T> | undefined {
    return this.#entries.get(key);
  }

  keys(): IterableIterator<string> {
    return this.#entries.keys();
  }

  list(): T[] {
    return Array.from(this.#entries.values(), (entry) => entry.object);
  }

  /** Keys of the objects that index `name` files under `value`, in order of insertion. */
  keysBy(name: string, value: string): ReadonlySet<string> {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new RangeError(`no index named ${name}`);
    return index.get(value) ?? EMPTY;
  }

  listBy(name: string, value: string): T[] {
    return Array.from(this.keysBy(name, value), (key) => this.#entries.get(key)!.object);
  }

  put(entry: Entry<T>): void {
    this.remove(entry.key);
    if (isChangeable(entry.object)) freeze(entry.object);
    this.#entries.set(entry.key, { ...entry });
    for (const [index, value] of this.#valuesOf(entry.object)) {
      const keys = index.get(value);
      if (keys === undefined) index.set(value, new Set([entry.key]));
      else keys.add(entry.key);
    }
  }

  remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    for (const [index, value] of this.#valuesOf(entry.object)) {
      const keys = index.get(value);
      keys?.delete(key);
      if (keys?.size === 0) index.delete(value);
    }
  }

  *#valuesOf(object: T): Generator<[Map<string, Set<string>>, string]> {
    for (const [name, index] of this.#indexes) {
      for (const value of this.#indexers[name]!(object)) yield [index, value];
    }
  }
}

const NOTHING: readonly never[] = Object.freeze([]);

/**
 * Readers share the stored objects, so nobody may change them. Only plain data is frozen: a class instance may keep caches of its own. Arrays are kept as copies:
 * one that was filled item by item has room for a dozen more, for as long as the object lives.
 */
function freeze(value: object): void {
  for (const [key, inner] of Object.entries(value)) {
    if (!isChangeable(inner)) continue;
    freeze(inner);
    if (Array.isArray(inner)) Reflect.set(value, key, inner.length === 0 ? NOTHING : Object.freeze(inner.slice()));
  }
  Object.freeze(value);
}

function isChangeable(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null;
}
