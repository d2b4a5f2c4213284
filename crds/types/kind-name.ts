import type { ObjectMeta } from './object-meta.ts';

/**
 * Names a kind of the API, and says what its objects are reduced to. Two groups may serve a kind of one name, so that `kind` alone names none.
 * What a state keeps and a view finds is asked for by this value.
 */
export interface KindName<out M = unknown> {
  /** Empty for the core group. */
  readonly group: string;
  readonly kind: string;
  /** Served versions that can be parsed, oldest first. */
  readonly versions: readonly string[];
  /** `Server.policy.linkerd.io`, `Pod`: the same text names the same kind. */
  readonly id: string;
  /** Never set: it carries the type. */
  readonly model?: M;
}

export function kindName<M>(group: string, kind: string, versions: readonly string[]): KindName<M> {
  return { group, kind, versions, id: group === '' ? kind : `${kind}.${group}` };
}

/** What every model has; `meta` is null for the defaults that stand where there is no object. */
export interface Model {
  readonly meta: ObjectMeta | null;
}
