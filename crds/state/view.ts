import type { KindName, Model } from '../types/kind-name.ts';
import type { KeyIndexOf, SelectorIndexOf } from './kind.ts';

/**
 * What may be asked of the cluster, by whatever kinds there are; each kind's folder says in its `queries.ts` what its answers mean. Every lookup is one
 * *read*; a recording view notes the reads of a compilation, so that a change of an object recompiles exactly the resources that read it (see `ReadKey`),
 * and the objects that it found as those that took effect. Lists come in a deterministic order: creationTimestamp, then name.
 */
export interface ClusterView {
  get<M extends Model>(kind: KindName<M>, namespace: string, name: string): M | null;
  /** What an index has under `key`; all of it takes effect. */
  by<M extends Model>(index: KeyIndexOf<M>, key: string): readonly M[];
  /** The oldest of them, which alone takes effect. */
  first<M extends Model>(index: KeyIndexOf<M>, key: string): M | null;
  /** What an index has under any of `keys`, as far as it is meant. */
  matching<M extends Model>(
    index: KeyIndexOf<M>,
    keys: readonly string[],
    isMeant: (model: M) => boolean,
  ): readonly M[];
  /** The objects of `namespace` whose selector matches `labels`. */
  selecting<M extends Model>(index: SelectorIndexOf<M>, namespace: string, labels: Labels): readonly M[];
  /** A whole namespace, for the assessment of objects only: a compilation that read it would be repeated with every change in the namespace. */
  list<M extends Model>(kind: KindName<M>, namespace: string): readonly M[];
  /** `null` until the bundle is known. */
  trust(): TrustModel | null;
}

export type Labels = Readonly<Record<string, string>>;

/** The trust bundle; it comes from the operator's own Secrets, or from the environment in direct mode. */
export interface TrustModel {
  anchorsPem: string;
  resourceVersion: string;
}

export type { ReadKey } from './reads.ts';
