import type { StoredKind } from '../state/kind.ts';
import type { ClusterView } from '../state/view.ts';
import type { Model } from '../types/kind-name.ts';
import type { OperatorRole } from '../types/operator-role.ts';
import type { Parsed } from '../types/problem.ts';
import type { Assessment, Finding } from './assessment.ts';

/** Everything that the programs must know of one kind: what they do with it are loops over `registry.ts`. */
export interface KindRow<M extends Model = Model> extends StoredKind<M> {
  readonly plural: string;
  readonly scope: 'Namespaced' | 'Cluster';
  /** The version that is watched is the stored one: it costs the API server no conversion. */
  readonly watched: string;
  /** Somebody else's definition, which a cluster need not have. While it is missing, the kind has no objects, and nothing waits for it. */
  readonly optional: boolean;
  /** Who watches it: the operator alone, or proxies in direct mode too. Whatever is compiled from it must be `everywhere`. */
  readonly watchedBy: 'operator' | 'everywhere';
  /** Roles of the operator that read it beside those that read every kind (`readers.ts`). */
  readonly readBy?: readonly OperatorRole[];
  /** Those of them that look at nothing but `metadata`. */
  readonly metadataEnoughFor?: readonly OperatorRole[];
  /** Whether the webhook refuses what `parse` calls an error. */
  readonly validated: boolean;
  readonly status: KindStatus<M>;
  /** Never throws, on any JSON value. */
  parse(raw: unknown): Parsed<M>;
}

/** What the operator writes into the status of an object. */
export type KindStatus<M extends Model = Model> =
  /** It is Kubernetes' own to write. */
  | { readonly form: 'none' }
  /** By a reconciler of the kind's own. */
  | { readonly form: 'own' }
  | AssessedStatus<M>
  | ParentsStatus<M>;

/** The conditions that each object is given by itself (`operator/reconcilers/conditions-form.ts`). */
export interface AssessedStatus<M extends Model = Model> {
  readonly form: 'conditions';
  assess(view: ClusterView, model: M): Assessment;
  /** Status fields of the kind's own, beside the conditions. */
  fields?(model: M): Readonly<Record<string, unknown>>;
}

/** `status.parents` of the Gateway API: conditions for each parent of an object, beside those of other controllers (`operator/reconcilers/parents-form.ts`). */
export interface ParentsStatus<M extends Model = Model> {
  readonly form: 'parents';
  /** Of the parents that are ours, in the order of the spec. */
  assess(view: ClusterView, model: M): ParentAssessment[];
}

/**
 * What `Programmed` is called on a route. Argo CD takes a condition of that plain name which is not True for a sync that goes on: one proxy that is stuck would hold
 * up every wave that has a route. The Gateway API defines none for routes and asks for a domain in front of one's own.
 */
export const ROUTE_PROGRAMMED = 'weft.dev/Programmed';

export interface ParentAssessment {
  /** As it stands in the spec. */
  parentRef: Readonly<Record<string, unknown>>;
  accepted: Finding;
  resolvedRefs: Finding;
  /** The condition `PartiallyInvalid`, which is there only while it is true. */
  partiallyInvalid: Finding | null;
}

/** A custom resource of which a proxy's state is made: watched everywhere, validated, counted. A row says what differs. */
export const CUSTOM = {
  scope: 'Namespaced',
  optional: false,
  watchedBy: 'everywhere',
  validated: true,
  counted: true,
} as const;

/** One of Kubernetes' own kinds. */
export const BUILT_IN = {
  scope: 'Namespaced',
  optional: false,
  watchedBy: 'everywhere',
  validated: false,
  counted: false,
  status: { form: 'none' },
} as const;

const NO_PROBLEMS: Parsed<never>['problems'] = [];

/** The API server has validated the objects of its own kinds: their reduced models always make sense. */
export function reduced<M extends Model>(reduce: (raw: unknown) => M): KindRow<M>['parse'] {
  return (raw) => ({ model: reduce(raw), problems: NO_PROBLEMS });
}
