import type { ClusterState } from '../../crds/state/cluster-state.ts';
import type { ModelByKind, ModelKind } from '../../crds/state/object-ref.ts';
import type { ReadKey } from '../../crds/state/view.ts';
import type { ObjectMeta } from '../../crds/types/object-meta.ts';
import type { InformerHandler } from '../runtime/informer.ts';
import type { CustomResource } from './custom-resource.ts';

/** Called within the tick of the event with the reads whose answer may differ: proxies are told before anything else happens. */
export type Changed = (reads: ReadonlySet<ReadKey>) => void;

/** Kinds of Kubernetes itself: their reduced models always make sense. */
export type BuiltInKind = 'Service' | 'EndpointSlice' | 'Pod' | 'Namespace';
export type CustomKind = Exclude<ModelKind, BuiltInKind>;

/** Puts what an informer sees of a built-in kind into the state. */
export function feedBuiltIn<K extends BuiltInKind>(
  state: ClusterState,
  kind: K,
  changed: Changed,
): InformerHandler<ModelByKind[K]> {
  const apply = (model: ModelByKind[K]) => changed(state.apply(kind, model, model.meta));
  return {
    added: apply,
    updated: (_, after) => apply(after),
    deleted: (last, version) => changed(state.apply(kind, null, deletedMeta(last.meta, version))),
    advanced: (version) => state.advance(kind, version),
  };
}

/** The same for a custom resource. One that cannot be used says so in its conditions; what it comes to is the state's to know. */
export function feedCustom<K extends CustomKind>(
  state: ClusterState,
  kind: K,
  changed: Changed,
): InformerHandler<CustomResource<ModelByKind[K]>> {
  const apply = ({ meta, parsed }: CustomResource<ModelByKind[K]>) => {
    const reads = state.applyParsed(kind, parsed, meta);
    if (parsed.model !== null || reads.size > 0) changed(reads);
  };
  return {
    added: apply,
    updated: (_, after) => apply(after),
    deleted: ({ meta }, version) => changed(state.apply(kind, null, deletedMeta(meta, version))),
    advanced: (version) => state.advance(kind, version),
  };
}

function deletedMeta(meta: ObjectMeta, version: string): ObjectMeta {
  return version === '' ? meta : { ...meta, resourceVersion: version };
}
