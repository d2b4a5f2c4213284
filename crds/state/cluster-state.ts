import type { MeshModel } from '../kinds/mesh/model.ts';
import type { ObjectMeta } from '../types/object-meta.ts';
import type { Usable } from '../types/problem.ts';
import { Departed } from './departed.ts';
import type { ModelByKind, ModelKind } from './object-ref.ts';
import { compareRevisions, newestRevision } from './order.ts';
import { TRUST_READ } from './reads.ts';
import { sameModel } from './same.ts';
import { StateView } from './state-view.ts';
import type { Touched } from './store.ts';
import { createStores, MODEL_KINDS, type Stores } from './stores.ts';
import type { ReadKey, TrustModel } from './view.ts';

/**
 * Everything that configuration is compiled from, with the indexes that answer a `ClusterView` in constant time. The operator and direct mode
 * feed it from their informers. It only ever moves forward: an older version of an object that it holds is ignored.
 */
export class ClusterState extends StateView {
  readonly #stores: Stores;
  readonly #departed: Departed;
  readonly #positions = new Map<ModelKind, string>();

  /** `defaultMesh` stands while there is no Mesh object (`crds/kinds/mesh/parse.ts`). */
  constructor(defaultMesh: MeshModel) {
    const stores = createStores(defaultMesh);
    super(stores, () => undefined);
    this.#stores = stores;
    this.#departed = new Departed();
  }

  /**
   * Takes one object as it is now; `model` is null when it was deleted, or cannot be used. `meta.resourceVersion` of a deletion is that of the
   * deletion event. Returns the reads whose answer may differ from now on: empty when the object means the same as before.
   */
  apply<K extends ModelKind>(kind: K, model: ModelByKind[K] | null, meta: ObjectMeta): ReadonlySet<ReadKey> {
    this.advance(kind, meta.resourceVersion);
    const store = this.#stores.byKind[kind];
    const old = store.held(meta.namespace, meta.name);
    if (old === null && model === null) return new Set();
    if (old !== null && model !== null && isOlder(meta, old.meta)) return new Set();
    const touched: Touched = { reads: this.#stores.ownReads[kind](meta), left: new Set() };
    const same = old !== null && model !== null && sameModel(old.model, model);
    store.replace(meta, model, touched);
    for (const read of model === null ? touched.reads : touched.left) this.#departed.note(read, meta.resourceVersion);
    return same ? new Set() : touched.reads;
  }

  /**
   * The same of an object as it was parsed. One that cannot be used leaves its last good state in force; without an earlier one it holds in its
   * strictest reading, or is as if absent. Nothing else is affected.
   */
  applyParsed<K extends ModelKind>(
    kind: K,
    { model, strictest }: Usable<ModelByKind[K]>,
    meta: ObjectMeta,
  ): ReadonlySet<ReadKey> {
    if (model !== null) return this.apply(kind, model, meta);
    const held = this.#stores.byKind[kind].held(meta.namespace, meta.name);
    // What is held of an object of the same name that was deleted says nothing of this one.
    if (strictest !== undefined && held?.meta.uid !== meta.uid) return this.apply(kind, strictest, meta);
    this.advance(kind, meta.resourceVersion);
    return new Set();
  }

  applyTrust(trust: TrustModel): ReadonlySet<ReadKey> {
    const same = this.#stores.trust?.anchorsPem === trust.anchorsPem;
    this.#stores.trust = trust;
    return same ? new Set() : new Set([TRUST_READ]);
  }

  /** A list or a bookmark of `kind` proves that everything up to `resourceVersion` has been seen. */
  advance(kind: ModelKind, resourceVersion: string): void {
    this.#positions.set(kind, newestRevision(this.#positions.get(kind) ?? '', resourceVersion));
  }

  /** The resourceVersion up to which every kind has certainly been seen; empty while some kind has seen nothing. */
  position(): string {
    return MODEL_KINDS.map((kind) => this.#positions.get(kind) ?? '').reduce((a, b) =>
      compareRevisions(a, b) <= 0 ? a : b,
    );
  }

  /** Newest resourceVersion of an object that no longer answers `read` (deleted, or moved to another key); empty when none is remembered. */
  departed(read: ReadKey): string {
    return this.#departed.of(read);
  }

  /** A view of the same objects that reports each read to `note`. */
  noting(note: StateView['note']): StateView {
    return new StateView(this.#stores, note);
  }
}

/** A list may be answered from the cache of an API server that lags behind; a re-created object has another uid. */
function isOlder(meta: ObjectMeta, held: ObjectMeta): boolean {
  return meta.uid === held.uid && compareRevisions(meta.resourceVersion, held.resourceVersion) < 0;
}
