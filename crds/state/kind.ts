import type { KindName, Model } from '../types/kind-name.ts';
import type { LabelSelector } from '../types/label-selector.ts';
import type { ObjectMeta } from '../types/object-meta.ts';

/** A kind as far as the state knows it: how its objects are found. */
export interface StoredKind<M extends Model = Model> extends KindName<M> {
  readonly indexes: readonly IndexOf<M>[];
  /** Whether the status of an object counts the proxies that run with it: a recording then notes that it took effect. */
  readonly counted: boolean;
}

/** Objects by texts of their own. A declaration: a state keeps the index, a view is asked with it. */
export interface KeyIndexOf<M extends Model = Model> {
  readonly type: 'keys';
  /** `Service#byIp`; how its reads begin. */
  readonly id: string;
  readonly kind: KindName<M>;
  keysOf(model: M, meta: ObjectMeta): readonly string[];
}

/** Objects whose label selector matches given labels, within their namespace. */
export interface SelectorIndexOf<M extends Model = Model> {
  readonly type: 'selectors';
  readonly id: string;
  readonly kind: KindName<M>;
  /** `null`: it selects nothing. */
  selectorOf(model: M): LabelSelector | null;
}

export type IndexOf<M extends Model = Model> = KeyIndexOf<M> | SelectorIndexOf<M>;

/** @param name within the kind, in lower camel case: no namespace is written so */
export function keyIndex<M extends Model>(
  kind: KindName<M>,
  name: string,
  keysOf: KeyIndexOf<M>['keysOf'],
): KeyIndexOf<M> {
  return { type: 'keys', id: `${kind.id}#${name}`, kind, keysOf };
}

export function selectorIndex<M extends Model>(
  kind: KindName<M>,
  name: string,
  selectorOf: SelectorIndexOf<M>['selectorOf'],
): SelectorIndexOf<M> {
  return { type: 'selectors', id: `${kind.id}#${name}`, kind, selectorOf };
}
