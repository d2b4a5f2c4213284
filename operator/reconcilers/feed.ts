import type { ClusterState } from '../../crds/state/cluster-state.ts';
import type { ReadKey } from '../../crds/state/reads.ts';
import type { KindName, Model } from '../../crds/types/kind-name.ts';
import type { ObjectMeta } from '../../crds/types/object-meta.ts';
import type { InformerHandler } from '../runtime/informer.ts';
import type { Seen } from './seen.ts';

/** Called within the tick of the event with the reads whose answer may differ: proxies are told before anything else happens. */
export type Changed = (reads: ReadonlySet<ReadKey>) => void;

/** Puts what an informer sees of a kind into the state. What cannot be used says so in its conditions; what it comes to is the state's to know. */
export function feed<M extends Model>(
  state: ClusterState,
  kind: KindName<M>,
  changed: Changed,
): InformerHandler<Seen<M>> {
  const tell = (reads: ReadonlySet<ReadKey>) => {
    if (reads.size > 0) changed(reads);
  };
  const apply = ({ meta, parsed }: Seen<M>) => tell(state.applyParsed(kind, parsed, meta));
  return {
    added: apply,
    updated: (_, after) => apply(after),
    deleted: ({ meta }, version) => tell(state.apply(kind, null, deletedMeta(meta, version))),
    advanced: (version) => state.advance(kind, version),
    absent: () => state.noteAbsent(kind),
  };
}

function deletedMeta(meta: ObjectMeta, version: string): ObjectMeta {
  return version === '' ? meta : { ...meta, resourceVersion: version };
}
