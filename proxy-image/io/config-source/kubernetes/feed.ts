import type { KindRow } from '../../../../crds/kinds/row.ts';
import { readMeta } from '../../../../crds/parse/metadata.ts';
import type { ClusterState } from '../../../../crds/state/cluster-state.ts';
import type { ReadKey } from '../../../../crds/state/reads.ts';
import type { KindName, Model } from '../../../../crds/types/kind-name.ts';
import type { ObjectMeta } from '../../../../crds/types/object-meta.ts';
import type { Usable } from '../../../../crds/types/problem.ts';
import type { Feed } from './reflector.ts';

/** Told of what may have changed, and when a kind has been listed, or is known to be absent. */
export interface FeedObserver {
  touched(reads: ReadonlySet<ReadKey>): void;
  listed(kind: KindName): void;
}

interface Listed<M> {
  parsed: Usable<M>;
  meta: ObjectMeta;
}

/** Puts the objects of one kind, reduced to models, into the cluster's state. Raw objects live no longer than a page. */
export class KindFeed<M extends Model> implements Feed {
  readonly #watched: KindRow<M>;
  readonly #state: ClusterState;
  readonly #observer: FeedObserver;
  /** Metadata of what the state holds, for the synthetic deletions after a list. */
  readonly #held = new Map<string, ObjectMeta>();
  #list: Listed<M>[] = [];

  constructor(watched: KindRow<M>, state: ClusterState, observer: FeedObserver) {
    this.#watched = watched;
    this.#state = state;
    this.#observer = observer;
  }

  listStarted(): void {
    this.#list = [];
  }

  page(items: readonly unknown[]): void {
    for (const item of items) this.#list.push({ parsed: this.#watched.parse(item), meta: readMeta(item) });
  }

  /** What is gone goes first: an address may already belong to another object. */
  listEnded(resourceVersion: string): void {
    const listed = this.#list;
    this.#list = [];
    const present = new Set(listed.map(({ meta }) => nameOf(meta)));
    for (const [name, meta] of this.#held) {
      if (!present.has(name)) this.#remove({ ...meta, resourceVersion });
    }
    for (const { parsed, meta } of listed) this.#put(parsed, meta);
    this.bookmark(resourceVersion);
    this.#observer.listed(this.#watched);
  }

  absent(): void {
    this.#state.noteAbsent(this.#watched);
    this.#observer.listed(this.#watched);
  }

  stored(object: unknown): void {
    this.#put(this.#watched.parse(object), readMeta(object));
  }

  deleted(object: unknown): void {
    this.#remove(readMeta(object));
  }

  bookmark(resourceVersion: string): void {
    this.#state.advance(this.#watched, resourceVersion);
  }

  /** Of an object that cannot be used something may be held as well: its last good state, or its strictest reading. */
  #put(parsed: Usable<M>, meta: ObjectMeta): void {
    this.#held.set(nameOf(meta), identifying(meta));
    this.#tell(this.#state.applyParsed(this.#watched, parsed, meta));
  }

  #remove(meta: ObjectMeta): void {
    this.#held.delete(nameOf(meta));
    this.#tell(this.#state.apply(this.#watched, null, meta));
  }

  #tell(touched: ReadonlySet<ReadKey>): void {
    if (touched.size > 0) this.#observer.touched(touched);
  }
}

function nameOf(meta: ObjectMeta): string {
  return `${meta.namespace}/${meta.name}`;
}

/** Labels and annotations are in the model already. */
function identifying(meta: ObjectMeta): ObjectMeta {
  return { ...meta, labels: {}, annotations: {} };
}
