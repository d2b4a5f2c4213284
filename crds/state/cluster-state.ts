import type { KindName, Model } from '../types/kind-name.ts';
import type { ObjectMeta } from '../types/object-meta.ts';
import type { Usable } from '../types/problem.ts';
import { Departed } from './departed.ts';
import type { StoredKind } from './kind.ts';
import { compareRevisions, newestRevision } from './order.ts';
import { namespaceRead, objectRead, type ReadKey, TRUST_READ } from './reads.ts';
import { sameModel } from './same.ts';
import { StateView } from './state-view.ts';
import type { Touched } from './store.ts';
import { Stores } from './stores.ts';
import type { TrustModel } from './view.ts';

/**
 * Everything that configuration is compiled from, with the indexes that answer a `ClusterView` in constant time. The operator and direct mode
 * feed it from their informers. It only ever moves forward: an older version of an object that it holds is ignored.
 */
export class ClusterState extends StateView {
  readonly #stores: Stores;
  readonly #departed: Departed;
  readonly #positions = new Map<string, string>();
  readonly #absent = new Set<string>();

  /** @param kinds the only ones that it can be fed and asked */
  constructor(kinds: readonly StoredKind[]) {
    const stores = new Stores(kinds);
    super(stores, () => undefined);
    this.#stores = stores;
    this.#departed = new Departed();
  }

  /**
   * Takes one object as it is now; `model` is null when it was deleted, or cannot be used. `meta.resourceVersion` of a deletion is that of the
   * deletion event. Returns the reads whose answer may differ from now on: empty when the object means the same as before.
   */
  apply<M extends Model>(kind: KindName<M>, model: M | null, meta: ObjectMeta): ReadonlySet<ReadKey> {
    this.advance(kind, meta.resourceVersion);
    const store = this.#stores.of(kind);
    const old = store.held(meta.namespace, meta.name);
    if (old === null && model === null) return new Set();
    if (old !== null && model !== null && isOlder(meta, old.meta)) return new Set();
    const touched: Touched = { reads: ownReads(kind, meta), left: new Set() };
    const same = old !== null && model !== null && sameModel(old.model, model);
    store.replace(meta, model, touched);
    for (const read of model === null ? touched.reads : touched.left) this.#departed.note(read, meta.resourceVersion);
    return same ? new Set() : touched.reads;
  }

  /**
   * The same of an object as it was parsed. One that cannot be used leaves its last good state in force; without an earlier one it holds in its
   * strictest reading, or is as if absent. Nothing else is affected.
   */
  applyParsed<M extends Model>(
    kind: KindName<M>,
    { model, strictest }: Usable<M>,
    meta: ObjectMeta,
  ): ReadonlySet<ReadKey> {
    if (model !== null) return this.apply(kind, model, meta);
    const held = this.#stores.of(kind).held(meta.namespace, meta.name);
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
  advance({ id }: KindName, resourceVersion: string): void {
    this.#absent.delete(id);
    this.#positions.set(id, newestRevision(this.#positions.get(id) ?? '', resourceVersion));
  }

  /** The API server serves no such kind (any more): there is nothing to see. What is held of it stays. */
  noteAbsent({ id }: KindName): void {
    this.#absent.add(id);
  }

  /** The resourceVersion up to which every kind that is served has certainly been seen; empty while some kind has seen nothing. */
  position(): string {
    return this.#stores.kinds
      .filter(({ id }) => !this.#absent.has(id))
      .map(({ id }) => this.#positions.get(id) ?? '')
      .reduce((a, b) => (compareRevisions(a, b) <= 0 ? a : b));
  }

  /** The resourceVersion up to which this kind has certainly been seen; empty while nothing has. */
  positionOf({ id }: Pick<KindName, 'id'>): string {
    return this.#positions.get(id) ?? '';
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

/** The reads that find an object without an index. */
function ownReads(kind: KindName, { namespace, name }: ObjectMeta): Set<ReadKey> {
  return new Set([objectRead(kind, namespace, name), namespaceRead(kind, namespace)]);
}

/** A list may be answered from the cache of an API server that lags behind; a re-created object has another uid. */
function isOlder(meta: ObjectMeta, held: ObjectMeta): boolean {
  return meta.uid === held.uid && compareRevisions(meta.resourceVersion, held.resourceVersion) < 0;
}
