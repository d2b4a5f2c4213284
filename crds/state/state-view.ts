import type { KindName, Model } from '../types/kind-name.ts';
import type { KeyIndexOf, SelectorIndexOf, StoredKind } from './kind.ts';
import { byAge } from './order.ts';
import { indexRead, namespaceRead, objectRead, type ReadKey, TRUST_READ } from './reads.ts';
import type { Stores } from './stores.ts';
import type { ClusterView, Labels, TrustModel } from './view.ts';

/** Told of each read and of what it found; of `found`, only the first `used` take effect. `kind` is null for the trust bundle. */
export type NoteRead = (read: ReadKey, kind: StoredKind | null, found: readonly Model[], used: number) => void;

/** Answers a `ClusterView` from stores and reports every read. */
export class StateView implements ClusterView {
  readonly #stores: Stores;
  readonly note: NoteRead;

  constructor(stores: Stores, note: NoteRead) {
    this.#stores = stores;
    this.note = note;
  }

  get<M extends Model>(kind: KindName<M>, namespace: string, name: string): M | null {
    const found = this.#stores.of(kind).get(namespace, name);
    this.#tell(objectRead(kind, namespace, name), kind, found === null ? [] : [found], 1);
    return found;
  }

  by<M extends Model>(index: KeyIndexOf<M>, key: string): readonly M[] {
    const read = indexRead(index, key);
    const found = this.#stores.keys(index).list(read);
    this.#tell(read, index.kind, found, found.length);
    return found;
  }

  first<M extends Model>(index: KeyIndexOf<M>, key: string): M | null {
    const read = indexRead(index, key);
    const found = this.#stores.keys(index).list(read);
    this.#tell(read, index.kind, found, 1);
    return found[0] ?? null;
  }

  matching<M extends Model>(index: KeyIndexOf<M>, keys: readonly string[], isMeant: (model: M) => boolean): M[] {
    const reads = keys.map((key) => indexRead(index, key));
    const held = reads.flatMap((read) => this.#stores.keys(index).list(read));
    // One object may be filed under several of the keys.
    return this.#together(reads, index.kind, [...new Set(held)].filter(isMeant));
  }

  selecting<M extends Model>(index: SelectorIndexOf<M>, namespace: string, labels: Labels): M[] {
    const selectors = this.#stores.selectors(index);
    const reads = selectors.readsFor(namespace, labels);
    return this.#together(reads, index.kind, selectors.select(reads, labels));
  }

  list<M extends Model>(kind: KindName<M>, namespace: string): readonly M[] {
    const found = this.#stores.of(kind).list(namespace);
    this.#tell(namespaceRead(kind, namespace), kind, found, found.length);
    return found;
  }

  trust(): TrustModel | null {
    this.note(TRUST_READ, null, [], 0);
    return this.#stores.trust;
  }

  /** What several reads of one index found together; every object is noted once, with the first read. */
  #together<M extends Model>(reads: readonly ReadKey[], kind: KindName<M>, found: M[]): M[] {
    found.sort(byAgeOfModels);
    for (const [at, read] of reads.entries()) this.#tell(read, kind, at === 0 ? found : [], found.length);
    return found;
  }

  #tell(read: ReadKey, kind: KindName, found: readonly Model[], used: number): void {
    this.note(read, this.#stores.kind(kind), found, used);
  }
}

function byAgeOfModels(a: Model, b: Model): number {
  return a.meta === null || b.meta === null ? 0 : byAge({ meta: a.meta }, { meta: b.meta });
}
