import type { KindName, Model } from '../types/kind-name.ts';
import type { IndexOf, KeyIndexOf, SelectorIndexOf, StoredKind } from './kind.ts';
import { SelectorIndex } from './selector-index.ts';
import { KeyIndex, Store } from './store.ts';
import type { TrustModel } from './view.ts';

/** One store per kind with its indexes. What was made from a declaration of some model is found by it: hence the casts, which are this module's only. */
export class Stores {
  trust: TrustModel | null = null;
  readonly kinds: readonly StoredKind[];
  readonly #kinds = new Map<string, StoredKind>();
  readonly #stores = new Map<string, Store<Model>>();
  readonly #keys = new Map<string, KeyIndex<Model>>();
  readonly #selectors = new Map<string, SelectorIndex<Model>>();

  /** @throws Error where two kinds, or two indexes, have one name */
  constructor(kinds: readonly StoredKind[]) {
    this.kinds = kinds;
    for (const kind of kinds) {
      const indexes = kind.indexes.map((index) => this.#create(index));
      add(this.#stores, kind.id, new Store(indexes));
      add(this.#kinds, kind.id, kind);
    }
  }

  kind(name: KindName): StoredKind {
    return found(this.#kinds, name.id);
  }

  of<M extends Model>(kind: KindName<M>): Store<M> {
    return found(this.#stores, kind.id) as Store<M>;
  }

  keys<M extends Model>(index: KeyIndexOf<M>): KeyIndex<M> {
    return found(this.#keys, index.id) as KeyIndex<M>;
  }

  selectors<M extends Model>(index: SelectorIndexOf<M>): SelectorIndex<M> {
    return found(this.#selectors, index.id) as SelectorIndex<M>;
  }

  #create(index: IndexOf): KeyIndex<Model> | SelectorIndex<Model> {
    if (index.type === 'keys') return add(this.#keys, index.id, new KeyIndex(index));
    return add(this.#selectors, index.id, new SelectorIndex(index));
  }
}

function add<T>(all: Map<string, T>, id: string, value: T): T {
  if (all.has(id)) throw new Error(`two things are called ${id}`);
  all.set(id, value);
  return value;
}

/** A kind that is asked for and not there is a defect of the program, whatever is in the cluster. */
function found<T>(all: ReadonlyMap<string, T>, id: string): T {
  const value = all.get(id);
  if (value === undefined) throw new Error(`${id} is in no row of this state`);
  return value;
}
